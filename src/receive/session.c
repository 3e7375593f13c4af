#include "receive/session.h"

#include "base/log.h"
#include "fiber/loop.h"
#include "receive/front.h"
#include "receive/incoming.h"
#include "smtp/redact.h"
#include "smtp/reply.h"

#include <stdio.h>

#define SESSION_REPLY_MAX_BYTES 4096
#define CLIENT_TEXT_MAX_BYTES   128

#define CROWDED_TIMEOUT_MS 30000 /* for a command, when connections are scarce */
#define LAST_WORDS_MS      2000
#define IDLE_COMMANDS_MAX  100
#define COMMANDS_PER_TURN  64 /* of one client in a row; then others have their turn */
#define ERRORS_MAX_DEFAULT 20

static const struct answer too_long = {500, {5, 5, 2}, "Line too long"};
static const struct answer no_crlf = {500, {5, 5, 2}, "A line ends with CR LF, not with LF"};
static const struct answer greet_first = {503, {5, 5, 1}, "Say EHLO first"};
static const struct answer unknown = {502, {5, 5, 1}, "Command not implemented"};
static const struct answer not_http = {554, {5, 5, 1}, "This is a mail server"};
static const struct answer too_many_errors = {421, {4, 7, 0}, "Too many errors"};
static const struct answer too_many_idle = {421, {4, 7, 0}, "Too many commands that send nothing"};
static const struct answer timed_out = {421, {4, 4, 2}, "Timed out waiting for you"};
static const struct answer all_full = {421, {4, 3, 2}, "too many connections, try again later"};
static const struct answer noted = {252, {2, 5, 2}, "Cannot verify; send a message to find out"};
static const struct answer help = {214, {2, 0, 0}, "See RFC 5321"};
static const struct answer bye = {221, {2, 0, 0}, "Bye"};

/* ---- commands that need no room of their own ---- */

static enum err noop(struct session *session, const struct smtp_command *command)
{
    UNUSED(command);
    return session_answer(session, &answer_ok);
}

/* The same for every address: whether it exists is told only to who sends it a message. */
static enum err vrfy(struct session *session, const struct smtp_command *command)
{
    UNUSED(command);
    return session_answer(session, &noted);
}

static enum err say_help(struct session *session, const struct smtp_command *command)
{
    UNUSED(command);
    return session_answer(session, &help);
}

static enum err quit(struct session *session, const struct smtp_command *command)
{
    UNUSED(command);
    enum err err = session_answer(session, &bye);
    return err ? err : ERR_CLOSED;
}

/* A browser was talked into speaking to us: what follows is the attacker's. */
static enum err http(struct session *session, const struct smtp_command *command)
{
    UNUSED(command);
    enum err err = session_answer(session, &not_http);
    return err ? err : ERR_CLOSED;
}

/* ---- the table of commands ---- */

static const struct rule {
    session_command *run;
    bool needs_greeting;
    bool is_idle; /* leads nowhere: a client that says only such things is not sending mail */
} rules[] = {
    [SMTP_VERB_EHLO] = {session_ehlo, false, true},
    [SMTP_VERB_HELO] = {session_helo, false, true},
    [SMTP_VERB_STARTTLS] = {session_starttls, false, false},
    [SMTP_VERB_AUTH] = {session_auth, true, false},
    [SMTP_VERB_MAIL] = {session_mail, true, false},
    [SMTP_VERB_RCPT] = {session_rcpt, true, false},
    [SMTP_VERB_DATA] = {session_data, true, false},
    /* Its octets have to be dropped whatever was said before. */
    [SMTP_VERB_BDAT] = {session_bdat, false, false},
    [SMTP_VERB_RSET] = {session_rset, false, true},
    [SMTP_VERB_NOOP] = {noop, false, true},
    [SMTP_VERB_VRFY] = {vrfy, false, true},
    [SMTP_VERB_HELP] = {say_help, false, true},
    [SMTP_VERB_QUIT] = {quit, false, false},
    [SMTP_VERB_XCLIENT] = {session_xclient, false, true},
    [SMTP_VERB_HTTP] = {http, false, false},
    /* Not ours: EXPN, LHLO. */
};
static_assert(ARRAY_LEN(rules) == SMTP_VERB_HTTP + 1,
              "a rule, if only an empty one, for each verb");

/* ---- one command ---- */

static enum err answer_fault(struct session *session, struct str line,
                             const struct smtp_fault *fault)
{
    enum err err = session_answer_fault(session, fault);
    return err ? err : session_go_on_after(line);
}

