#include "deliver/job.h"

#include "deliver/story.h"

static struct queue_outcome not_attempted(struct job *job, const struct queue_job *taken)
{
    return (struct queue_outcome){
        .kind = QUEUE_DEFERRED,
        .reason = (enum spool_reason)taken->reason,
        .words = arena_copy(&job->arena, taken->words),
    };
}

/* What is damaged does not heal: it waits for a person, and is not lost. */
static struct queue_outcome unreadable(struct job *job, enum err err)
{
    return (struct queue_outcome){
        .kind = err == ERR_CORRUPT ? QUEUE_HELD : QUEUE_DEFERRED,
        .reason = SPOOL_REASON_LOCAL,
        .words = arena_printf(&job->arena, "the message cannot be read from the spool: %s",
                              err_text(err)),
    };
}

/* RFC 9228: it has been to this mailbox, or has left by this alias. The sender is told, once. */
static bool decide_loops(struct job *job)
{
    const struct queue_outcome loop = {
        .kind = QUEUE_FAILED,
        .reason = SPOOL_REASON_REPLY,
        .words = STR("5.4.6 a mail loop: the message was here before for this address"),
    };
    bool is_anybody_left = false;
    for (size_t i = 0; i < job->count; i++) {
        bool loops = job->message.envelope.recipients[job->recipients[i]].loops;
        if (loops) {
            job->outcomes[i] = loop;
            job->group_of[i] = JOB_GROUP_NONE;
        }
        is_anybody_left |= !loops;
    }
    return is_anybody_left;
}

bool job_begin(struct job *job, const struct deliver_options *options, struct queue_slot *slot,
               const struct queue_job *taken)
{
    *job = (struct job){
        .options = options,
        .slot = slot,
        .arena = arena_make(),
        .id = taken->id,
        .attempt = taken->attempt,
        .no_attempt = taken->no_attempt,
        .domain = taken->domain,
        .is_settled = taken->is_settled,
        .began_us = clock_wall_us(options->clock),
        .count = taken->recipient_count,
    };
    assert(job->count > 0);
    job->outcomes = ARENA_ARRAY(&job->arena, struct queue_outcome, job->count);
    job->recipients = ARENA_ARRAY(&job->arena, uint32_t, job->count);
    job->group_of = ARENA_ARRAY(&job->arena, uint32_t, job->count);
    job->senders = ARENA_ARRAY(&job->arena, struct str, job->count);
    memcpy(job->recipients, taken->recipients, job->count * sizeof *job->recipients);

    enum err err =
        spool_message_open(options->spool, taken->id, taken->place, &job->arena, &job->message);
    job->is_open = err == OK;
    if (taken->no_attempt)
        job_decide(job, not_attempted(job, taken));
    else if (err)
        job_decide(job, unreadable(job, err));
    return !err && !taken->no_attempt && decide_loops(job);
}

void job_decide(struct job *job, struct queue_outcome outcome)
{
    for (size_t i = 0; i < job->count; i++)
        if (!job->group_of[i] || job->group_of[i] == job->group.number)
            job->outcomes[i] = outcome;
}

void job_note_answer(struct job *job, struct str remote, enum queue_receipt receipt)
{
    const struct spool_envelope *envelope = &job->message.envelope;
    for (size_t i = 0; i < job->count; i++) {
        struct queue_outcome *outcome = &job->outcomes[i];
        if (job->group_of[i] != job->group.number)
            continue;
        bool is_wanted = envelope->recipients[job->recipients[i]].notify & SPOOL_NOTIFY_SUCCESS;
        outcome->remote = remote;
        outcome->receipt =
            outcome->kind == QUEUE_DELIVERED && is_wanted ? receipt : QUEUE_RECEIPT_NONE;
    }
}

static void end(struct job *job)
{
    if (job->is_open)
        spool_message_close(&job->message);
    arena_reset(&job->arena);
}

void job_finish(struct job *job, bool connection_ok, struct str where, struct str transcript)
{
    queue_job_finish(job->slot, job->outcomes, connection_ok);
    bool is_held = job->outcomes[0].reason == SPOOL_REASON_ROUTE;
    trace_write(job->options->trace, &(struct trace_event){
                                         .id = job->id,
                                         .kind = is_held ? TRACE_HELD : TRACE_ATTEMPT,
                                         .wall_us = job->began_us,
                                         .text = story_tell(job, where, &job->arena),
                                         .transcript = transcript,
                                     });
    end(job);
}

void job_return(struct job *job)
{
    queue_job_return(job->slot);
    end(job);
}
