#include "deliver/transaction_internal.h"

/* Marks who is asked in this round. */
static void choose(struct run *run)
{
    uint64_t limit = run->client->extensions.rcpt_max;
    if (run->client->recipients_max && (!limit || run->client->recipients_max < limit))
        limit = run->client->recipients_max;
    uint64_t count = 0;
    for (struct fate *fate = run->fates; fate < run->fates_end; fate++) {
        fate->is_asked = fate->state == FATE_OPEN && (!limit || count < limit);
        count += fate->is_asked;
    }
    run->accepted = 0;
    run->mail_is_ok = run->yes_without_mail = false;
}

static enum err say_mail(struct run *run)
{
    run->client->needs_reset = true;
    return smtp_client_say(run->client, run->mail_line);
}

/* Everything that may go out before an answer is in (RFC 2920 section 3.1): DATA must be the last
 * of the group, BDAT would bring content with it. */
static enum err say_envelope(struct run *run)
{
    enum err err = run->client->needs_reset ? smtp_client_say(run->client, STR("RSET")) : OK;
    if (!err)
        err = say_mail(run);
    for (struct fate *fate = run->fates; fate < run->fates_end; fate++)
        if (!err && fate->is_asked)
            err = smtp_client_say(run->client, fate->line);
    if (!err && !run_uses_bdat(run))
        err = smtp_client_say(run->client, STR("DATA"));
    return err;
}

static void decide_asked(struct run *run, struct queue_outcome outcome)
{
    for (struct fate *fate = run->fates; fate < run->fates_end; fate++)
        if (fate->is_asked && fate->state != FATE_DECIDED)
            fate_decide(fate, outcome);
}

static enum err hear_reset(struct run *run)
{
    enum err err = run_hear(run, run_timeouts(run)->command);
    if (!err && run_reply_class(run) != 2)
        err = smtp_client_fail(run->client, ERR_SYNTAX);
    return err;
}

static enum err hear_mail(struct run *run)
{
    enum err err = run_hear(run, run_timeouts(run)->mail);
    if (err)
        return err;
    run->is_taken = true;
    run->mail_is_ok = run_reply_class(run) == 2;
    if (!run->mail_is_ok)
        decide_asked(run, run_reply_outcome(run));
    return OK;
}

/* RFC 5321 section 4.5.3.1.10: 452, and 552 from old servers, say that there are enough recipients,
 * if no status says something else, such as 5.2.2, a full mailbox. 4.5.3 is also how a server asks
 * for another transaction for other reasons. */
static bool is_too_many(const struct smtp_reply *reply)
{
    struct mail_status status = reply->status;
    if (mail_status_is_set(status))
        return status.subject == 5 && status.detail == 3;
    return reply->code == 452 || reply->code == 552;
}

static void judge_rcpt(struct run *run, struct fate *fate)
{
    struct queue_outcome outcome = run_reply_outcome(run);
    if (outcome.kind == QUEUE_DELIVERED) {
        fate->state = FATE_ACCEPTED;
        run->accepted++;
    } else if (is_too_many(&run->client->reply)) {
        outcome.kind = QUEUE_DEFERRED;
        fate->state = FATE_TOO_MANY;
        fate->outcome = outcome;
    } else {
        fate_decide(fate, outcome);
    }
}

static enum err converse_rcpt(struct run *run, struct fate *fate)
{
    enum err err = run_is_pipelined(run) ? OK : smtp_client_say(run->client, fate->line);
    if (!err)
        err = run_hear(run, run_timeouts(run)->rcpt);
    if (err)
        return err;
    if (run->mail_is_ok)
        judge_rcpt(run, fate);
    else if (run_reply_class(run) == 2)
        run->yes_without_mail = true;
    return OK;
}

/* "Too many" is no reason to wait as long as others were taken. */
static void sort_too_many(struct run *run)
{
    bool comes_again = run->accepted > 0;
    for (struct fate *fate = run->fates; fate < run->fates_end; fate++) {
        if (fate->state != FATE_TOO_MANY)
            continue;
        fate->state = comes_again ? FATE_OPEN : FATE_DECIDED;
        if (comes_again)
            run->client->recipients_max = run->accepted;
    }
}

enum err run_envelope(struct run *run)
{
    choose(run);
    bool resets = run->client->needs_reset;
    enum err err = OK;
    if (run_is_pipelined(run))
        err = say_envelope(run);
    else if (resets)
        err = smtp_client_say(run->client, STR("RSET"));
    if (!err && resets)
        err = hear_reset(run);
    if (!err && !run_is_pipelined(run))
        err = say_mail(run);
    if (!err)
        err = hear_mail(run);
    for (struct fate *fate = run->fates; fate < run->fates_end; fate++)
        if (!err && fate->is_asked && (run->mail_is_ok || run_is_pipelined(run)))
            err = converse_rcpt(run, fate);
    if (!err)
        sort_too_many(run);
    return err;
}
