/* Jobs: taken, finished, returned. A finished job's statuses are written before anything here
 * changes; until then its recipients are ACTIVE, and nobody else touches them. */
#include "base/log.h"
#include "base/mem.h"
#include "queue/destination.h"
#include "queue/schedule.h"
#include "queue/slot.h"
#include "queue/suspects.h"

#include <stdlib.h>

#define WRITE_PAUSE_MS     1000
#define WRITE_PAUSE_MAX_MS 30000

/* ---- take ---- */

static void make_room(struct queue_slot *slot, size_t count)
{
    if (count <= slot->capacity)
        return;
    slot->capacity = (uint32_t)max_size(count, slot->capacity * 2);
    slot->recipients = mem_grow(slot->recipients, slot->capacity * sizeof *slot->recipients);
    slot->changes = mem_grow(slot->changes, slot->capacity * sizeof *slot->changes);
}

static void take_one(struct queue_slot *slot, struct queue_recipient *recipient)
{
    make_room(slot, slot->job.recipient_count + 1);
    slot->recipients[slot->job.recipient_count++] = recipient->index;
    if (slot->job.attempt <= recipient->attempts)
        slot->job.attempt = (uint16_t)(recipient->attempts + (recipient->attempts < UINT16_MAX));
    recipient->is_leader = false;
    recipient->next = 0;
    queue_recipient_set_state(slot->queue, recipient, RECIPIENT_ACTIVE);
}

