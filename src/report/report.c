#include "report/report.h"

#include "base/log.h"
#include "mail/text.h"
#include "report/due.h"
#include "verify/signing.h"

#define REPORT_MAX_BYTES ((size_t)32 * 1024 * 1024)
#define TOLD_MAX_BYTES   1000 /* of a trace's text */
#define SERVICE          STR("internal")

/* One job being told of. */
struct telling {
    const struct report *report;
    const struct queue_job *job;
    const struct queue_outcome *outcomes;
    struct arena arena;
    struct spool_message message; /* the original */
    struct dsn_recipient *recipients;
    size_t count; /* of these: who is told of */
    int64_t now_us;
};

/* ---- trace and log ---- */

static void trace_tell(const struct telling *telling, spool_id id, struct str text)
{
    if (telling->report->trace)
        trace_write(telling->report->trace, &(struct trace_event){
                                                .id = id,
                                                .kind = TRACE_REPORTED,
                                                .wall_us = telling->now_us,
                                                .text = text,
                                                .transcript = STR_EMPTY,
                                            });
}

static struct str recipients_text(struct telling *telling)
{
    struct str first = mail_text_clean(&telling->arena, telling->recipients[0].address);
    first = str_first(first, TOLD_MAX_BYTES);
    if (telling->count == 1)
        return arena_printf(&telling->arena, "<%.*s>", STR_FMT(first));
    return arena_printf(&telling->arena, "<%.*s> and %zu more", STR_FMT(first), telling->count - 1);
}

static void tell_that_nobody_is_told(struct telling *telling, const char *why)
{
    struct str whom = recipients_text(telling);
    log_event(LOG_INFO, "report", "%s: nobody is told of %.*s: %s",
              spool_id_print(telling->job->id).at, STR_FMT(whom), why);
    trace_tell(telling, telling->job->id,
               arena_printf(&telling->arena, "nobody is told of %.*s: %s", STR_FMT(whom), why));
}

static void tell_both_stories(struct telling *telling, spool_id id)
{
    struct str whom = recipients_text(telling);
    struct str sender = mail_text_clean(&telling->arena, telling->message.envelope.sender);
    struct spool_id_text report_id = spool_id_print(id);
    struct spool_id_text original_id = spool_id_print(telling->job->id);
    log_event(LOG_INFO, "report", "%s: report %s to <%.*s> on %.*s", original_id.at, report_id.at,
              STR_FMT(sender), STR_FMT(whom));
    trace_tell(telling, telling->job->id,
               arena_printf(&telling->arena, "message %s tells <%.*s> what became of %.*s",
                            report_id.at, STR_FMT(sender), STR_FMT(whom)));
    trace_tell(telling, id,
               arena_printf(&telling->arena,
                            "written here: it tells <%.*s> what became of %.*s, "
                            "recipients of message %s",
                            STR_FMT(sender), STR_FMT(whom), original_id.at));
}

/* ---- who is told of ---- */

static bool is_anything_due(const struct queue_job *job, const struct queue_outcome *outcomes)
{
    enum dsn_action action;
    for (size_t i = 0; i < job->recipient_count; i++)
        if (due_action(&outcomes[i], &action))
            return true;
    return false;
}

static int64_t retries_until_s(const struct telling *telling)
{
    uint32_t expire_s = telling->report->expire_s;
    return expire_s ? telling->job->arrived_s + expire_s : 0;
}

static struct dsn_recipient describe(const struct telling *telling,
                                     const struct spool_recipient *recipient,
                                     const struct queue_outcome *outcome, enum dsn_action action)
{
    return (struct dsn_recipient){
        .action = action,
        .status = due_status(outcome, action),
        .address = recipient->address,
        .original = recipient->original,
        .remote = outcome->remote,
        .words = due_words(outcome, action),
        .gave_up = due_gave_up(outcome),
        .attempted_us = telling->job->no_attempt ? 0 : telling->now_us,
        .retries_until_s = action == DSN_DELAYED ? retries_until_s(telling) : 0,
    };
}

/* Where there is no sender nobody asks for anything: only an end in failure is worth a word. */
static bool is_wanted(const struct telling *telling, const struct spool_recipient *recipient,
                      enum dsn_action action)
{
    bool has_sender = telling->message.envelope.sender.len > 0;
    return has_sender ? due_is_wanted(recipient->notify, action) : action == DSN_FAILED;
}

