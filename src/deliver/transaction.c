#include "deliver/envelope.h"
#include "deliver/transaction_internal.h"
#include "fiber/loop.h"

/* ---- fates ---- */
void fate_decide(struct fate *fate, struct queue_outcome outcome)
{
    fate->state = FATE_DECIDED;
    fate->outcome = outcome;
}

void run_decide_all(struct run *run, enum fate_state first, enum fate_state last,
                    struct queue_outcome outcome)
{
    for (struct fate *fate = run->fates; fate < run->fates_end; fate++)
        if (fate->state >= first && fate->state <= last)
            fate_decide(fate, outcome);
}

struct queue_outcome run_reply_outcome(const struct run *run)
{
    return smtp_client_outcome(run->client, run->arena);
}

/* ---- hearing ---- */

enum err run_hear(struct run *run, uint32_t timeout_ms)
{
    enum err err = smtp_client_hear(run->client, timeout_ms);
    if (err != ERR_REFUSED)
        return err;
    run->is_farewell = run->client->is_over;
    return run->is_farewell ? ERR_CLOSED : OK;
}

int run_reply_class(const struct run *run) { return run->client->reply.code / 100; }

/* ---- what the server can ---- */
const struct deliver_timeouts *run_timeouts(const struct run *run)
{
    return &run->client->options.timeouts;
}

bool run_uses_bdat(const struct run *run)
{
    /* With LMTP it is less clear than with DATA how many replies there will be. */
    return run->client->extensions.chunking && !run->client->options.is_lmtp;
}

bool run_is_pipelined(const struct run *run) { return run->client->extensions.pipelining; }

/* ---- rounds ---- */
static bool has_any(const struct run *run, enum fate_state state)
{
    for (struct fate *fate = run->fates; fate < run->fates_end; fate++)
        if (fate->state == state)
            return true;
    return false;
}

static enum err run_round(struct run *run)
{
    run->client->stage = SMTP_CLIENT_ENVELOPE;
    enum err err = run_envelope(run);
    return err ? err : run_content(run);
}

/* The connection ended: those whose fate is open wait for another. */
static void defer_rest(struct run *run, enum err err)
{
    struct queue_outcome outcome = run->is_farewell
                                       ? run_reply_outcome(run)
                                       : smtp_client_problem(run->client, err, run->arena);
    struct queue_outcome doubtful = outcome;
    if (run->client->stage == SMTP_CLIENT_ANSWER && !run->is_farewell)
        doubtful.words = arena_printf(run->arena, "%.*s; it may have arrived, and arrive twice",
                                      STR_FMT(outcome.words));
    run_decide_all(run, FATE_ACCEPTED, FATE_ACCEPTED, doubtful);
    for (struct fate *fate = run->fates; fate < run->fates_end; fate++)
        if (fate->state != FATE_DECIDED)
            fate_decide(fate, outcome);
}

/* Lines of the envelope. Who has an address that cannot be sent is decided by that. */
static void print_lines(struct run *run)
{
    const struct transaction *transaction = run->transaction;
    const struct spool_envelope *envelope = transaction->envelope;
    const struct smtp_extensions *extensions = &run->client->extensions;
    struct queue_outcome damaged = {.kind = QUEUE_FAILED, .reason = SPOOL_REASON_LOCAL};
    damaged.words = STR("5.1.7 the sender's address cannot be sent");
    if (envelope_print_mail(transaction, run->content->size_bytes, extensions, run->arena,
                            &run->mail_line)) {
        run_decide_all(run, FATE_OPEN, FATE_OPEN, damaged);
        return;
    }
    damaged.words = STR("5.1.3 the address cannot be sent");
    for (size_t i = 0; i < transaction->count; i++) {
        assert(transaction->recipients[i] < envelope->recipient_count);
        if (envelope_print_rcpt(transaction, &envelope->recipients[transaction->recipients[i]],
                                extensions, run->arena, &run->fates[i].line))
            fate_decide(&run->fates[i], damaged);
    }
}

static bool decide_if_impossible(struct run *run)
{
    const struct smtp_client *client = run->client;
    const struct tls_info *tls = stream_tls(client->stream);
    struct queue_outcome impossible;
    if (!envelope_is_impossible(run->transaction, run->content->size_bytes, &client->extensions,
                                tls && tls->verified, client->options.peer, run->arena,
                                &impossible))
        return false;
    run_decide_all(run, FATE_OPEN, FATE_OPEN, impossible);
    transcript_line(client->transcript, loop_now_ms(), TRANSCRIPT_NOTE, impossible.words);
    return true;
}

/* Converted content may be too large where the original was not. */
static enum err prepare(struct run *run)
{
    run->client->stage = SMTP_CLIENT_ENVELOPE;
    run->content = run->transaction->content;
    if (decide_if_impossible(run))
        return OK;
    enum err err = run_fit_content(run);
    if (!err && has_any(run, FATE_OPEN) && !decide_if_impossible(run))
        print_lines(run);
    return err;
}

enum transaction_end transaction_run(struct smtp_client *client,
                                     const struct transaction *transaction, struct arena *arena,
                                     struct queue_outcome *outcomes)
{
    struct run run = {
        .client = client,
        .transaction = transaction,
        .arena = arena,
        .fates = ARENA_ARRAY(arena, struct fate, transaction->count),
    };
    run.fates_end = run.fates + transaction->count;
    enum err err = prepare(&run);
    bool was_asked = has_any(&run, FATE_OPEN);
    while (!err && has_any(&run, FATE_OPEN))
        err = run_round(&run);
    seven_bit_content_done(&run.seven_bit);
    if (err == ERR_CANCELLED && client->stage != SMTP_CLIENT_ANSWER && !has_any(&run, FATE_DECIDED))
        return TRANSACTION_CANCELLED;
    if (err)
        defer_rest(&run, err);
    for (size_t i = 0; i < transaction->count; i++)
        outcomes[i] = run.fates[i].outcome;
    return err && was_asked && !run.is_taken ? TRANSACTION_UNTOUCHED : TRANSACTION_ENDED;
}
