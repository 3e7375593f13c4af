/* What administrators do to recipients: one message at a time is claimed (its recipients are
 * ACTIVE, so that no slot takes them), its new statuses written, then applied. The last write of
 * all is a commit: statuses are synced in the order in which they were written, so it makes all
 * durable. */
#include "base/mem.h"
#include "queue/filter.h"
#include "queue/slot.h"
#include "queue/suspects.h"

#include <stdio.h>

#define MESSAGES_AT_ONCE  1000 /* looked at before others get the lock */
#define MESSAGES_PER_TURN 64   /* changed before other fibers run */
#define TEXT_BYTES        1000
#define WRITE_PAUSE_MS    1000

struct acting {
    struct queue *queue;
    enum queue_action action;
    const struct queue_filter *filter;
    struct str who;
    uint64_t changed, busy;
    spool_id next_id;
    bool at_end;
};

/* One message whose recipients in `changes` are ours. */
struct claim {
    struct queue_message *message; /* NULL: none */
    spool_id id;
    struct spool_place place;
    struct spool_change *changes;
    bool *was_held; /* of each of these */
    size_t count;
    bool done; /* nobody else has anything to do with it */
};

static const enum trace_kind kinds[] = {
    [QUEUE_RETRY] = TRACE_RETRIED, [QUEUE_HOLD] = TRACE_HELD,      [QUEUE_RELEASE] = TRACE_RELEASED,
    [QUEUE_DROP] = TRACE_DROPPED,  [QUEUE_BOUNCE] = TRACE_BOUNCED,
};

/* Given to the sender's report; no status fits better (RFC 3463). */
#define BOUNCED_WORDS "5.0.0 returned to you by an administrator of this server"

/* ---- what an action means to one recipient ---- */

static bool is_final(enum queue_action action)
{
    return action == QUEUE_DROP || action == QUEUE_BOUNCE;
}

static bool applies(enum queue_action action, const struct queue_recipient *recipient)
{
    bool is_held = recipient->state == RECIPIENT_HELD;
    switch (action) {
    case QUEUE_RETRY:
    case QUEUE_HOLD:
        return !is_held;
    case QUEUE_RELEASE:
        return is_held || recipient->destination->way->via == ROUTE_HOLD;
    case QUEUE_DROP:
    case QUEUE_BOUNCE:
        break;
    }
    return true;
}

static struct spool_status changed_status(enum queue_action action, struct spool_status status)
{
    switch (action) {
    case QUEUE_RETRY:
        status.due_s = 0;
        break;
    case QUEUE_HOLD:
        status.held = true;
        status.reason = SPOOL_REASON_ADMIN;
        break;
    case QUEUE_RELEASE:
        status.held = false;
        status.due_s = 0;
        status.reason = SPOOL_REASON_NONE;
        break;
    case QUEUE_DROP:
    case QUEUE_BOUNCE:
        status.state = action == QUEUE_DROP ? SPOOL_DROPPED : SPOOL_BOUNCED;
        status.held = false;
        status.reason = SPOOL_REASON_ADMIN;
        break;
    }
    return status;
}

/* ---- claiming; the lock is held ---- */

static bool matches(struct acting *acting, const struct queue_recipient *recipient)
{
    if (!queue_filter_takes_recipient(acting->filter, recipient))
        return false;
    if (recipient->state == RECIPIENT_ACTIVE) {
        acting->busy++;
        return false;
    }
    return applies(acting->action, recipient);
}

static void claim_one(struct acting *acting, struct claim *claim,
                      const struct queue_recipient *recipient)
{
    claim->changes = mem_grow(claim->changes, (claim->count + 1) * sizeof *claim->changes);
    claim->was_held = mem_grow(claim->was_held, claim->count + 1);
    claim->was_held[claim->count] = recipient->state == RECIPIENT_HELD;
    claim->changes[claim->count++] = (struct spool_change){
        .recipient = recipient->index,
        .status = changed_status(acting->action, queue_recipient_status(recipient)),
    };
}

static struct queue_recipient *claimed(const struct claim *claim, size_t i)
{
    return &claim->message->recipients[claim->changes[i].recipient];
}

