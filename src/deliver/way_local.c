/* Slots that stay in the house: mailboxes, and mail that a route holds. */
#include "deliver/job.h"
#include "deliver/maildir.h"
#include "deliver/ways.h"

#define RECIPIENTS_MAX 100
#define JUNK_FOLDER    "Junk"

/* ---- Maildir ---- */
static struct queue_outcome deliver_to_maildir(struct job *job, const struct maildir_place *place,
                                               const struct maildir_message *message)
{
    struct str problem;
    enum err err = maildir_deliver(place, message, &job->arena, &problem);
    if (!err)
        return (struct queue_outcome){
            .kind = QUEUE_DELIVERED,
            .words = arena_printf(&job->arena, "into %.*s%s%.*s", STR_FMT(place->path),
                                  place->folder.len ? "/." : "", STR_FMT(place->folder)),
        };
    /* Whatever is wrong with our own disk can be put right; a damaged message cannot. */
    return (struct queue_outcome){
        .kind = err == ERR_CORRUPT ? QUEUE_HELD : QUEUE_DEFERRED,
        .reason = SPOOL_REASON_LOCAL,
        .words = problem,
    };
}

static struct queue_outcome deliver_recipient(struct job *job, uint32_t index)
{
    const struct deliver_options *options = job->options;
    const struct spool_envelope *envelope = &job->message.envelope;
    assert(index < envelope->recipient_count);
    struct content_source content = content_of_message(&job->message);
    struct maildir_message message = {
        .content = &content,
        .id = job->id,
        .recipient_number = index + 1,
        .sender = envelope->sender,
        .recipient = envelope->recipients[index].address,
    };
    struct maildir_place place = {
        .disk = options->disk,
        .pool = options->maildir_pool,
        .folder = envelope->recipients[index].junk ? STR(JUNK_FOLDER) : STR_EMPTY,
        .hostname = options->hostname,
    };
    if (route_maildir_path(queue_slot_way(job->slot), message.recipient, &job->arena, &place.path))
        return (struct queue_outcome){
            .kind = QUEUE_DEFERRED,
            .reason = SPOOL_REASON_LOCAL,
            .words = STR("the address makes no path of a mailbox"),
        };
    return deliver_to_maildir(job, &place, &message);
}

void way_run_maildir(const struct deliver_options *options, struct queue_slot *slot)
{
    const struct queue_job *taken;
    while (!way_is_ending() && (taken = queue_slot_take(slot, RECIPIENTS_MAX))) {
        struct job job;
        if (job_begin(&job, options, slot, taken)) {
            for (size_t i = 0; i < job.count; i++)
                if (!job.group_of[i])
                    job.outcomes[i] = deliver_recipient(&job, job.recipients[i]);
            job_note_answer(&job, STR_EMPTY, QUEUE_RECEIPT_DELIVERED);
        }
        job_finish(&job, true, queue_slot_name(slot), STR_EMPTY);
    }
}

/* ---- hold ---- */
void way_run_hold(const struct deliver_options *options, struct queue_slot *slot)
{
    const struct queue_job *taken;
    while (!way_is_ending() && (taken = queue_slot_take(slot, RECIPIENTS_MAX))) {
        struct job job;
        if (job_begin(&job, options, slot, taken))
            job_decide(&job, (struct queue_outcome){
                                 .kind = QUEUE_HELD,
                                 .reason = SPOOL_REASON_ROUTE,
                                 .words = STR("its route says: hold"),
                             });
        job_finish(&job, true, queue_slot_name(slot), STR_EMPTY);
    }
}
