#include "fiber/loop.h"
#include "mail/date.h"
#include "mail/received.h"
#include "receive/incoming.h"

#define PREFIX_MAX_BYTES 4096

/* RFC 3848 (on the submit socket too, the client is an authenticated one); RFC 6531 section 4.3. */
static struct str protocol_of(const struct session *session)
{
    static const char *const names[2][4] = {
        {"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"},
        {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"},
    };
    if (session->greeting == SESSION_HELO)
        return STR("SMTP");
    unsigned kind = (session_is_encrypted(session) ? 1u : 0u) | (session->account ? 2u : 0u);
    return str_of(names[session->transaction.envelope.smtputf8][kind]);
}

static struct str tls_text(struct session *session)
{
    const struct tls_info *tls = stream_tls(session->stream);
    return tls ? arena_printf(&session->arena, "%s %s", tls->version, tls->cipher) : STR_EMPTY;
}

/* Where a logged-in person sits is nobody's business; where a server sits is everybody's. For whom
 * the message is may be said when nobody else learns of it (RFC 5321 section 7.2). */
static enum err add_received(struct session *session, struct str id, struct buf *out)
{
    const struct receive_service *service = session->service;
    const struct transaction *transaction = &session->transaction;
    bool tells_client = service->kind == RECEIVE_MX ||
                        (service->kind == RECEIVE_SUBMISSION && service->received_full);
    /* What is ASCII so far must not become UTF-8 by a word of ours. */
    bool is_alone = transaction->accepted == 1 && transaction->first_recipient.domain.len &&
                    !mail_address_is_utf8(&transaction->first_recipient);
    struct mail_received received = {
        .helo = tells_client ? buf_str(&session->helo) : STR_EMPTY,
        .client_name = STR_EMPTY,
        .client_ip = tells_client ? buf_str(&session->client) : STR_EMPTY,
        .by = service->hostname,
        .protocol = protocol_of(session),
        .tls = tls_text(session),
        .id = id,
        .recipient = is_alone ? &transaction->first_recipient : NULL,
        .wall_us = transaction->envelope.received_us,
    };
    return mail_received_print(out, &received);
}

static enum err add_date(struct buf *out, int64_t wall_us)
{
    enum err err = buf_add(out, STR("Date: "));
    if (!err)
        err = mail_date_print(out, wall_us);
    return err ? err : buf_add(out, STR("\r\n"));
}

struct str incoming_completion(struct session *session, const struct incoming *incoming,
                               spool_id id)
{
    const struct receive_service *service = session->service;
    const struct header_watch *header = &incoming->header;
    struct spool_id_text text = spool_id_print(id);
    struct buf out = buf_make(PREFIX_MAX_BYTES);
    enum err err = OK;
    if (service->kind == RECEIVE_MX && !incoming->signing)
        return STR_EMPTY;
    if (!header->has_date)
        err = add_date(&out, clock_wall_us(loop_clock(loop_current())));
    if (!err && !header->has_message_id)
        err = buf_printf(&out, "Message-ID: <%s@%.*s>\r\n", text.at, STR_FMT(service->hostname));
    assert(!err); /* both are short */
    struct str fields = arena_copy(&session->transaction.arena, buf_str(&out));
    buf_free(&out);
    return fields;
}

struct str incoming_prefix(struct session *session, const struct incoming *incoming, spool_id id)
{
    struct spool_id_text text = spool_id_print(id);
    struct buf out = buf_make(PREFIX_MAX_BYTES + incoming->top.len);
    enum err err = buf_add(&out, incoming->top);
    if (!err)
        err = add_received(session, str_of(text.at), &out);
    if (!err)
        err = buf_add(&out, incoming->completion);
    assert(!err); /* all its parts are bounded */
    struct str prefix = arena_copy(&session->arena, buf_str(&out));
    buf_free(&out);
    return prefix;
}