static enum err obey(struct session *session, struct str line)
{
    struct smtp_command command;
    struct smtp_fault fault;
    bool utf8 = session->transaction.envelope.smtputf8;
    session_note(session, TRANSCRIPT_CLIENT, smtp_command_redact(&session->arena, line));
    if (smtp_command_parse(&session->arena, line, utf8, &command, &fault))
        return answer_fault(session, line, &fault);

    const struct rule *rule = &rules[command.verb];
    session->idle_commands += rule->is_idle;
    if (!rule->run)
        return session_answer(session, &unknown);
    if (rule->needs_greeting && session->greeting == SESSION_UNGREETED)
        return session_answer(session, &greet_first);
    return rule->run(session, &command);
}

/* ---- the conversation ---- */

static uint32_t command_timeout_ms(const struct session *session)
{
    uint32_t timeout_ms = session->service->timeouts.command;
    bool is_crowded = gate_is_crowded(session->gate);
    return is_crowded && timeout_ms > CROWDED_TIMEOUT_MS ? CROWDED_TIMEOUT_MS : timeout_ms;
}

/* NULL: none yet. */
static const struct answer *find_end_of_patience(const struct session *session)
{
    uint32_t errors_max = session->service->errors_max;
    if (session->errors >= (errors_max ? errors_max : ERRORS_MAX_DEFAULT))
        return &too_many_errors;
    return session->idle_commands > IDLE_COMMANDS_MAX ? &too_many_idle : NULL;
}

static enum err take_command(struct session *session)
{
    struct str line;
    bool is_crlf = false;
    session_set_deadline(session, command_timeout_ms(session));
    enum err err = session_read_line(session, &line, &is_crlf);
    if (err == ERR_LIMIT)
        return session_answer(session, &too_long);
    if (err)
        return err;
    if (is_crlf)
        return obey(session, line);
    err = session_answer(session, &no_crlf);
    return err ? err : session_go_on_after(line);
}

static enum err turn(struct session *session)
{
    enum err err = take_command(session);
    arena_reset(&session->arena);
    const struct answer *enough = err ? NULL : find_end_of_patience(session);
    if (!enough)
        return err;
    log_event(LOG_INFO, "receive", "%s: client=%.*s", enough->text,
              STR_FMT(buf_str(&session->client)));
    err = session_answer(session, enough);
    return err ? err : ERR_CLOSED;
}

enum err session_say_banner(struct session *session)
{
    struct str text =
        arena_printf(&session->arena, "%.*s ESMTP postrider", STR_FMT(session->service->hostname));
    return session_answer_text(session, 220, MAIL_STATUS_NONE, text);
}

static enum err begin(struct session *session)
{
    const struct receive_service *service = session->service;
    enum err err = front_meet(session);
    if (err)
        return err;
    session_set_deadline(session, service->timeouts.tls);
    if (service->tls == RECEIVE_TLS_IMPLICIT) {
        err = stream_tls_accept_first(session->stream, service->tls_context, session->deadline_ms);
        if (err)
            return err;
        session_note_tls(session);
    }
    return session_say_banner(session);
}

static enum err converse(struct session *session)
{
    enum err err = begin(session);
    arena_reset(&session->arena);
    for (uint32_t commands = 1; !err; commands++) {
        err = turn(session);
        if (commands % COMMANDS_PER_TURN == 0)
            fiber_yield();
    }
    return err;
}

/* ---- the end ---- */

static enum err say_going_down(struct session *session)
{
    struct str text =
        arena_printf(&session->arena, "%.*s is going down", STR_FMT(session->service->hostname));
    return session_answer_text(session, 421, MAIL_STATUS(4, 3, 2), text);
}

static enum err say_last_words(struct session *session, enum err why)
{
    switch (why) {
    case ERR_STOPPING:
    case ERR_CANCELLED:
        return say_going_down(session);
    case ERR_TIMEOUT:
        return session_answer(session, &timed_out);
    default:
        return OK;
    }
}

static void log_lost(const struct session *session, enum err why)
{
    log_event(LOG_INFO, "receive", "%s within a message from=<%.*s> client=%.*s", err_text(why),
              STR_FMT(session->transaction.envelope.sender), STR_FMT(buf_str(&session->client)));
}

/* Within a shield: a client whose message was just taken shall hear so, even while we are told to
 * stop. Before the TLS of an implicit listener there is nobody who could hear anything. */
