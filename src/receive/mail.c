/* MAIL, RCPT and RSET: the envelope of a transaction. */
#include "fiber/loop.h"
#include "mail/idna.h"
#include "receive/existence.h"
#include "receive/incoming.h"
#include "receive/judge.h"
#include "receive/policy.h"

#define MESSAGES_MAX_DEFAULT   1000
#define RECIPIENTS_MAX_DEFAULT 1000
#define RECIPIENTS_ROOM_FIRST  4

static const struct answer nested_mail = {503, {5, 5, 1}, "A transaction is open already"};
static const struct answer mail_first = {503, {5, 5, 1}, "Say MAIL first"};
static const struct answer content_has_begun = {503, {5, 5, 1}, "The content has begun already"};
static const struct answer too_many_messages = {421, {4, 7, 0}, "Too many messages in one session"};
static const struct answer too_large = {552, {5, 3, 4}, "Message too large"};
static const struct answer no_binary = {555, {5, 5, 4}, "BODY=BINARYMIME is not offered"};
static const struct answer no_requiretls = {555, {5, 5, 4}, "REQUIRETLS is not offered"};
static const struct answer too_many_recipients = {452, {4, 5, 3}, "Too many recipients"};
static const struct answer sender_ok = {250, {2, 1, 0}, "Ok"};
static const struct answer recipient_ok = {250, {2, 1, 5}, "Ok"};

void transaction_reset(struct session *session)
{
    struct transaction *transaction = &session->transaction;
    if (transaction->incoming)
        incoming_done(transaction->incoming);
    arena_reset(&transaction->arena);
    *transaction = (struct transaction){0};
}

enum err session_rset(struct session *session, const struct smtp_command *command)
{
    UNUSED(command);
    enum err err = session_answer(session, &answer_ok);
    transaction_reset(session);
    transcript_restart(&session->transcript);
    return err;
}

/* ---- MAIL ---- */

static const struct answer *check_mail(struct session *session, const struct smtp_mail *mail)
{
    uint64_t size_max = session->service->message_size_max_bytes;
    const struct answer *no = policy_check_sender(session, &mail->path);
    if (no)
        return no;
    if (mail->has_size && size_max && mail->size > size_max)
        return &too_large;
    if (mail->body == SMTP_BODY_BINARYMIME)
        return &no_binary;
    return mail->requiretls ? &no_requiretls : NULL;
}

static uint8_t returns_of(enum smtp_ret ret)
{
    static const uint8_t returns[] = {
        [SMTP_RET_UNSAID] = SPOOL_RETURN_UNSET,
        [SMTP_RET_FULL] = SPOOL_RETURN_FULL,
        [SMTP_RET_HDRS] = SPOOL_RETURN_HEADERS,
    };
    return returns[ret];
}

/* As the envelope holds addresses. */
static struct str address_text(struct arena *arena, const struct mail_address *address)
{
    struct mail_address plain = mail_address_with_a_labels(arena, address);
    return mail_address_text(arena, &plain);
}

static struct str sender_text(struct arena *arena, const struct mail_path *path)
{
    return path->is_null ? STR_EMPTY : address_text(arena, &path->address);
}

/* The client's address, HELO and account stay where they are: the session outlives it. */
static void open_transaction(struct session *session, const struct smtp_mail *mail)
{
    struct transaction *transaction = &session->transaction;
    struct arena *arena = &transaction->arena;
    transaction->is_open = true;
    transaction->envelope = (struct spool_envelope){
        .sender = sender_text(arena, &mail->path),
        .envelope_id = mail->has_envid ? arena_copy(arena, mail->envid) : STR_EMPTY,
        .returns = returns_of(mail->ret),
        .smtputf8 = mail->smtputf8,
        .body_8bit = mail->body == SMTP_BODY_8BITMIME,
        .client_address = buf_str(&session->client),
        .client_helo = buf_str(&session->helo),
        .account = session->account ? session->account->name : STR_EMPTY,
        .service = session->service->name,
    };
}

enum err session_mail(struct session *session, const struct smtp_command *command)
{
    uint32_t messages_max = session->service->messages_max;
    if (session->transaction.is_open)
        return session_answer(session, &nested_mail);
    if (session->transactions >= (messages_max ? messages_max : MESSAGES_MAX_DEFAULT)) {
        enum err err = session_answer(session, &too_many_messages);
        return err ? err : ERR_CLOSED;
    }
    const struct answer *no = check_mail(session, &command->mail);
    if (no)
        return session_refuse(session, no, sender_text(&session->arena, &command->mail.path),
                              STR_EMPTY);
    session->transactions++;
    open_transaction(session, &command->mail);
    return session_answer(session, &sender_ok);
}

/* ---- RCPT ---- */

static uint32_t recipients_max(const struct session *session)
{
    uint32_t max = session->service->recipients_max;
    return max ? max : RECIPIENTS_MAX_DEFAULT;
}

static const struct answer *check_rcpt(const struct session *session)
{
    const struct transaction *transaction = &session->transaction;
    if (!transaction->is_open)
        return &mail_first;
    if (transaction->incoming)
        return &content_has_begun;
    return transaction->accepted >= recipients_max(session) ? &too_many_recipients : NULL;
}