static void gather(struct telling *telling)
{
    const struct queue_job *job = telling->job;
    const struct spool_envelope *envelope = &telling->message.envelope;
    telling->recipients = ARENA_ARRAY(&telling->arena, struct dsn_recipient, job->recipient_count);
    for (size_t i = 0; i < job->recipient_count; i++) {
        enum dsn_action action;
        assert(job->recipients[i] < envelope->recipient_count);
        const struct spool_recipient *recipient = &envelope->recipients[job->recipients[i]];
        if (due_action(&telling->outcomes[i], &action) && is_wanted(telling, recipient, action))
            telling->recipients[telling->count++] =
                describe(telling, recipient, &telling->outcomes[i], action);
    }
}

/* ---- who is told ---- */

/* The recipients of the report; NULL, or why there are none. */
static const char *address_report(struct telling *telling, struct route_targets *out_targets)
{
    struct str sender = telling->message.envelope.sender;
    struct mail_address address;
    if (!sender.len)
        return "it has no sender";
    if (mail_address_parse(&telling->arena, sender, MAIL_ADDRESS_UTF8 | MAIL_ADDRESS_UNDERSCORE,
                           &address))
        return "its sender's address is none";
    switch (route_recipient(telling->report->routes, &address, telling->now_us, &telling->arena,
                            out_targets)) {
    case ROUTE_LOCAL:
        return NULL;
    case ROUTE_FOREIGN:
        out_targets->addresses = ARENA_NEW(&telling->arena, struct str);
        out_targets->addresses[0] = sender;
        out_targets->count = 1;
        return NULL;
    case ROUTE_NO_SUCH_USER:
    case ROUTE_FORGED:
        return "its sender is an address of this server that does not exist";
    case ROUTE_EXPIRED:
        return "its sender was good for a time only, which is over";
    case ROUTE_LOOP:
        break;
    }
    return "the aliases of its sender lead nowhere";
}

/* ---- the report ---- */

/* The beginning of the original. What cannot be read is no reason to say nothing: then it is told
 * without. */
static struct str read_original(struct telling *telling)
{
    size_t cap = DSN_ORIGINAL_MAX_BYTES, len = 0, got = 1;
    char *at = arena_alloc(&telling->arena, cap);
    enum err err = OK;
    while (len < cap && got && !err) {
        err = spool_message_read(&telling->message, len, at + len, cap - len, &got);
        len += err ? 0 : got;
    }
    if (err)
        log_event(LOG_WARNING, "report", "%s: reported without its content: %s",
                  spool_id_print(telling->job->id).at, err_text(err));
    return str_make(at, err ? 0 : len);
}

static enum err print(struct telling *telling, spool_id id, struct buf *out)
{
    const struct report *report = telling->report;
    const struct spool_envelope *envelope = &telling->message.envelope;
    struct spool_id_text report_id = spool_id_print(id);
    struct spool_id_text original_id = spool_id_print(telling->job->id);
    struct str original = read_original(telling);
    struct dsn dsn = {
        .hostname = report->hostname,
        .postmaster = report->postmaster,
        .id = str_of(report_id.at),
        .original_id = str_of(original_id.at),
        .sender = envelope->sender,
        .envelope_id = envelope->envelope_id,
        .arrived_us = telling->job->arrived_s * 1000000,
        .wall_us = telling->now_us,
        /* Only who has such an address is known to have a server that takes it. */
        .utf8 = str_has_8bit(envelope->sender),
        .header_only = envelope->returns == SPOOL_RETURN_HEADERS,
        .recipients = telling->recipients,
        .count = telling->count,
        .original = original,
        .is_whole = original.len == telling->message.size_bytes,
    };
    return dsn_print(out, &dsn, &telling->arena);
}

