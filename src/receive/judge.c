#include "receive/judge.h"

#include "base/log.h"
#include "fiber/loop.h"
#include "receive/seal.h"
#include "verify/field_writer.h"
#include "verify/judgement.h"

#define DEADLINE_MS      20000
#define REASON_MAX_BYTES ((size_t)700) /* three names fit */
#define FIELD_MAX_BYTES  ((size_t)4096)

static const struct answer send_separately = {
    451, {4, 5, 3}, "Send it separately: this recipient's domain treats mail in another way"};

/* ---- who is judged ---- */

static bool is_stranger(const struct session *session)
{
    return session->resolver && session->service->kind == RECEIVE_MX && !session->is_relay_client &&
           stream_peer(session->stream)->socket.any.sa_family != AF_UNIX;
}

static enum receive_dmarc setting_for(const struct session *session,
                                      const struct mail_address *recipient)
{
    return receive_domains_dmarc(session->service->domains, recipient->domain);
}

static enum receive_dmarc setting_of(const struct session *session)
{
    return setting_for(session, &session->transaction.first_recipient);
}

const struct answer *judge_check_recipient(const struct session *session,
                                           const struct mail_path *path)
{
    if (!is_stranger(session) || session->transaction.accepted == 0)
        return NULL;
    return setting_for(session, &path->address) == setting_of(session) ? NULL : &send_separately;
}

/* SPF takes a local part by its meaning, without the quotes that it has in the envelope. */
static struct str unquoted_sender(struct session *session)
{
    struct arena *arena = &session->transaction.arena;
    struct str sender = session->transaction.envelope.sender;
    struct mail_address address;
    if (sender.len == 0 || sender.at[0] != '"' ||
        mail_address_parse(arena, sender, MAIL_ADDRESS_UTF8, &address))
        return sender;
    return arena_printf(arena, "%.*s@%.*s", STR_FMT(address.local), STR_FMT(address.domain));
}

struct judgement *judge_begin(struct session *session)
{
    if (!is_stranger(session) || setting_of(session) == RECEIVE_DMARC_OFF)
        return NULL;
    struct spf_query query = {
        .client = *stream_peer(session->stream),
        .helo = buf_str(&session->helo),
        .sender = unquoted_sender(session),
        .receiver = session->service->hostname,
        .wall_us = clock_wall_us(loop_clock(loop_current())),
    };
    return judgement_new(session->resolver, &query, &session->transaction.arena);
}

/* ---- why ---- */

/* Printable ASCII, so that it may stand in replies and fields. */
static struct str printable(struct arena *arena, struct str text)
{
    char *at = arena_alloc(arena, text.len);
    for (size_t i = 0; i < text.len; i++)
        at[i] = char_is_control(text.at[i]) || char_is_8bit(text.at[i]) ? '?' : text.at[i];
    return str_make(at, text.len);
}

static struct str tell_dkim(struct arena *arena, const struct judgement *judgement)
{
    const struct dkim_verified_list *dkim = &judgement->dkim;
    if (dkim->count == 0)
        return STR("no DKIM signature");
    const struct dkim_verified *first = &dkim->items[0];
    struct str text =
        arena_printf(arena, "DKIM %.*s for %.*s", STR_FMT(dkim_result_text(first->verdict.result)),
                     STR_FMT(str_first(first->domain, MAIL_DOMAIN_MAX_BYTES)));
    return dkim->count == 1
               ? text
               : arena_printf(arena, "%.*s and %zu more", STR_FMT(text), dkim->count - 1);
}

static struct str tell_why(const struct judgement *judgement)
{
    struct arena *arena = judgement->arena;
    struct str why = str_first(judgement->dmarc.reason, REASON_MAX_BYTES);
    struct str domain = str_first(judgement->spf.domain, MAIL_DOMAIN_MAX_BYTES);
    return printable(arena,
                     arena_printf(arena, "DMARC: %.*s (SPF %.*s for %.*s, %.*s)", STR_FMT(why),
                                  STR_FMT(spf_result_text(judgement->spf.result)), STR_FMT(domain),
                                  STR_FMT(tell_dkim(arena, judgement))));
}

/* ---- what follows from it ---- */

static struct str on_one_line(struct arena *arena, struct str words)
{
    char *at = arena_alloc(arena, words.len);
    for (size_t i = 0; i < words.len; i++)
        at[i] = words.at[i] == '\n' ? ';' : words.at[i];
    return str_make(at, words.len);
}