/* What matches becomes ours; the rest goes back to where it was. */
static void claim_recipients(struct acting *acting, struct claim *claim, struct queue_time now,
                             struct queue_orders *orders)
{
    struct queue *queue = acting->queue;
    struct queue_message *message = claim->message;
    for (uint32_t i = 0; i < message->recipient_count; i++)
        if (matches(acting, &message->recipients[i]))
            claim_one(acting, claim, &message->recipients[i]);
    if (!claim->count)
        return;
    queue_message_unbundle(queue, message);
    for (size_t i = 0; i < claim->count; i++)
        queue_recipient_set_state(queue, claimed(claim, i), RECIPIENT_ACTIVE);
    if (!queue_suspects_keep_back(queue, message))
        queue_message_put_all(queue, message, now, orders);
    claim->done = is_final(acting->action) && claim->count == message->open;
}

/* The next message with anything to change. Returns false when there is more to look at, but others
 * should get the lock first. */
static bool claim_next(struct acting *acting, struct claim *claim, struct queue_orders *orders)
{
    struct queue *queue = acting->queue;
    struct queue_time now = queue_now(queue);
    for (unsigned i = 0; i < MESSAGES_AT_ONCE; i++) {
        struct tree_node *node = tree_at_least(queue->messages, acting->next_id, queue_message_key);
        struct queue_message *message = queue_message_of_node(node);
        if (!message || (acting->filter->by_id && message->id > acting->filter->id)) {
            acting->at_end = true;
            return true;
        }
        acting->next_id = message->id + 1;
        if (!queue_filter_takes_message(acting->filter, message, now.s))
            continue;
        *claim = (struct claim){.message = message, .id = message->id, .place = message->place};
        claim_recipients(acting, claim, now, orders);
        if (claim->count)
            return true;
        claim->message = NULL;
    }
    return false;
}

/* ---- applying; the lock is held ---- */

/* Where it goes may be another matter since it was queued. */
static void reroute(struct queue *queue, struct queue_recipient *recipient)
{
    struct queue_destination *destination =
        queue_destination_of(queue, queue_recipient_address(recipient));
    if (destination != recipient->destination) {
        queue_destination_leave(queue, recipient);
        queue_destination_join(destination, recipient);
    }
    if (destination->exit)
        queue_exit_open(queue, destination->exit);
}

static void apply_one(struct acting *acting, struct queue_recipient *recipient,
                      const struct spool_status *status)
{
    struct queue *queue = acting->queue;
    if (is_final(acting->action)) {
        queue->bounced += status->state == SPOOL_BOUNCED;
        queue_recipient_end(queue, recipient);
        return;
    }
    recipient->due_s = (uint32_t)status->due_s;
    recipient->reason = status->reason;
    queue_recipient_set_state(queue, recipient, status->held ? RECIPIENT_HELD : RECIPIENT_WAITING);
    if (acting->action == QUEUE_HOLD || acting->action == QUEUE_RELEASE) {
        queue_words_drop(&queue->words, recipient->words);
        recipient->words = 0;
    }
    if (acting->action != QUEUE_HOLD)
        reroute(queue, recipient);
}

/* Each recipient for itself: those that are ready find together in their lane. Returns whether the
 * message is at its end. */
static bool apply_claim(struct acting *acting, struct claim *claim, struct queue_orders *orders)
{
    struct queue *queue = acting->queue;
    struct queue_time now = queue_now(queue);
    for (size_t i = 0; i < claim->count; i++) {
        struct queue_recipient *recipient = claimed(claim, i);
        apply_one(acting, recipient, &claim->changes[i].status);
        if (recipient->state == RECIPIENT_WAITING)
            queue_bundle_put(queue, recipient, now, orders);
    }
    bool ended = claim->message->open == 0;
    if (ended)
        queue_message_forget(queue, claim->message);
    return ended;
}

/* The statuses could not be written: as if nothing had been asked. */
static void unclaim(struct acting *acting, struct claim *claim, struct queue_orders *orders)
{
    struct queue *queue = acting->queue;
    for (size_t i = 0; i < claim->count; i++)
        queue_recipient_set_state(queue, claimed(claim, i),
                                  claim->was_held[i] ? RECIPIENT_HELD : RECIPIENT_WAITING);
    queue_message_unbundle(queue, claim->message);
    if (!queue_suspects_keep_back(queue, claim->message))
        queue_message_put_all(queue, claim->message, queue_now(queue), orders);
}

/* ---- without the lock ---- */

static struct str text_of(const struct acting *acting, const struct claim *claim, char *out)
{
    struct str list = {out, 0};
    int len = snprintf(out, TEXT_BYTES, "by %.*s:", STR_FMT(str_first(acting->who, 200)));
    list.len = (size_t)len;
    for (size_t i = 0; i < claim->count; i++) {
        struct str address = queue_recipient_address(claimed(claim, i));
        if (list.len + address.len + sizeof " and others" >= TEXT_BYTES) {
            list.len += (size_t)sprintf(out + list.len, " and others");
            break;
        }
        list.len += (size_t)sprintf(out + list.len, " %.*s", STR_FMT(address));
    }
    return list;
}