static int compare_indices(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* The first `max` of the bundle become the job; the others stay a bundle. */
static void take_bundle(struct queue_slot *slot, struct queue_recipient *leader, size_t max)
{
    struct queue_recipient *next, *member = leader;
    queue_destination_remove_ready(slot->queue, leader);
    for (; member && slot->job.recipient_count < max; member = next) {
        next = queue_recipient_next(member);
        take_one(slot, member);
    }
    if (member) {
        member->is_leader = true;
        queue_destination_add_ready(slot->queue, member);
    }
    if (slot->job.recipient_count > 1)
        qsort(slot->recipients, slot->job.recipient_count, sizeof *slot->recipients,
              compare_indices);
}

/* What the exit's failure means for jobs without an attempt. */
static void take_reason(struct queue_slot *slot)
{
    const struct queue_exit *exit = slot->exit;
    struct str words = queue_words_text(&slot->queue->words, exit->words);
    if (words.len)
        memcpy(slot->words, words.at, words.len);
    slot->job.no_attempt = true;
    slot->job.reason = exit->reason;
    slot->job.words = str_make(slot->words, words.len);
}

static void begin_job(struct queue_slot *slot, struct queue_recipient *leader,
                      size_t recipients_max)
{
    struct queue *queue = slot->queue;
    struct queue_message *message = queue_recipient_message(leader);
    const struct queue_destination *destination = leader->destination;
    slot->message = message;
    slot->is_suspect = leader->is_suspect;
    queue_slot_turn_to(slot, leader->destination);
    slot->job = (struct queue_job){
        .id = message->id,
        .place = message->place,
        .size_bytes = message->size_bytes,
        .arrived_s = message->arrived_s,
        .attempt = 1,
        .domain = destination->domain,
        .is_settled = clock_now_ms(queue->clock) < destination->settled_until_ms,
        .words = STR_EMPTY,
    };
    if (slot->exit->is_blocked)
        take_reason(slot);
    take_bundle(slot, leader, max_size(recipients_max, 1));
    slot->job.recipients = slot->recipients;
    for (size_t i = 0; i < slot->job.recipient_count; i++)
        slot->changes[i] = (struct spool_change){
            .recipient = slot->recipients[i],
            .status = queue_recipient_status(&message->recipients[slot->recipients[i]]),
        };
    slot->is_last = message->open == slot->job.recipient_count;
    if (queue->in_flight)
        in_flight_set(queue->in_flight, slot->flight, message->id);
}

const struct queue_job *queue_slot_take(struct queue_slot *slot, size_t recipients_max)
{
    assert(!slot->message);
    struct queue *queue = slot->queue;
    struct queue_orders orders;
    queue_orders_init(&orders);
    int64_t now_s = clock_wall_us(queue->clock) / 1000000;
    pthread_mutex_lock(&queue->lock);
    struct queue_recipient *leader =
        queue->draining ? NULL : queue_exit_next(queue, slot->exit, now_s);
    if (leader) {
        begin_job(slot, leader, recipients_max);
        queue_slot_offer(queue, slot->exit, &orders); /* more work than slots: grows step by step */
    }
    pthread_mutex_unlock(&queue->lock);
    queue_orders_carry_out(queue, &orders);
    return leader ? &slot->job : NULL;
}

/* ---- deciding; without the lock: by what the slot holds alone ---- */

static uint16_t one_more(uint16_t attempts)
{
    return attempts < UINT16_MAX ? attempts + 1u : attempts;
}

static void decide_deferral(const struct queue_slot *slot, struct spool_status *status,
                            int64_t now_s, int64_t due_s)
{
    if (queue_schedule_is_expired(&slot->queue->schedule, slot->job.arrived_s, now_s)) {
        status->state = SPOOL_BOUNCED;
        return;
    }
    if (!slot->job.no_attempt)
        status->due_s = due_s;
    status->warned |= queue_wants_warning(slot->queue, slot->job.arrived_s, now_s);
}

static struct spool_status decide(const struct queue_slot *slot,
                                  const struct queue_outcome *outcome, struct spool_status status,
                                  int64_t now_s, int64_t due_s)
{
    status.reason = (uint8_t)outcome->reason;
    if (!slot->job.no_attempt)
        status.attempts = one_more(status.attempts);
    switch (outcome->kind) {
    case QUEUE_DELIVERED:
        status.state = SPOOL_DELIVERED;
        break;
    case QUEUE_FAILED:
        status.state = SPOOL_BOUNCED;
        break;
    case QUEUE_HELD:
        status.held = true;
        break;
    case QUEUE_DEFERRED:
        decide_deferral(slot, &status, now_s, due_s);
        break;
    }
    return status;
}

/* Returns how many became final. All that are deferred get one due time and stay together. */
static size_t decide_all(struct queue_slot *slot, struct queue_outcome *outcomes, int64_t now_s)
{
    size_t final = 0;
    int64_t due_s = queue_schedule_due_s(&slot->queue->schedule, slot->job.arrived_s, now_s,
                                         slot->job.attempt, &slot->random);
    for (size_t i = 0; i < slot->job.recipient_count; i++) {
        struct spool_change *change = &slot->changes[i];
        bool was_warned = change->status.warned;
        change->status = decide(slot, &outcomes[i], change->status, now_s, due_s);
        outcomes[i].status = change->status;
        outcomes[i].warns = change->status.warned && !was_warned;
        final += spool_state_is_final(change->status.state);
    }
    return final;
}

/* ---- writing ---- */

static enum err report_and_write(struct queue_slot *slot, const struct queue_outcome *outcomes,
                                 bool *reported, bool done)
{
    struct queue *queue = slot->queue;
    const struct queue_job *job = &slot->job;
    if (!*reported && queue->report) {
        enum err err = queue->report(queue->report_context, job, outcomes);
        if (err)
            return err;
    }
    *reported = true;
    return spool_status_write(queue->spool, job->id, job->place, slot->changes,
                              job->recipient_count, done);
}

/* False when the fiber was cancelled first: then a later engine will try these recipients again. */
static bool write_until_done(struct queue_slot *slot, const struct queue_outcome *outcomes,
                             bool done)
{
    bool reported = false;
    uint64_t pause_ms = WRITE_PAUSE_MS;
    enum err err;
    while ((err = report_and_write(slot, outcomes, &reported, done)) != OK) {
        if (pause_ms == WRITE_PAUSE_MS)
            log_event(LOG_ERROR, "queue", "%s: cannot record what became of it: %s; trying again",
                      spool_id_print(slot->job.id).at, err_text(err));
        if (fiber_sleep_until(loop_now_ms() + pause_ms) != OK)
            return false;
        pause_ms = pause_ms * 2 < WRITE_PAUSE_MAX_MS ? pause_ms * 2 : WRITE_PAUSE_MAX_MS;
    }
    return true;
}

/* ---- finish; with the lock ---- */

static void count_outcome(struct queue *queue, const struct spool_status *status)
{
    queue->delivered += status->state == SPOOL_DELIVERED;
    queue->bounced += status->state == SPOOL_BOUNCED;
    queue->deferred += status->state == SPOOL_QUEUED;
}

static void apply(struct queue *queue, struct queue_recipient *recipient,
                  const struct spool_status *status, struct str words)
{
    count_outcome(queue, status);
    if (spool_state_is_final(status->state)) {
        queue_recipient_end(queue, recipient);
        return;
    }
    queue_words_drop(&queue->words, recipient->words);
    recipient->words = queue_words_take(&queue->words, words);
    recipient->reason = status->reason;
    recipient->attempts = status->attempts;
    recipient->warned = status->warned;
    recipient->due_s = (uint32_t)status->due_s;
    queue_recipient_set_state(queue, recipient, status->held ? RECIPIENT_HELD : RECIPIENT_WAITING);
}

/* Those that wait become one bundle again. */
static void put_together(struct queue_slot *slot, struct queue_time now,
                         struct queue_orders *orders)
{
    struct queue_recipient *leader = NULL;
    for (size_t i = slot->job.recipient_count; i-- > 0;) {
        struct queue_recipient *recipient = &slot->message->recipients[slot->recipients[i]];
        if (recipient->state != RECIPIENT_WAITING)
            continue;
        recipient->next = leader ? leader->index + 1 : 0;
        leader = recipient;
    }
    if (leader)
        queue_bundle_put(slot->queue, leader, now, orders);
}

static void note_connection(struct queue_slot *slot, const struct queue_outcome *outcomes,
                            bool connection_ok)
{
    bool delivered = false;
    for (size_t i = 0; i < slot->job.recipient_count; i++)
        delivered |= outcomes[i].kind == QUEUE_DELIVERED;
    if (slot->job.no_attempt)
        return; /* nobody was asked */
    if (connection_ok)
        queue_exit_answered(slot->queue, slot->exit, delivered);
    else
        queue_exit_failed(slot->queue, slot->exit, outcomes[0].reason, outcomes[0].words);
}

static void end_job(struct queue_slot *slot)
{
    if (slot->queue->in_flight)
        in_flight_set(slot->queue->in_flight, slot->flight, 0);
    slot->message = NULL;
}

/* Returns whether the message is at its end. */
static bool apply_all(struct queue_slot *slot, const struct queue_outcome *outcomes,
                      bool connection_ok, struct queue_orders *orders)
{
    struct queue *queue = slot->queue;
    struct queue_message *message = slot->message;
    for (size_t i = 0; i < slot->job.recipient_count; i++)
        apply(queue, &message->recipients[slot->recipients[i]], &slot->changes[i].status,
              outcomes[i].words);
    note_connection(slot, outcomes, connection_ok);
    if (slot->is_suspect)
        queue_suspects_forgive(queue, message);
    put_together(slot, queue_now(queue), orders);
    bool ended = message->open == 0;
    if (ended)
        queue_message_forget(queue, message);
    end_job(slot);
    queue_slot_offer(queue, slot->exit, orders);
    return ended;
}

static void give_back(struct queue_slot *slot)
{
    struct queue *queue = slot->queue;
    struct queue_orders orders;
    queue_orders_init(&orders);
    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < slot->job.recipient_count; i++) {
        struct queue_recipient *recipient = &slot->message->recipients[slot->recipients[i]];
        recipient->due_s = 0;
        queue_recipient_set_state(queue, recipient, RECIPIENT_WAITING);
    }
    put_together(slot, queue_now(queue), &orders);
    end_job(slot);
    pthread_mutex_unlock(&queue->lock);
    queue_orders_carry_out(queue, &orders);
}

void queue_job_finish(struct queue_slot *slot, struct queue_outcome *outcomes, bool connection_ok)
{
    assert(slot->message);
    struct queue *queue = slot->queue;
    size_t final = decide_all(slot, outcomes, clock_wall_us(queue->clock) / 1000000);
    bool done = slot->is_last && final == slot->job.recipient_count;
    if (!write_until_done(slot, outcomes, done)) {
        give_back(slot);
        return;
    }
    struct queue_orders orders;
    queue_orders_init(&orders);
    pthread_mutex_lock(&queue->lock);
    bool ended = apply_all(slot, outcomes, connection_ok, &orders);
    pthread_mutex_unlock(&queue->lock);
    queue_orders_carry_out(queue, &orders);
    if (ended)
        queue_message_ended(queue, slot->job.id, slot->job.place, done);
}

void queue_job_return(struct queue_slot *slot)
{
    assert(slot->message);
    give_back(slot);
}