/* A refused message has no id and no trace. */
static void log_findings(const struct session *session, const struct incoming *incoming)
{
    struct str words = on_one_line(incoming->judgement->arena, incoming->words);
    log_event(LOG_INFO, "receive", "judged from=<%.*s> client=%.*s%.*s",
              STR_FMT(session->transaction.envelope.sender), STR_FMT(buf_str(&session->client)),
              STR_FMT(words));
}

static const struct answer *refuse(const struct session *session, const struct incoming *incoming)
{
    struct arena *arena = incoming->judgement->arena;
    struct answer *answer = ARENA_NEW(arena, struct answer);
    struct str why = arena_copy(arena, tell_why(incoming->judgement));
    *answer = (struct answer){550, {5, 7, 1}, why.at};
    if (log_wants(LOG_INFO))
        log_findings(session, incoming);
    return answer;
}

static struct str print_junk_reason(struct arena *arena, struct str why)
{
    struct buf buf = buf_make(FIELD_MAX_BYTES);
    struct field_writer writer = field_writer_make(&buf, STR("X-Junk-Reason"));
    for (bool has_more = true; has_more;) {
        struct str word = why;
        has_more = str_cut(why, ' ', &word, &why);
        if (word.len)
            field_writer_add(&writer, word);
    }
    enum err err = field_writer_end(&writer);
    assert(!err); /* it was cut */
    struct str field = arena_copy(arena, buf_str(&buf));
    buf_free(&buf);
    return field;
}

/* Only in mailboxes of ours is a Junk folder. */
static uint32_t mark_junk(struct session *session)
{
    struct spool_envelope *envelope = &session->transaction.envelope;
    uint32_t count = 0;
    for (uint32_t i = 0; i < envelope->recipient_count; i++) {
        struct spool_recipient *recipient = &envelope->recipients[i];
        struct str domain =
            str_from(recipient->address, str_find_last(recipient->address, '@') + 1);
        recipient->junk = route_is_local_domain(session->service->routes, domain);
        count += recipient->junk;
    }
    return count;
}

static void put_into_junk(struct session *session, struct incoming *incoming)
{
    const struct judgement *judgement = incoming->judgement;
    if (mark_junk(session) == 0)
        return;
    struct str why = tell_why(judgement);
    incoming_put_on_top(session, incoming, print_junk_reason(judgement->arena, why));
    incoming_tell(session, incoming,
                  arena_printf(judgement->arena, "goes into Junk: %.*s", STR_FMT(why)));
}

static const struct answer *apply_policy(struct session *session, struct incoming *incoming)
{
    enum dmarc_policy wanted = incoming->judgement->dmarc.disposition;
    enum receive_dmarc setting = setting_of(session);
    if (wanted == DMARC_POLICY_NONE || setting == RECEIVE_DMARC_MARK)
        return NULL;
    if (wanted == DMARC_POLICY_REJECT && setting == RECEIVE_DMARC_ENFORCE)
        return refuse(session, incoming);
    put_into_junk(session, incoming);
    return NULL;
}

/* What the DNS said may be UTF-8, which only fits where the envelope has it already (RFC 8601
 * section 2.2, RFC 6532). */
static struct str print_results(const struct session *session, const struct judgement *judgement)
{
    struct str results = judgement_print_results(judgement, session->service->hostname);
    if (str_has_8bit(session->transaction.envelope.sender) || !str_has_8bit(results))
        return results;
    char *ascii = arena_alloc(judgement->arena, results.len);
    for (size_t i = 0; i < results.len; i++)
        ascii[i] = char_is_8bit(results.at[i]) ? '?' : results.at[i];
    return str_make(ascii, results.len);
}

/* On top of our own Received, as the fields of one host go (RFC 8601 section 4). */
static const struct answer *put_results_on_top(struct session *session, struct incoming *incoming)
{
    const struct judgement *judgement = incoming->judgement;
    struct str results = print_results(session, judgement);
    incoming_put_on_top(
        session, incoming,
        arena_printf(judgement->arena, "Authentication-Results: %.*s\r\n", STR_FMT(results)));
    return incoming->seal ? seal_finish(session, incoming, results) : NULL;
}

enum err judge_finish(struct session *session, struct incoming *incoming,
                      const struct answer **out_no)
{
    struct judgement *judgement = incoming->judgement;
    enum err err = judgement_finish(judgement, loop_now_ms() + DEADLINE_MS);
    if (err)
        return err;
    incoming_tell(session, incoming, judgement_tell(judgement));
    const struct answer *no = apply_policy(session, incoming);
    *out_no = no ? no : put_results_on_top(session, incoming);
    return OK;
}