static struct spool_envelope envelope_of(struct telling *telling,
                                         const struct route_targets *targets, struct str content)
{
    struct spool_envelope envelope = {
        .sender = STR_EMPTY,
        .recipients = ARENA_ARRAY(&telling->arena, struct spool_recipient, targets->count),
        .recipient_count = (uint32_t)targets->count,
        .envelope_id = STR_EMPTY,
        .smtputf8 = str_has_8bit(telling->message.envelope.sender),
        .body_8bit = str_has_8bit(content),
        .client_address = STR_EMPTY,
        .client_helo = STR_EMPTY,
        .account = STR_EMPTY,
        .service = SERVICE,
        .received_us = telling->now_us,
    };
    for (size_t i = 0; i < targets->count; i++)
        envelope.recipients[i] = (struct spool_recipient){
            .address = targets->addresses[i],
            .original = STR_EMPTY,
            .notify = SPOOL_NOTIFY_NEVER,
        };
    return envelope;
}

/* The statuses of the whole job, so that the report and they stand or fall together. */
static struct spool_also also_of(struct telling *telling)
{
    const struct queue_job *job = telling->job;
    struct spool_change *changes =
        ARENA_ARRAY(&telling->arena, struct spool_change, job->recipient_count);
    for (size_t i = 0; i < job->recipient_count; i++)
        changes[i] = (struct spool_change){job->recipients[i], telling->outcomes[i].status};
    return (struct spool_also){
        .id = job->id,
        .place = job->place,
        .changes = changes,
        .change_count = job->recipient_count,
    };
}

/* The signatures for the top of it; none where there is no key. What holds 8-bit text is not
 * signed: a server without 8BITMIME could not be given it any more, and nobody is told of a lost
 * report. */
static enum err sign(struct telling *telling, struct str content, struct str *out_fields)
{
    const struct report *report = telling->report;
    const struct keyring_domain *keys = keyring_find(report->keyring, report->hostname);
    *out_fields = STR_EMPTY;
    if (!keys || str_has_8bit(content))
        return OK;
    struct signing *signing = signing_new(keys);
    signing_add(signing, content);
    enum err err = signing_finish(signing, report->signing_pool, telling->now_us / 1000000,
                                  &telling->arena, out_fields);
    signing_free(signing);
    return err;
}

/* Ends the draft whatever happens. */
static enum err commit(struct telling *telling, struct spool_draft *draft,
                       const struct route_targets *targets, struct str content)
{
    struct str signatures;
    enum err err = sign(telling, content, &signatures);
    if (!err)
        err = spool_draft_write(draft, content);
    if (err) {
        spool_draft_abort(draft);
        return err;
    }
    struct spool_envelope envelope = envelope_of(telling, targets, content);
    struct spool_also also = also_of(telling);
    return spool_draft_commit(draft, &envelope, signatures, &also);
}

static enum err send(struct telling *telling, const struct route_targets *targets)
{
    struct spool_draft *draft;
    enum err err = spool_draft_begin(telling->report->spool, &draft);
    if (err)
        return err;
    spool_id id = spool_draft_id(draft);
    struct buf content = buf_make(REPORT_MAX_BYTES);
    err = print(telling, id, &content);
    assert(!err); /* recipients and their words are bounded */
    err = commit(telling, draft, targets, buf_str(&content));
    buf_free(&content);
    if (!err)
        tell_both_stories(telling, id);
    return err;
}

static enum err tell(struct telling *telling)
{
    struct route_targets targets;
    gather(telling);
    if (!telling->count)
        return OK;
    const char *why_not = address_report(telling, &targets);
    if (!why_not)
        return send(telling, &targets);
    tell_that_nobody_is_told(telling, why_not);
    return OK;
}

enum err report_job(void *context, const struct queue_job *job,
                    const struct queue_outcome *outcomes)
{
    const struct report *report = context;
    if (!is_anything_due(job, outcomes))
        return OK;
    struct telling telling = {
        .report = report,
        .job = job,
        .outcomes = outcomes,
        .arena = arena_make(),
        .now_us = clock_wall_us(report->clock),
    };
    enum err err =
        spool_message_open(report->spool, job->id, job->place, &telling.arena, &telling.message);
    if (!err) {
        err = tell(&telling);
        spool_message_close(&telling.message);
    } else if (err == ERR_CORRUPT) {
        log_event(LOG_ERROR, "report", "%s: its envelope is damaged: its sender cannot be told",
                  spool_id_print(job->id).at);
        err = OK;
    }
    arena_reset(&telling.arena);
    return err;
}
