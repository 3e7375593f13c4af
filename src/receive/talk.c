#include "base/log.h"
#include "fiber/loop.h"
#include "receive/session.h"
#include "smtp/reply.h"

/* Silent for so long, a session gives back what it does not need; somewhat sooner than its stream
 * and its stack do the same, so that one trim serves all. */
#define QUIET_MS (STREAM_TRIM_AFTER_MS / 2)

#define LINGER_MS 2000

/* An endless line is not worth reading to its end. */
#define LINE_DROPPED_MAX_BYTES ((size_t)4 << 20)

#define FAULT_SUBJECT_MAX 64

#define SESSION_TRANSCRIPT_MAX_BYTES 8192

const struct answer answer_ok = {250, {2, 0, 0}, "Ok"};
const struct answer answer_client_full = {421, {4, 7, 0}, "too many connections from your address"};

static const struct answer answer_endless_line = {421, {4, 7, 0}, "Line without end"};

void session_set_deadline(struct session *session, uint64_t timeout_ms)
{
    uint64_t deadline_ms = loop_now_ms() + timeout_ms;
    session->deadline_ms = deadline_ms < session->ends_at_ms ? deadline_ms : session->ends_at_ms;
}

void session_begin_transcript(struct session *session)
{
    transcript_done(&session->transcript);
    transcript_init(&session->transcript, SESSION_TRANSCRIPT_MAX_BYTES, loop_now_ms());
    if (session_is_encrypted(session))
        session_note_tls(session);
}

void session_note(struct session *session, enum transcript_voice voice, struct str line)
{
    transcript_line(&session->transcript, loop_now_ms(), voice, line);
}

void session_note_tls(struct session *session)
{
    const struct tls_info *tls = stream_tls(session->stream);
    transcript_printf(&session->transcript, loop_now_ms(), TRANSCRIPT_NOTE, "%s, %s", tls->version,
                      tls->cipher);
}

/* ---- replies ---- */

static void note_reply(struct session *session, struct str reply)
{
    struct str line;
    while (str_cut(reply, '\n', &line, &reply))
        session_note(session, TRANSCRIPT_SERVER, str_first(line, line.len - 1));
}

enum err session_send_reply(struct session *session)
{
    struct str reply = buf_str(&session->reply);
    note_reply(session, reply);
    return stream_write(session->stream, reply, session->deadline_ms);
}

enum err session_answer_text(struct session *session, int code, struct mail_status status,
                             struct str text)
{
    if (code >= 500)
        session->errors++;
    buf_clear(&session->reply);
    enum err err = smtp_reply_print(&session->reply, code, status, text);
    assert(!err); /* texts of our own are short */
    return session_send_reply(session);
}

enum err session_answer(struct session *session, const struct answer *answer)
{
    return session_answer_text(session, answer->code, answer->status, str_of(answer->text));
}

enum err session_answer_fault(struct session *session, const struct smtp_fault *fault)
{
    struct str text = str_of(fault->text);
    if (fault->subject.len) {
        struct str subject = str_first(fault->subject, FAULT_SUBJECT_MAX);
        text = arena_printf(&session->arena, "%s: %.*s", fault->text, STR_FMT(subject));
    }
    return session_answer_text(session, fault->code, fault->status, text);
}

static void log_refusal(const struct session *session, const struct answer *answer,
                        struct str sender, struct str recipient)
{
    struct str account = session->account ? session->account->name : STR_EMPTY;
    log_event(LOG_INFO, "receive",
              "refused from=<%.*s> to=<%.*s> client=%.*s helo=%.*s%s%.*s: %d %u.%u.%u %s",
              STR_FMT(sender), STR_FMT(recipient), STR_FMT(buf_str(&session->client)),
              STR_FMT(buf_str(&session->helo)), account.len ? " account=" : "", STR_FMT(account),
              answer->code, answer->status.class, answer->status.subject, answer->status.detail,
              answer->text);
}

enum err session_refuse(struct session *session, const struct answer *answer, struct str sender,
                        struct str recipient)
{
    if (log_wants(LOG_INFO))
        log_refusal(session, answer, sender, recipient);
    return session_answer(session, answer);
}

enum err session_flush(struct session *session)
{
    return stream_flush(session->stream, session->deadline_ms);
}

/* ---- lines ---- */

/* For a connection that has gone quiet. */
static void trim(struct session *session)
{
    buf_free(&session->reply);
    if (!session->transaction.is_open)
        transcript_trim(&session->transcript);
}

/* The client has to be waited for: it gets its replies, all with one write. */
static enum err wait_for_line(struct session *session)
{
    enum err err = session_flush(session);
    if (err || stream_input(session->stream).len)
        return err;
    uint64_t quiet_at_ms = loop_now_ms() + QUIET_MS;
    if (quiet_at_ms < session->deadline_ms) {
        err = stream_fill_at_boundary(session->stream, quiet_at_ms);
        if (err != ERR_TIMEOUT)
            return err;
        trim(session);
    }
    return stream_fill_at_boundary(session->stream, session->deadline_ms);
}

/* After a BDAT that was not understood nobody knows where the next command begins; behind a
 * browser's request comes what an attacker made it say. */
enum err session_go_on_after(struct str line)
{
    enum smtp_verb verb = smtp_command_verb(line);
    return verb == SMTP_VERB_BDAT || verb == SMTP_VERB_HTTP ? ERR_CLOSED : OK;
}

/* Drops a line to its end, so that it earns one reply and not one for each piece. */
static enum err drop_line(struct session *session)
{
    size_t dropped = 0;
    enum err err = session_go_on_after(stream_input(session->stream));
    if (err)
        return err;
    for (;;) {
        struct str input = stream_input(session->stream);
        size_t lf = str_find(input, '\n');
        stream_consume(session->stream, lf == SIZE_MAX ? input.len : lf + 1);
        if (lf != SIZE_MAX)
            return OK;
        dropped += input.len;
        if (dropped > LINE_DROPPED_MAX_BYTES) {
            err = session_answer(session, &answer_endless_line);
            return err ? err : ERR_CLOSED;
        }
        err = stream_fill(session->stream, session->deadline_ms);
        if (err)
            return err;
    }
}

enum err session_read_line(struct session *session, struct str *out_line, bool *out_crlf)
{
    struct str line;
    enum err err = OK;
    if (str_find(stream_input(session->stream), '\n') == SIZE_MAX)
        err = wait_for_line(session);
    if (!err)
        err = stream_read_line(session->stream, SMTP_AUTH_LINE_MAX_BYTES + 2, true,
                               session->deadline_ms, &line, out_crlf);
    if (err == ERR_LIMIT) {
        err = drop_line(session);
        return err ? err : ERR_LIMIT;
    }
    if (!err)
        *out_line = arena_copy(&session->arena, line);
    return err;
}

enum err session_fill(struct session *session, uint64_t deadline_ms)
{
    enum err err = session_flush(session);
    return err ? err : stream_fill(session->stream, deadline_ms);
}

void session_linger(struct session *session)
{
    uint64_t deadline_ms = loop_now_ms() + LINGER_MS;
    enum err err = OK;
    while (!err && loop_now_ms() < deadline_ms) {
        stream_consume(session->stream, stream_input(session->stream).len);
        err = session_fill(session, deadline_ms);
        fiber_yield(); /* lets the clock go on */
    }
}
