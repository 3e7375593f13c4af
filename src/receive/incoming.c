#include "receive/incoming.h"

#include "fiber/loop.h"
#include "receive/judge.h"
#include "receive/loops.h"
#include "receive/policy.h"
#include "receive/seal.h"
#include "receive/sign.h"
#include "verify/authres.h"
#include "verify/judgement.h"
#include "verify/signing.h"

#define RECEIVED_MAX 100 /* RFC 5321 section 6.3 */
#define DROPPED_MAX  ((uint64_t)1 << 20)
#define BYTES_PER_TURN \
    ((size_t)256 * 1024) /* of one client in a row; then others have their turn */

static const struct answer mail_first = {503, {5, 5, 1}, "Say MAIL and RCPT first"};
static const struct answer no_recipients = {554, {5, 5, 1}, "No valid recipients"};
static const struct answer content_has_begun = {503, {5, 5, 1}, "The content has begun with BDAT"};
static const struct answer go_ahead = {354, {0, 0, 0}, "End data with <CR><LF>.<CR><LF>"};

static const struct answer disk_full = {452, {4, 3, 1}, "Insufficient storage, try again later"};
static const struct answer local_trouble = {451, {4, 3, 0}, "Local trouble, try again later"};
static const struct answer too_large = {552, {5, 3, 4}, "Message too large"};
static const struct answer header_too_large = {554, {5, 6, 0}, "Header too large"};
static const struct answer begins_folded = {
    554, {5, 6, 0}, "The header begins with a continuation line"};
static const struct answer bare_line_end = {550, {5, 6, 11}, "A CR or LF stands alone"};
static const struct answer has_nul = {554, {5, 6, 0}, "The message holds a NUL"};
static const struct answer mail_loop = {554, {5, 4, 6}, "Too many hops: a mail loop"};

/* ---- keeping ---- */

static const struct answer *answer_of(enum err err)
{
    return err == ERR_FULL || err == ERR_BUSY ? &disk_full : &local_trouble;
}

static void give_up(struct incoming *incoming, const struct answer *why)
{
    if (!incoming->refusal)
        incoming->refusal = why;
    if (incoming->draft)
        spool_draft_abort(incoming->draft);
    incoming->draft = NULL;
}

static struct incoming *incoming_begin(struct session *session)
{
    struct incoming *incoming = ARENA_NEW(&session->transaction.arena, struct incoming);
    incoming->reader = smtp_data_reader_make();
    incoming->deadline_ms = loop_now_ms() + session->service->timeouts.transaction;
    incoming->completion = incoming->top = incoming->words = STR_EMPTY;
    header_watch_init(&incoming->header);
    session->transaction.incoming = incoming;
    enum err err = spool_draft_begin(session->service->spool, &incoming->draft);
    if (err) {
        incoming->draft = NULL;
        give_up(incoming, answer_of(err));
        return incoming;
    }
    incoming->judgement = judge_begin(session);
    if (incoming->judgement)
        incoming->seal = seal_begin(session, incoming->judgement);
    return incoming;
}

void incoming_done(struct incoming *incoming)
{
    if (incoming->draft)
        spool_draft_abort(incoming->draft);
    incoming->draft = NULL;
    judgement_free(incoming->judgement);
    signing_free(incoming->signing);
    header_watch_done(&incoming->header);
}

void incoming_put_on_top(struct session *session, struct incoming *incoming, struct str fields)
{
    incoming->top = arena_printf(&session->transaction.arena, "%.*s%.*s", STR_FMT(fields),
                                 STR_FMT(incoming->top));
}

void incoming_tell(struct session *session, struct incoming *incoming, struct str line)
{
    incoming->words = arena_printf(&session->transaction.arena, "%.*s\n%.*s",
                                   STR_FMT(incoming->words), STR_FMT(line));
}

static enum err pass_on(struct incoming *incoming, struct str bytes)
{
    if (incoming->signing)
        signing_add(incoming->signing, bytes);
    return bytes.len ? spool_draft_write(incoming->draft, bytes) : OK;
}