static void claim_free(struct claim *claim)
{
    mem_free(claim->changes);
    mem_free(claim->was_held);
    *claim = (struct claim){0};
}

static MAY_YIELD void find_claim(struct acting *acting, struct claim *claim)
{
    struct queue *queue = acting->queue;
    bool found = false;
    *claim = (struct claim){0};
    while (!found && !acting->at_end) {
        struct queue_orders orders;
        queue_orders_init(&orders);
        pthread_mutex_lock(&queue->lock);
        found = claim_next(acting, claim, &orders);
        pthread_mutex_unlock(&queue->lock);
        queue_orders_carry_out(queue, &orders);
        if (!found)
            fiber_yield();
    }
}

static void finish_claim(struct acting *acting, struct claim *claim, enum err err)
{
    struct queue *queue = acting->queue;
    char text[TEXT_BYTES];
    struct str told = text_of(acting, claim, text);
    bool ended = false;
    struct queue_orders orders;
    queue_orders_init(&orders);
    pthread_mutex_lock(&queue->lock);
    if (err)
        unclaim(acting, claim, &orders);
    else
        ended = apply_claim(acting, claim, &orders);
    pthread_mutex_unlock(&queue->lock);
    queue_orders_carry_out(queue, &orders);
    if (!err) {
        acting->changed += claim->count;
        queue_tell(queue, claim->id, kinds[acting->action], told);
    }
    if (ended)
        queue_message_ended(queue, claim->id, claim->place, claim->done);
    claim_free(claim);
}

/* As if all of it had been refused. */
static MAY_YIELD enum err report_claim(struct queue *queue, const struct claim *claim)
{
    uint32_t *recipients = mem_alloc(claim->count * sizeof *recipients);
    struct queue_outcome *outcomes = mem_alloc(claim->count * sizeof *outcomes);
    for (size_t i = 0; i < claim->count; i++) {
        recipients[i] = claim->changes[i].recipient;
        outcomes[i] = (struct queue_outcome){
            .kind = QUEUE_FAILED,
            .reason = SPOOL_REASON_ADMIN,
            .words = STR(BOUNCED_WORDS),
            .status = claim->changes[i].status,
        };
    }
    struct queue_job job = {
        .id = claim->id,
        .place = claim->place,
        .size_bytes = claim->message->size_bytes,
        .arrived_s = claim->message->arrived_s,
        .recipients = recipients,
        .recipient_count = claim->count,
        .no_attempt = true,
    };
    enum err err = queue->report(queue->report_context, &job, outcomes);
    mem_free(recipients);
    mem_free(outcomes);
    return err;
}

/* The last one waits until it is durable, and all before it with it. What has been reported is not
 * given up again. */
static MAY_YIELD enum err record(const struct acting *acting, const struct claim *claim,
                                 bool is_last)
{
    struct queue *queue = acting->queue;
    bool reports = acting->action == QUEUE_BOUNCE && queue->report;
    enum err err = reports ? report_claim(queue, claim) : OK;
    if (err)
        return err;
    do
        err = (is_last ? spool_status_commit : spool_status_write)(
            queue->spool, claim->id, claim->place, claim->changes, claim->count, claim->done);
    while (err && reports && fiber_sleep_until(loop_now_ms() + WRITE_PAUSE_MS) == OK);
    return err;
}

enum err queue_act(struct queue *queue, enum queue_action action, const struct queue_filter *filter,
                   struct str who, uint64_t *out_changed, uint64_t *out_busy)
{
    struct acting acting = {.queue = queue, .action = action, .filter = filter, .who = who};
    if (filter->by_id)
        acting.next_id = filter->id;
    struct claim claim, next = {0};
    enum err err = OK;
    find_claim(&acting, &claim);
    for (unsigned turn = 1; claim.message && !err; turn++) {
        find_claim(&acting, &next);
        err = record(&acting, &claim, next.message == NULL);
        finish_claim(&acting, &claim, err);
        claim = next;
        if (turn % MESSAGES_PER_TURN == 0)
            fiber_yield();
    }
    if (err) {
        if (claim.message)
            finish_claim(&acting, &claim, err);
        return err;
    }
    *out_changed = acting.changed;
    *out_busy = acting.busy;
    return OK;
}
