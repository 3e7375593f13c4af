/* AUTH, RFC 4954: PLAIN and LOGIN.
 *
 * What a client says here never reaches the transcript or the log, nor does the name of an account
 * that does not exist. A failed login costs its session time, more with each; many of one address
 * shut the door for all of its sessions (failures.h). */
#include "base/log.h"
#include "fiber/loop.h"
#include "receive/session.h"
#include "smtp/extensions.h"
#include "smtp/sasl.h"

#define FAILED_LOGINS_MAX 3
#define PAUSE_MS          1000 /* after the first; twice as long after each further */

static const struct answer not_offered = {502, {5, 5, 1}, "AUTH is not offered"};
static const struct answer encrypt_first = {538, {5, 7, 11}, "Encryption is required to log in"};
static const struct answer is_logged_in = {503, {5, 5, 1}, "You are logged in already"};
static const struct answer in_transaction = {503, {5, 5, 1}, "Not within a mail transaction"};
static const struct answer unknown_mechanism = {504, {5, 5, 4}, "Mechanism not supported"};
static const struct answer not_base64 = {501, {5, 5, 2}, "This is not base64"};
static const struct answer not_credentials = {501, {5, 5, 2}, "These are no credentials"};
static const struct answer cancelled = {501, {5, 7, 0}, "Authentication cancelled"};
static const struct answer response_too_long = {500, {5, 5, 6}, "Response too long"};
static const struct answer failed = {535, {5, 7, 8}, "Authentication failed"};
static const struct answer too_many_failures = {421, {4, 7, 0}, "Too many failed logins"};
static const struct answer too_many_of_yours = {
    421, {4, 7, 0}, "Too many failed logins from your address, try again in ten minutes"};
static const struct answer pool_full = {454, {4, 7, 0}, "Too many logins at once, try again later"};
static const struct answer succeeded = {235, {2, 7, 0}, "Authentication successful"};

/* One attempt to log in. */
struct exchange {
    struct session *session;
    struct str initial; /* the response that came with the command, if `has_initial` */
    bool has_initial;
    struct smtp_credentials credentials;
    const struct answer *refusal; /* NULL: none */
};

static void wipe(struct str secret)
{
    /* It lies in memory of the command's arena; others only borrow it. */
    explicit_bzero((char *)(uintptr_t)secret.at, secret.len);
}

static enum err refuse(struct exchange *exchange, const struct answer *why)
{
    exchange->refusal = why;
    return OK;
}

/* ---- challenge and response ---- */

/* The blank stands even before an empty challenge (RFC 4954 section 4). */
static enum err send_challenge(struct session *session, struct str challenge)
{
    buf_clear(&session->reply);
    enum err err = buf_printf(&session->reply, "334 %.*s\r\n", STR_FMT(challenge));
    return err ? err : session_send_reply(session);
}

static enum err ask(struct session *session, struct str challenge, struct str *out_line)
{
    bool is_crlf = true;
    enum err err = send_challenge(session, challenge);
    if (!err)
        err = session_read_line(session, out_line, &is_crlf);
    if (!err || err == ERR_LIMIT)
        session_note(session, TRANSCRIPT_CLIENT, STR("<redacted>"));
    return is_crlf ? err : ERR_SYNTAX;
}

/* The initial response, or else the answer to a challenge; decoded. */
static enum err hear(struct exchange *exchange, struct str challenge, struct str *out_bytes)
{
    struct str line = exchange->initial;
    if (!exchange->has_initial) {
        enum err err = ask(exchange->session, challenge, &line);
        if (err == ERR_LIMIT)
            return refuse(exchange, &response_too_long);
        if (err == ERR_SYNTAX)
            return refuse(exchange, &not_base64);
        if (err)
            return err;
    }
    exchange->has_initial = false;
    enum err err = smtp_sasl_decode(&exchange->session->arena, line, out_bytes);
    wipe(line);
    if (err)
        return refuse(exchange, err == ERR_CANCELLED ? &cancelled : &not_base64);
    return OK;
}

static enum err hear_plain(struct exchange *exchange)
{
    struct str message;
    enum err err = hear(exchange, STR_EMPTY, &message);
    if (err || exchange->refusal)
        return err;
    if (smtp_sasl_plain_decode(message, &exchange->credentials)) {
        wipe(message);
        return refuse(exchange, &not_credentials);
    }
    return OK;
}