/* RFC 8601 section 5: nobody but hosts of ours speaks of what we found out. */
static enum err pass_on_without_forgeries(struct session *session, struct incoming *incoming,
                                          struct str header)
{
    size_t removed = 0;
    struct buf filtered = buf_make(header.len);
    enum err err = authres_strip(&filtered, header, session->service->hostname, &removed);
    if (!err)
        err = pass_on(incoming, buf_str(&filtered));
    buf_free(&filtered);
    if (removed)
        incoming_tell(session, incoming,
                      arena_printf(&session->transaction.arena,
                                   "removed %zu Authentication-Results field%s in our name",
                                   removed, removed == 1 ? "" : "s"));
    return err;
}

/* The header is known; behind it stands the beginning of the body. */
static enum err keep_header(struct session *session, struct incoming *incoming)
{
    struct str header = buf_str(&incoming->header.bytes);
    incoming->has_header = true;
    sign_begin(session, incoming);
    incoming->completion = incoming_completion(session, incoming, spool_draft_id(incoming->draft));
    if (incoming->signing)
        signing_add(incoming->signing, incoming->completion);
    if (incoming->header.has_results && !session->is_relay_client)
        return pass_on_without_forgeries(session, incoming, header);
    return pass_on(incoming, header);
}

/* The next piece of content, without the dots of DATA. */
static void keep(struct session *session, struct incoming *incoming, struct str piece)
{
    uint64_t size_max = session->service->message_size_max_bytes;
    if (incoming->refusal || piece.len == 0)
        return;
    if (size_max && incoming->reader.content.bytes > size_max) {
        give_up(incoming, &too_large);
        return;
    }
    if (incoming->judgement)
        judgement_add(incoming->judgement, piece);
    enum err err = OK;
    if (!incoming->has_header) {
        size_t watched = incoming->header.bytes.len;
        if (header_watch_add(&incoming->header, piece)) {
            give_up(incoming, &header_too_large);
            return;
        }
        if (!incoming->header.is_done)
            return;
        piece = str_from(piece, incoming->header.bytes.len - watched);
        err = keep_header(session, incoming);
    }
    if (!err)
        err = pass_on(incoming, piece);
    if (err)
        give_up(incoming, answer_of(err));
}

/* ---- reading ---- */

/* Sees to it that there is input. A client as fast as ourselves must not keep the loop. */
static enum err need_input(struct session *session, struct incoming *incoming)
{
    size_t len = stream_input(session->stream).len;
    if (len == 0) {
        session_set_deadline(session, session->service->timeouts.data_block);
        uint64_t deadline_ms = session->deadline_ms < incoming->deadline_ms ? session->deadline_ms
                                                                            : incoming->deadline_ms;
        enum err err = session_fill(session, deadline_ms);
        if (err)
            return err;
        len = stream_input(session->stream).len;
    }
    incoming->unyielded_bytes += len;
    if (incoming->unyielded_bytes > BYTES_PER_TURN) {
        incoming->unyielded_bytes = 0;
        fiber_yield();
    }
    return OK;
}

/* What is too large is read and dropped, to be answered at its end; but not without end. */
static enum err check_patience(struct session *session, const struct incoming *incoming)
{
    uint64_t size_max = session->service->message_size_max_bytes;
    if (!size_max || incoming->reader.content.bytes / 2 <= size_max + DROPPED_MAX)
        return OK;
    enum err err = session_answer(session, &too_large);
    if (!err)
        session_linger(session);
    return err ? err : ERR_CLOSED;
}

static enum err read_data(struct session *session, struct incoming *incoming)
{
    struct smtp_data_reader *reader = &incoming->reader;
    while (!smtp_data_is_ended(reader)) {
        enum err err = need_input(session, incoming);
        if (err)
            return err;
        struct str input = stream_input(session->stream), rest = input, run;
        while (rest.len && !smtp_data_is_ended(reader)) {
            rest = str_from(rest, smtp_data_read(reader, rest, &run));
            keep(session, incoming, run);
        }
        stream_consume(session->stream, input.len - rest.len);
        err = check_patience(session, incoming);
        if (err)
            return err;
    }
    return OK;
}

