/* EHLO, HELO and STARTTLS: what opens a conversation, or opens it anew. */
#include "receive/session.h"
#include "smtp/extensions.h"

static const struct answer no_starttls = {502, {5, 5, 1}, "STARTTLS is not offered"};
static const struct answer tls_is_on = {503, {5, 5, 1}, "TLS is on already"};
static const struct answer something_follows = {
    501, {5, 5, 1}, "Nothing may follow STARTTLS before the handshake"};
static const struct answer go_ahead = {220, {2, 0, 0}, "Ready to start TLS"};

bool session_offers_auth(const struct session *session)
{
    const struct receive_service *service = session->service;
    return service->kind == RECEIVE_SUBMISSION && service->accounts &&
           (session_is_encrypted(session) || service->auth_in_clear);
}

static bool offers_starttls(const struct session *session)
{
    return session->service->tls_context && !session_is_encrypted(session);
}

static struct smtp_extensions extensions_of(const struct session *session)
{
    return (struct smtp_extensions){
        .pipelining = true,
        .eight_bit_mime = true,
        .smtputf8 = true,
        .chunking = true,
        .starttls = offers_starttls(session),
        .dsn = true,
        .enhanced_status_codes = true,
        .has_size = true,
        .size = session->service->message_size_max_bytes,
        .has_auth = session_offers_auth(session) && !session->account,
        .auth = SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN,
        .home = session->service->home,
        .xclient = session->speaker.len > 0,
    };
}

static void remember(struct session *session, enum session_greeting greeting, struct str name)
{
    transaction_reset(session);
    session->greeting = greeting;
    buf_clear(&session->helo);
    buf_add_cut(&session->helo, name);
}

/* What has just been said opens the story of every message to come. */
static enum err conclude(struct session *session, enum err err)
{
    if (!err)
        transcript_connection_ends(&session->transcript);
    return err;
}

enum err session_ehlo(struct session *session, const struct smtp_command *command)
{
    struct smtp_extensions extensions = extensions_of(session);
    remember(session, SESSION_EHLO, command->argument);
    buf_clear(&session->reply);
    enum err err = smtp_extensions_print(&session->reply, &extensions, session->service->hostname);
    assert(!err);
    return conclude(session, session_send_reply(session));
}

enum err session_helo(struct session *session, const struct smtp_command *command)
{
    remember(session, SESSION_HELO, command->argument);
    return conclude(
        session, session_answer_text(session, 250, MAIL_STATUS_NONE, session->service->hostname));
}

/* ---- STARTTLS, RFC 3207 ---- */

void session_forget(struct session *session)
{
    transaction_reset(session);
    session->greeting = SESSION_UNGREETED;
    session->account = NULL;
    buf_clear(&session->helo);
}

enum err session_starttls(struct session *session, const struct smtp_command *command)
{
    UNUSED(command);
    if (session_is_encrypted(session))
        return session_answer(session, &tls_is_on);
    if (!offers_starttls(session))
        return session_answer(session, &no_starttls);
    if (stream_input(session->stream).len) {
        /* Whoever put it there wants it to be taken for what comes out of the TLS. */
        enum err err = session_answer(session, &something_follows);
        return err ? err : ERR_CLOSED;
    }
    enum err err = session_answer(session, &go_ahead);
    if (!err)
        err = session_flush(session);
    if (err)
        return err;
    session_set_deadline(session, session->service->timeouts.tls);
    err = stream_tls_accept(session->stream, session->service->tls_context, session->deadline_ms);
    if (err) /* not even a goodbye: the client may be half-way into the handshake */
        return ERR_TLS;
    session_forget(session); /* it was said in clear (section 4.2) */
    session_note_tls(session);
    return OK;
}