static void part(struct session *session, enum err why)
{
    bool can_hear = session->service->tls != RECEIVE_TLS_IMPLICIT || session_is_encrypted(session);
    fiber_shield_begin();
    if (session->transaction.incoming)
        log_lost(session, why);
    session->ends_at_ms = UINT64_MAX;
    session_set_deadline(session, LAST_WORDS_MS);
    enum err err = can_hear ? say_last_words(session, why) : ERR_TLS;
    if (!err)
        err = session_flush(session);
    UNUSED(err); /* whoever does not listen is not told */
    transaction_reset(session);
    fiber_shield_end();
}

/* ---- from the door to the door ---- */

/* Who cannot be known has not logged in. */
static void log_in_by_uid(struct session *session)
{
    uid_t uid;
    pid_t pid;
    if (stream_peer_credentials(session->stream, &uid, &pid) != OK)
        return;
    int len = snprintf(session->local_name, sizeof session->local_name, "uid %u", (unsigned)uid);
    session->local_user = (struct account){.name = str_make(session->local_name, (size_t)len)};
    session->account = &session->local_user;
}

void session_know_client(struct session *session)
{
    const struct receive_service *service = session->service;
    const struct net_address *client = stream_peer(session->stream);
    session->is_relay_client =
        service->kind == RECEIVE_MX &&
        net_ranges_have(service->relay_from, service->relay_from_count, client);
    buf_clear(&session->client);
    buf_add_cut(&session->client, service->kind == RECEIVE_LOCAL
                                      ? STR("local")
                                      : net_address_print_ip(&session->arena, client));
}

static void session_init(struct session *session, const struct receive_service *service,
                         struct receive_gate *gate, struct resolver *resolver,
                         struct stream *stream, struct gate_key key)
{
    *session = (struct session){
        .service = service,
        .gate = gate,
        .resolver = resolver,
        .stream = stream,
        .ends_at_ms = loop_now_ms() + service->timeouts.session,
        .client = buf_make(CLIENT_TEXT_MAX_BYTES),
        .speaker = buf_make(CLIENT_TEXT_MAX_BYTES),
        .helo = buf_make(MAIL_DOMAIN_MAX_BYTES),
        .reply = buf_make(SESSION_REPLY_MAX_BYTES),
        .key = key,
    };
    session_know_client(session);
    if (service->kind == RECEIVE_LOCAL)
        log_in_by_uid(session);
    session_begin_transcript(session);
}

static void session_done(struct session *session)
{
    transcript_done(&session->transcript);
    arena_reset(&session->arena);
    buf_free(&session->client);
    buf_free(&session->speaker);
    buf_free(&session->helo);
    buf_free(&session->reply);
}

static void hold_session(const struct receive_service *service, struct receive_gate *gate,
                         struct resolver *resolver, struct stream *stream, struct gate_key key)
{
    struct session session;
    session_init(&session, service, gate, resolver, stream, key);
    part(&session, converse(&session));
    session_done(&session);
    gate_leave(gate, session.key);
}

/* A client that expects TLS at once is not worth a handshake to hear this. */
static void turn_away(const struct receive_service *service, struct stream *stream,
                      const struct answer *answer)
{
    if (service->tls == RECEIVE_TLS_IMPLICIT)
        return;
    struct buf reply = buf_make(SESSION_REPLY_MAX_BYTES);
    uint64_t deadline_ms = loop_now_ms() + LAST_WORDS_MS;
    enum err err = smtp_reply_print(&reply, answer->code, answer->status, str_of(answer->text));
    if (!err)
        err = stream_write(stream, buf_str(&reply), deadline_ms);
    if (!err)
        err = stream_flush(stream, deadline_ms);
    UNUSED(err);
    buf_free(&reply);
}

void receive_session(const struct receive_service *service, struct receive_gate *gate,
                     struct resolver *resolver, struct stream *stream)
{
    struct gate_key key = front_key_of(service, stream);
    switch (gate_enter(gate, key)) {
    case GATE_ENTERED:
        hold_session(service, gate, resolver, stream, key);
        break;
    case GATE_CLIENT_FULL:
        turn_away(service, stream, &answer_client_full);
        break;
    case GATE_FULL:
        turn_away(service, stream, &all_full);
        break;
    }
    stream_close(stream);
}

struct receive_timeouts receive_timeouts_default(void)
{
    return (struct receive_timeouts){
        .command = 5 * 60 * 1000,
        .data_block = 3 * 60 * 1000,
        .transaction = 60 * 60 * 1000,
        .session = 4 * 60 * 60 * 1000,
        .tls = 60 * 1000,
    };
}