/* Exactly `size` octets, whatever they are. */
static enum err read_chunk(struct session *session, struct incoming *incoming, uint64_t size)
{
    while (size) {
        enum err err = need_input(session, incoming);
        if (err)
            return err;
        struct str piece = stream_input(session->stream);
        piece.len = (size_t)(piece.len < size ? piece.len : size);
        smtp_content_add(&incoming->reader.content, piece);
        keep(session, incoming, piece);
        stream_consume(session->stream, piece.len);
        size -= piece.len;
        err = check_patience(session, incoming);
        if (err)
            return err;
    }
    return OK;
}

/* ---- judging ---- */

static const struct answer *check_from(struct session *session, const struct header_watch *header)
{
    struct str values[HEADER_FROM_MAX];
    for (size_t i = 0; i < header->from_count; i++)
        values[i] = header_watch_from(header, i);
    return policy_check_from(session, values, header->from_count);
}

static const struct answer *find_fault(struct session *session, struct incoming *incoming)
{
    const struct smtp_content *content = &incoming->reader.content;
    struct header_watch *header = &incoming->header;
    if (incoming->refusal)
        return incoming->refusal;
    if (content->bare_cr || content->bare_lf)
        return &bare_line_end;
    if (content->nul)
        return &has_nul;
    header_watch_end(header);
    if (header->begins_folded)
        return &begins_folded;
    if (header->received_count > RECEIVED_MAX)
        return &mail_loop;
    const struct answer *no = loops_mark(session, header);
    return no ? no : check_from(session, header);
}

/* A message may end within its header. */
static const struct answer *end_header(struct session *session, struct incoming *incoming)
{
    enum err err = incoming->has_header ? OK : keep_header(session, incoming);
    return err ? answer_of(err) : NULL;
}

/* What is said of who sent it, by others or by us. */
static enum err authenticate(struct session *session, struct incoming *incoming,
                             const struct answer **out_no)
{
    if (incoming->judgement)
        return judge_finish(session, incoming, out_no);
    *out_no = incoming->signing ? sign_finish(session, incoming) : NULL;
    return OK;
}

static enum err judge(struct session *session, struct incoming *incoming,
                      const struct answer **out_no)
{
    *out_no = find_fault(session, incoming);
    if (!*out_no)
        *out_no = end_header(session, incoming);
    return *out_no ? OK : authenticate(session, incoming, out_no);
}

static struct str recipients_text(struct session *session)
{
    const struct spool_envelope *envelope = &session->transaction.envelope;
    if (envelope->recipient_count == 1)
        return envelope->recipients[0].address;
    return arena_printf(&session->arena, "%u recipients", envelope->recipient_count);
}

static enum err refuse(struct session *session, const struct answer *why)
{
    return session_refuse(session, why, session->transaction.envelope.sender,
                          recipients_text(session));
}

/* ---- the hand-over ---- */

static struct str describe(struct session *session, uint64_t size_bytes)
{
    const struct spool_envelope *envelope = &session->transaction.envelope;
    const struct tls_info *tls = stream_tls(session->stream);
    struct str account = envelope->account;
    return arena_printf(&session->arena,
                        "received from <%.*s> for %u recipient%s, %llu bytes\n"
                        "client %.*s, HELO %.*s, %s%s%s%s%.*s, service %.*s%.*s",
                        STR_FMT(envelope->sender), envelope->recipient_count,
                        envelope->recipient_count == 1 ? "" : "s", (unsigned long long)size_bytes,
                        STR_FMT(envelope->client_address), STR_FMT(envelope->client_helo),
                        tls ? tls->version : "in clear", tls ? " " : "", tls ? tls->cipher : "",
                        account.len ? ", account " : "", STR_FMT(account),
                        STR_FMT(envelope->service), STR_FMT(session->transaction.incoming->words));
}

static void tell(struct session *session, spool_id id, uint64_t size_bytes)
{
    struct trace_event event = {
        .id = id,
        .kind = TRACE_RECEIVED,
        .wall_us = session->transaction.envelope.received_us,
        .text = describe(session, size_bytes),
        .transcript = transcript_text(&session->transcript),
    };
    trace_write(session->service->trace, &event);
}

