#include "receive/existence.h"

#include "fiber/loop.h"

#define ANSWER_WITHIN_MS 30000 /* of all targets together */
#define WORDS_MAX_BYTES  500   /* of another server, in a reply of ours */

static const struct answer unknown = {
    451, {4, 4, 1}, "The recipient cannot be verified now, try again later"};

struct findings {
    bool has_taken;            /* somebody is there, or taken without an answer */
    const struct answer *no;   /* who is not there */
    const struct answer *wait; /* who may be there */
};

/* ---- one report ---- */

static const struct answer *make_answer(struct session *session, int code,
                                        struct mail_status status, const char *text,
                                        struct str words)
{
    struct answer *answer = ARENA_NEW(&session->arena, struct answer);
    answer->code = code;
    answer->status = status;
    words = str_first(words, WORDS_MAX_BYTES);
    answer->text = arena_printf(&session->arena, "%s (%.*s)", text, STR_FMT(words)).at;
    return answer;
}

/* A mailbox that is full for good is there, and yet no mail for it can be taken. */
static const struct answer *make_no(struct session *session, const struct receive_report *report)
{
    struct mail_status status = report->status;
    bool is_about_mailbox = status.class == 5 && status.subject == 2;
    if (is_about_mailbox)
        return make_answer(session, 550, status, "The mailbox takes no mail", report->words);
    if (status.class != 5 || status.subject != 1)
        status = MAIL_STATUS(5, 1, 1);
    return make_answer(session, 550, status, "No such user here", report->words);
}

static const struct answer *make_wait(struct session *session, const struct receive_report *report)
{
    struct mail_status status = report->status.class == 4 ? report->status : MAIL_STATUS(4, 2, 0);
    return make_answer(session, 451, status, "The mailbox takes no mail now", report->words);
}

static void note_report(struct session *session, struct str address,
                        const struct receive_report *report)
{
    static const char *const words[] = {
        [RECEIVE_IS_THERE] = "is there",
        [RECEIVE_IS_NOT_THERE] = "is not there",
        [RECEIVE_NOT_NOW] = "takes no mail now",
        [RECEIVE_UNKNOWN] = "cannot be asked about",
    };
    session_note(session, TRANSCRIPT_NOTE,
                 arena_printf(&session->arena, "<%.*s> %s: %.*s", STR_FMT(address),
                              words[report->knowledge], STR_FMT(report->words)));
}

/* Why who may be there has to wait; NULL: he is taken all the same. */
static const struct answer *find_reason_to_wait(struct session *session,
                                                const struct route_way *way,
                                                const struct receive_report *report)
{
    if (session->service->kind != RECEIVE_MX)
        return NULL;
    if (report->knowledge == RECEIVE_NOT_NOW)
        return make_wait(session, report);
    return way->via == ROUTE_LMTP ? &unknown : NULL;
}

static void judge(struct session *session, const struct route_way *way,
                  const struct receive_report *report, struct findings *findings)
{
    const struct answer *wait = NULL;
    if (report->knowledge == RECEIVE_IS_NOT_THERE) {
        findings->no = make_no(session, report);
        return;
    }
    if (report->knowledge != RECEIVE_IS_THERE)
        wait = find_reason_to_wait(session, way, report);
    if (wait)
        findings->wait = wait;
    else
        findings->has_taken = true;
}

/* ---- all targets ---- */

static enum err check_target(struct session *session, struct str address, uint64_t deadline_ms,
                             struct findings *findings, bool *out_stays)
{
    const struct receive_service *service = session->service;
    const struct route_way *way = route_way_to_ask(service->routes, address);
    if (!way) {
        findings->has_taken = *out_stays = true;
        return OK;
    }
    struct receive_report report;
    enum err err = service->verifier.ask(service->verifier.context, way, address, deadline_ms,
                                         &session->arena, &report);
    if (err)
        return err;
    session_set_deadline(session, service->timeouts.command);
    note_report(session, address, &report);
    judge(session, way, &report, findings);
    *out_stays = report.knowledge != RECEIVE_IS_NOT_THERE;
    return OK;
}

enum err existence_check(struct session *session, struct route_targets *targets,
                         const struct answer **out_no)
{
    uint64_t deadline_ms = loop_now_ms() + ANSWER_WITHIN_MS;
    struct findings findings = {.no = NULL};
    size_t count = 0;
    *out_no = NULL;
    if (!session->service->verifier.ask)
        return OK;
    for (size_t i = 0; i < targets->count; i++) {
        bool stays;
        enum err err = check_target(session, targets->addresses[i], deadline_ms, &findings, &stays);
        if (err)
            return err;
        if (stays)
            targets->addresses[count++] = targets->addresses[i];
    }
    targets->count = count;
    if (!findings.has_taken)
        *out_no = findings.wait ? findings.wait : findings.no;
    return OK;
}