static enum err hear_login(struct exchange *exchange)
{
    struct smtp_credentials *credentials = &exchange->credentials;
    enum err err = hear(exchange, SMTP_SASL_LOGIN_USERNAME, &credentials->authcid);
    if (err || exchange->refusal)
        return err;
    err = hear(exchange, SMTP_SASL_LOGIN_PASSWORD, &credentials->password);
    if (err || exchange->refusal)
        return err;
    if (smtp_sasl_login_check(credentials->authcid, false) ||
        smtp_sasl_login_check(credentials->password, true)) {
        wipe(credentials->password);
        return refuse(exchange, &not_credentials);
    }
    return OK;
}

static const struct mechanism {
    enum smtp_auth_mechanism name;
    enum err (*hear)(struct exchange *exchange);
} mechanisms[] = {
    {SMTP_AUTH_PLAIN, hear_plain},
    {SMTP_AUTH_LOGIN, hear_login},
};

/* ---- the decision ---- */

/* Nobody acts as somebody else. */
static bool acts_as_itself(const struct smtp_credentials *credentials)
{
    return credentials->authzid.len == 0 ||
           str_eq_nocase(credentials->authzid, credentials->authcid);
}

static const struct answer *check(struct exchange *exchange)
{
    struct session *session = exchange->session;
    const struct smtp_credentials *credentials = &exchange->credentials;
    const struct account *account = NULL;
    enum accounts_answer answer =
        accounts_check(session->service->accounts, session->service->password_pool,
                       credentials->authcid, credentials->password, &account);
    wipe(credentials->password);
    if (answer == ACCOUNTS_BUSY)
        return &pool_full;
    if (answer == ACCOUNTS_NO || !acts_as_itself(credentials))
        return &failed;
    session->account = account;
    return NULL;
}

static enum err let_in(struct session *session)
{
    session->failed_logins = 0;
    enum err err = session_answer(session, &succeeded);
    if (!err)
        transcript_connection_ends(&session->transcript);
    return err;
}

static struct gate_key who_guesses(const struct session *session)
{
    return gate_key_of_address(stream_peer(session->stream));
}

static enum err make_wait(struct session *session)
{
    gate_login_failed(session->gate, who_guesses(session), loop_now_ms());
    uint64_t pause_ms = (uint64_t)PAUSE_MS << session->failed_logins++;
    log_event(LOG_INFO, "receive", "login failed: client=%.*s helo=%.*s",
              STR_FMT(buf_str(&session->client)), STR_FMT(buf_str(&session->helo)));
    enum err err = fiber_sleep_until(loop_now_ms() + pause_ms);
    if (err)
        return err;
    if (session->failed_logins < FAILED_LOGINS_MAX)
        return session_answer(session, &failed);
    err = session_answer(session, &too_many_failures);
    return err ? err : ERR_CLOSED;
}

static enum err attempt(struct session *session, const struct mechanism *mechanism,
                        const struct smtp_command *command)
{
    struct exchange exchange = {
        .session = session,
        .initial = command->auth.initial,
        .has_initial = command->auth.has_initial,
        .credentials = {.authzid = STR_EMPTY},
    };
    enum err err = mechanism->hear(&exchange);
    if (err)
        return err;
    const struct answer *no = exchange.refusal ? exchange.refusal : check(&exchange);
    if (!no)
        return let_in(session);
    return no == &failed ? make_wait(session) : session_answer(session, no);
}

/* ---- the command ---- */

static const struct answer *check_order(const struct session *session)
{
    const struct receive_service *service = session->service;
    if (service->kind != RECEIVE_SUBMISSION || !service->accounts)
        return &not_offered;
    if (session->account)
        return &is_logged_in;
    if (session->transaction.is_open)
        return &in_transaction;
    return session_offers_auth(session) ? NULL : &encrypt_first;
}

static const struct mechanism *find_mechanism(struct str name)
{
    unsigned wanted = smtp_auth_mechanism_parse(name);
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
        if (wanted == mechanisms[i].name)
            return &mechanisms[i];
    return NULL;
}

/* Without a look at the password, which might be right at last. */
static enum err turn_away(struct session *session)
{
    log_event(LOG_INFO, "receive", "too many failed logins: client=%.*s",
              STR_FMT(buf_str(&session->client)));
    enum err err = session_answer(session, &too_many_of_yours);
    return err ? err : ERR_CLOSED;
}

enum err session_auth(struct session *session, const struct smtp_command *command)
{
    const struct answer *no = check_order(session);
    if (no)
        return session_answer(session, no);
    if (!gate_may_log_in(session->gate, who_guesses(session), loop_now_ms()))
        return turn_away(session);
    const struct mechanism *mechanism = find_mechanism(command->auth.mechanism);
    if (!mechanism)
        return session_answer(session, &unknown_mechanism);
    return attempt(session, mechanism, command);
}