/* One alias alone may lead to more than a client may name. */
static bool has_room_for(const struct session *session, size_t more)
{
    uint32_t count = session->transaction.envelope.recipient_count;
    return count == 0 || count + more <= max_size(recipients_max(session), RECIPIENTS_MAX_DEFAULT);
}

static struct spool_recipient *add_room(struct transaction *transaction)
{
    struct spool_envelope *envelope = &transaction->envelope;
    if (envelope->recipient_count == transaction->recipients_room) {
        uint32_t room = (uint32_t)max_size(transaction->recipients_room * 2, RECIPIENTS_ROOM_FIRST);
        struct spool_recipient *grown =
            ARENA_ARRAY(&transaction->arena, struct spool_recipient, room);
        if (envelope->recipient_count)
            memcpy(grown, envelope->recipients, envelope->recipient_count * sizeof *grown);
        envelope->recipients = grown;
        transaction->recipients_room = room;
    }
    return &envelope->recipients[envelope->recipient_count++];
}

static bool is_there(const struct spool_envelope *envelope, struct str address)
{
    for (uint32_t i = 0; i < envelope->recipient_count; i++)
        if (str_eq(envelope->recipients[i].address, address))
            return true;
    return false;
}

/* As given; else, behind an alias, what the sender wrote: the report shall name it (RFC 3461
 * section 6.2.7). */
static struct str original_of(struct session *session, const struct smtp_rcpt *rcpt,
                              struct str target)
{
    struct arena *arena = &session->transaction.arena;
    if (rcpt->orcpt.type.len)
        return arena_printf(arena, "%.*s;%.*s", STR_FMT(rcpt->orcpt.type),
                            STR_FMT(rcpt->orcpt.address));
    struct str written = mail_address_text(&session->arena, &rcpt->path.address);
    if (str_eq_nocase(written, target))
        return STR_EMPTY;
    const char *type = mail_address_is_utf8(&rcpt->path.address) ? "utf-8" : "rfc822";
    return arena_printf(arena, "%s;%.*s", type, STR_FMT(written));
}

/* The address of ours by which a message comes to a target that lies elsewhere: an alias. */
static struct str forwarded_by(struct session *session, const struct smtp_rcpt *rcpt,
                               struct str target)
{
    const struct route_table *routes = session->service->routes;
    struct mail_address written = rcpt->path.address;
    if (rcpt->path.is_postmaster)
        written.domain = route_home_domain(routes);
    struct str domain = str_from(target, str_find_last(target, '@') + 1);
    bool leads_outside = !written.is_literal && route_is_local_domain(routes, written.domain) &&
                         !route_is_local_domain(routes, domain);
    return leads_outside ? address_text(&session->transaction.arena, &written) : STR_EMPTY;
}

static void add_recipient(struct session *session, const struct smtp_rcpt *rcpt, struct str target)
{
    struct transaction *transaction = &session->transaction;
    if (is_there(&transaction->envelope, target))
        return;
    *add_room(transaction) = (struct spool_recipient){
        .address = arena_copy(&transaction->arena, target),
        .original = original_of(session, rcpt, target),
        .notify = (uint8_t)rcpt->notify,
        .forwarded_by = forwarded_by(session, rcpt, target),
    };
}

static void accept_recipient(struct session *session, const struct smtp_rcpt *rcpt,
                             const struct route_targets *targets)
{
    struct transaction *transaction = &session->transaction;
    uint32_t before = transaction->envelope.recipient_count;
    for (size_t i = 0; i < targets->count; i++)
        add_recipient(session, rcpt, targets->addresses[i]);
    struct mail_address address = mail_address_with_a_labels(&session->arena, &rcpt->path.address);
    if (transaction->accepted++ == 0)
        transaction->first_recipient = mail_address_copy(&transaction->arena, &address);
    /* A long list may hold some dead addresses; who only guesses finds few that live, and the one
     * that he knows pays only once. */
    if (session->errors && transaction->envelope.recipient_count > before)
        session->errors--;
}

static enum err refuse_recipient(struct session *session, const struct mail_path *path,
                                 const struct answer *no)
{
    return session_refuse(session, no, session->transaction.envelope.sender,
                          mail_address_text(&session->arena, &path->address));
}

enum err session_rcpt(struct session *session, const struct smtp_command *command)
{
    const struct mail_path *path = &command->rcpt.path;
    struct route_targets targets;
    const struct answer *no = check_rcpt(session);
    if (no)
        return session_answer(session, no);
    no = policy_check_recipient(session, path, &session->arena, &targets);
    if (!no)
        no = judge_check_recipient(session, path);
    enum err err = no ? OK : existence_check(session, &targets, &no);
    if (err)
        return err;
    if (no)
        return refuse_recipient(session, path, no);
    if (!has_room_for(session, targets.count))
        return session_answer(session, &too_many_recipients);
    accept_recipient(session, &command->rcpt, &targets);
    return session_answer(session, &recipient_ok);
}