static enum err confirm(struct session *session, spool_id id, uint64_t size_bytes)
{
    struct spool_id_text text = spool_id_print(id);
    struct str words = arena_printf(&session->arena, "Ok: queued as %s", text.at);
    enum err err = session_answer_text(session, 250, MAIL_STATUS(2, 0, 0), words);
    tell(session, id, size_bytes);
    session->errors = session->idle_commands = 0;
    return err;
}

/* RFC 6531: a client may ask for SMTPUTF8 where nothing needs it; a next host without it must be no
 * reason for such a message to fail. Domains are sent with A-labels. Recipients count each for
 * itself. */
static bool needs_utf8(const struct spool_envelope *envelope, const struct header_watch *header)
{
    return str_has_8bit(envelope->sender) || header_watch_has_8bit(header);
}

/* From the moment of the commit the message is ours, whatever becomes of this session. */
static enum err hand_over(struct session *session, struct incoming *incoming)
{
    struct spool_envelope *envelope = &session->transaction.envelope;
    struct spool_draft *draft = incoming->draft;
    spool_id id = spool_draft_id(draft);
    uint64_t size_bytes = spool_draft_size(draft);
    envelope->received_us = clock_wall_us(loop_clock(loop_current()));
    envelope->body_8bit |= incoming->reader.content.has_8bit;
    struct str prefix = incoming_prefix(session, incoming, id);
    envelope->smtputf8 = envelope->smtputf8 && needs_utf8(envelope, &incoming->header);
    incoming->draft = NULL; /* the spool frees it */
    enum err err = spool_draft_commit(draft, envelope, prefix, NULL);
    if (err)
        return refuse(session, answer_of(err));
    return confirm(session, id, size_bytes + prefix.len);
}

/* The content has come to its end. */
static enum err conclude(struct session *session, struct incoming *incoming)
{
    const struct answer *no = NULL;
    enum err err = judge(session, incoming, &no);
    session_set_deadline(session, session->service->timeouts.command);
    if (!err)
        err = no ? refuse(session, no) : hand_over(session, incoming);
    transaction_reset(session);
    transcript_restart(&session->transcript);
    return err ? err : session_flush(session);
}

/* ---- the commands ---- */

static const struct answer *check_order(const struct session *session)
{
    const struct transaction *transaction = &session->transaction;
    if (!transaction->is_open)
        return &mail_first;
    return transaction->envelope.recipient_count == 0 ? &no_recipients : NULL;
}

enum err session_data(struct session *session, const struct smtp_command *command)
{
    UNUSED(command);
    const struct answer *no = check_order(session);
    if (!no && session->transaction.incoming)
        no = &content_has_begun;
    if (no)
        return session_answer(session, no);
    struct incoming *incoming = incoming_begin(session);
    if (incoming->refusal)
        return conclude(session, incoming);
    enum err err = session_answer(session, &go_ahead);
    if (!err)
        err = read_data(session, incoming);
    return err ? err : conclude(session, incoming);
}

/* RFC 3030 section 2: the octets are on their way already, welcome or not. */
static enum err drop_chunk(struct session *session, uint64_t size, const struct answer *why)
{
    struct incoming nothing = {
        .refusal = why,
        .deadline_ms = loop_now_ms() + session->service->timeouts.transaction,
    };
    enum err err = read_chunk(session, &nothing, size);
    return err ? err : session_answer(session, why);
}

static enum err confirm_chunk(struct session *session, uint64_t size)
{
    struct str words =
        arena_printf(&session->arena, "%llu octets received", (unsigned long long)size);
    return session_answer_text(session, 250, MAIL_STATUS(2, 0, 0), words);
}

enum err session_bdat(struct session *session, const struct smtp_command *command)
{
    uint64_t size = command->bdat.size;
    const struct answer *no = check_order(session);
    if (no)
        return drop_chunk(session, size, no);
    struct incoming *incoming = session->transaction.incoming;
    if (!incoming)
        incoming = incoming_begin(session);
    enum err err = read_chunk(session, incoming, size);
    if (err)
        return err;
    if (command->bdat.is_last)
        smtp_content_end(&incoming->reader.content);
    /* After a chunk was refused the transaction is over: those behind it find none. */
    if (command->bdat.is_last || incoming->refusal)
        return conclude(session, incoming);
    return confirm_chunk(session, size);
}
