#include "queue/suspects.h"

#include "base/mem.h"

#include <string.h>

/* A new engine first shows that it lives: kills that follow one another within this time find no
 * suspect in flight. */
#define QUIET_MS 10000
/* So often the number that may be released at the same time doubles: suspects behind a slow
 * destination do not keep the others back for long. */
#define DOUBLING_MS   60000
#define DOUBLINGS_MAX 10

void queue_suspects_take(struct queue *queue, const struct in_flight_verdict *verdict)
{
    struct queue_suspects *suspects = &queue->suspects;
    suspects->at = mem_zalloc(verdict->suspect_count * sizeof *suspects->at);
    suspects->count = verdict->suspect_count;
    for (size_t i = 0; i < verdict->suspect_count; i++)
        suspects->at[i].id = verdict->suspects[i];
}

void queue_suspects_done(struct queue *queue)
{
    mem_free(queue->suspects.at);
    queue->suspects = (struct queue_suspects){0};
}

static struct queue_message *message_of(struct queue *queue, spool_id id)
{
    return queue_message_of_node(tree_find(queue->messages, id, queue_message_key));
}

static void mark(struct queue_message *message, bool is_suspect)
{
    for (uint32_t i = 0; i < message->recipient_count; i++)
        message->recipients[i].is_suspect = is_suspect;
}

static void remove_at(struct queue *queue, size_t i)
{
    struct queue_suspects *suspects = &queue->suspects;
    if (suspects->at[i].is_released)
        suspects->released--;
    in_flight_forgive(queue->in_flight, suspects->at[i].id);
    suspects->count--;
    memmove(&suspects->at[i], &suspects->at[i + 1], (suspects->count - i) * sizeof *suspects->at);
}

void queue_suspects_begin(struct queue *queue)
{
    for (size_t i = queue->suspects.count; i-- > 0;) {
        struct queue_message *message = message_of(queue, queue->suspects.at[i].id);
        if (!message) {
            remove_at(queue, i);
            continue;
        }
        queue_message_unbundle(queue, message);
        mark(message, true);
        queue_tell(queue, message->id, TRACE_FOUND,
                   STR("the engine ended without warning while this was being worked on; it will "
                       "be tried alone"));
    }
}

static size_t allowed(const struct queue *queue, uint64_t now_ms)
{
    uint64_t age_ms = now_ms - queue->begun_ms;
    if (age_ms < QUIET_MS)
        return 0;
    uint64_t doublings = (age_ms - QUIET_MS) / DOUBLING_MS;
    return (size_t)1 << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
}

static uint64_t next_change_ms(const struct queue *queue, uint64_t now_ms)
{
    uint64_t quiet_until_ms = queue->begun_ms + QUIET_MS;
    if (now_ms < quiet_until_ms)
        return quiet_until_ms;
    return quiet_until_ms + ((now_ms - quiet_until_ms) / DOUBLING_MS + 1) * DOUBLING_MS;
}

uint64_t queue_suspects_release(struct queue *queue, struct queue_time now,
                                struct queue_orders *orders)
{
    struct queue_suspects *suspects = &queue->suspects;
    size_t may = allowed(queue, now.ms);
    for (size_t i = 0; i < suspects->count && suspects->released < may; i++) {
        if (suspects->at[i].is_released)
            continue;
        struct queue_message *message = message_of(queue, suspects->at[i].id);
        assert(message); /* whoever ends a message forgives it */
        suspects->at[i].is_released = true;
        suspects->released++;
        queue_message_unbundle(queue, message);
        queue_message_put_all(queue, message, now, orders);
    }
    return suspects->released < suspects->count ? next_change_ms(queue, now.ms) : DEADLINE_NEVER;
}

bool queue_suspects_keep_back(const struct queue *queue, const struct queue_message *message)
{
    for (size_t i = 0; i < queue->suspects.count; i++)
        if (queue->suspects.at[i].id == message->id)
            return !queue->suspects.at[i].is_released;
    return false;
}

void queue_suspects_forgive(struct queue *queue, struct queue_message *message)
{
    for (size_t i = 0; i < queue->suspects.count; i++) {
        if (queue->suspects.at[i].id != message->id)
            continue;
        bool was_released = queue->suspects.at[i].is_released;
        remove_at(queue, i);
        mark(message, false);
        if (was_released && queue->suspects.released < queue->suspects.count)
            queue_timer_notice(queue, 0);
        return;
    }
}
