#include "deliver/transaction_internal.h"
#include "fiber/loop.h"

#include <inttypes.h>

#define CHUNK_BYTES       ((uint64_t)1 << 20) /* of BDAT; a refusal is heard after each */
#define LAST_WORD_WAIT_MS 1000

/* DATA was sent ahead and the server wants content that nobody is to get: RFC 2920 section 3.1
 * wants one dot. Not where it took recipients without a sender: it might deliver nothing at all to
 * somebody. Nor by LMTP, where this breaks RFC 2033 section 4.2, and the dot has as many answers as
 * there are recipients: none. */
static enum err send_nothing(struct run *run)
{
    if (run->yes_without_mail || run->client->options.is_lmtp)
        return smtp_client_fail(run->client, ERR_SYNTAX);
    enum err err = smtp_client_say(run->client, STR("."));
    return err ? err : run_hear(run, run_timeouts(run)->command);
}

/* *out_go: the server waits for content, and somebody is to get it. */
static enum err converse_data(struct run *run, bool *out_go)
{
    bool is_ahead = run_is_pipelined(run);
    *out_go = false;
    if (!run->accepted && !is_ahead)
        return OK;
    enum err err = is_ahead ? OK : smtp_client_say(run->client, STR("DATA"));
    if (!err)
        err = run_hear(run, run_timeouts(run)->data_start);
    if (err)
        return err;
    bool is_go_ahead = run_reply_class(run) == 3;
    if (!run->accepted)
        return is_go_ahead ? send_nothing(run) : OK;
    if (run_reply_class(run) == 2)
        return smtp_client_fail(run->client, ERR_SYNTAX);
    if (!is_go_ahead)
        run_decide_all(run, FATE_ACCEPTED, FATE_ACCEPTED, run_reply_outcome(run));
    *out_go = is_go_ahead;
    return OK;
}

void run_decide_unreadable(struct run *run, enum err err)
{
    struct queue_outcome outcome = {.kind = QUEUE_DEFERRED, .reason = SPOOL_REASON_LOCAL};
    if (err == ERR_SYNTAX) {
        outcome.kind = QUEUE_FAILED;
        outcome.words = STR("5.6.0 the message holds a bare CR or LF, which must not be sent");
    } else {
        outcome.kind = err == ERR_CORRUPT ? QUEUE_HELD : QUEUE_DEFERRED;
        outcome.words = arena_printf(run->arena, "the message cannot be read from the spool: %s",
                                     err_text(err));
    }
    run_decide_all(run, FATE_OPEN, FATE_ACCEPTED, outcome);
    transcript_line(run->client->transcript, loop_now_ms(), TRANSCRIPT_NOTE, outcome.words);
}

/* The message itself is at fault: it could not be read, or must not be sent. */
static enum err give_up_content(struct run *run, enum err err)
{
    run_decide_unreadable(run, err);
    return smtp_client_fail(run->client, err);
}

/* The connection broke while content was sent. A server that refuses it may have said so. */
static enum err hear_last_word(struct run *run, enum err err)
{
    if (err == ERR_CANCELLED ||
        smtp_client_hear_last(run->client, LAST_WORD_WAIT_MS) != ERR_REFUSED)
        return smtp_client_fail(run->client, err);
    run_decide_all(run, FATE_ACCEPTED, FATE_ACCEPTED, run_reply_outcome(run));
    return smtp_client_fail(run->client, err);
}

static enum err after_sending(struct run *run, const struct content_sender *sender, enum err err)
{
    if (err == OK)
        return OK;
    if (sender->source_err && sender->source_err != ERR_CANCELLED)
        return give_up_content(run, sender->source_err);
    return hear_last_word(run, err);
}

/* What the server says to the whole of the content; LMTP: for each that it had accepted, in order
 * (RFC 2033 section 4.2). */
static enum err hear_answers(struct run *run)
{
    run->client->stage = SMTP_CLIENT_ANSWER;
    bool needs_reset = false;
    for (struct fate *fate = run->fates; fate < run->fates_end; fate++) {
        if (fate->state != FATE_ACCEPTED)
            continue;
        enum err err = run_hear(run, run_timeouts(run)->data_end);
        if (!err && run_reply_class(run) == 3)
            err = smtp_client_fail(run->client, ERR_SYNTAX);
        if (err)
            return err;
        needs_reset |= run_reply_class(run) != 2;
        if (run->client->options.is_lmtp)
            fate_decide(fate, run_reply_outcome(run));
        else
            run_decide_all(run, FATE_ACCEPTED, FATE_ACCEPTED, run_reply_outcome(run));
    }
    run->client->needs_reset = needs_reset;
    return OK;
}

static struct content_sender sender_of(struct run *run)
{
    run->client->stage = SMTP_CLIENT_CONTENT;
    return (struct content_sender){
        .source = run->content,
        .stream = run->client->stream,
        .block_timeout_ms = run_timeouts(run)->data_block,
    };
}

static enum err send_by_data(struct run *run)
{
    bool go;
    enum err err = converse_data(run, &go);
    if (err || !go)
        return err;
    struct content_sender sender = sender_of(run);
    err = after_sending(run, &sender, content_send_data(&sender));
    if (err)
        return err;
    transcript_printf(run->client->transcript, loop_now_ms(), TRANSCRIPT_NOTE,
                      "%" PRIu64 " bytes of content, and the dot", sender.source->size_bytes);
    return hear_answers(run);
}

static enum err send_chunk(struct run *run, struct content_sender *sender, uint64_t offset,
                           uint64_t len, bool is_last)
{
    struct str line = arena_printf(run->arena, "BDAT %" PRIu64 "%s", len, is_last ? " LAST" : "");
    enum err err = smtp_client_say(run->client, line);
    return err ? err : after_sending(run, sender, content_send_chunk(sender, offset, len));
}

static enum err send_by_bdat(struct run *run)
{
    if (!run->accepted)
        return OK;
    struct content_sender sender = sender_of(run);
    uint64_t size = sender.source->size_bytes, offset = 0;
    while (size - offset > CHUNK_BYTES) {
        enum err err = send_chunk(run, &sender, offset, CHUNK_BYTES, false);
        if (!err)
            err = run_hear(run, run_timeouts(run)->data_end);
        if (err)
            return err;
        if (run_reply_class(run) == 3)
            return smtp_client_fail(run->client, ERR_SYNTAX);
        if (run_reply_class(run) != 2) {
            run_decide_all(run, FATE_ACCEPTED, FATE_ACCEPTED, run_reply_outcome(run));
            return OK;
        }
        offset += CHUNK_BYTES;
    }
    enum err err = send_chunk(run, &sender, offset, size - offset, true);
    return err ? err : hear_answers(run);
}

enum err run_content(struct run *run)
{
    return run_uses_bdat(run) ? send_by_bdat(run) : send_by_data(run);
}
