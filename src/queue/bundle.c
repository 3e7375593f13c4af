/* Recipients and bundles between lanes and heap: see message.h. */
#include "queue/destination.h"
#include "queue/slot.h"
#include "queue/suspects.h"

#include "base/mem.h"

void queue_recipient_set_state(struct queue *queue, struct queue_recipient *recipient,
                               enum queue_recipient_state state)
{
    queue->recipients[recipient->state]--;
    recipient->state = state & 7u;
    queue->recipients[state]++;
}

static void set_states(struct queue *queue, struct queue_recipient *leader,
                       enum queue_recipient_state state)
{
    for (struct queue_recipient *member = leader; member; member = queue_recipient_next(member))
        queue_recipient_set_state(queue, member, state);
}

static void put_waiting(struct queue *queue, struct queue_recipient *leader, struct queue_time now)
{
    uint64_t due_ms = now.ms + (uint64_t)(leader->due_s - now.s) * 1000;
    set_states(queue, leader, RECIPIENT_WAITING);
    leader->at.due = (struct heap_node){0}; /* it may have been in a lane before */
    heap_set(&queue->due, &leader->at.due, due_ms);
    queue_timer_notice(queue, due_ms);
}

void queue_bundle_put(struct queue *queue, struct queue_recipient *leader, struct queue_time now,
                      struct queue_orders *orders)
{
    leader->is_leader = true;
    if (leader->due_s > now.s) {
        put_waiting(queue, leader, now);
        return;
    }
    set_states(queue, leader, RECIPIENT_READY);
    if (queue_destination_add_ready(queue, leader))
        queue_slot_offer(queue, leader->destination->exit, orders);
}

/* Leaves the members in no list, each for itself. */
static void dissolve(struct queue *queue, struct queue_recipient *leader)
{
    if (leader->state == RECIPIENT_READY)
        queue_destination_remove_ready(queue, leader);
    else
        heap_remove(&queue->due, &leader->at.due);
    for (struct queue_recipient *member = leader, *next; member; member = next) {
        next = queue_recipient_next(member);
        member->next = 0;
        member->is_leader = false;
        queue_recipient_set_state(queue, member, RECIPIENT_WAITING);
    }
}

void queue_message_unbundle(struct queue *queue, struct queue_message *message)
{
    for (uint32_t i = 0; i < message->recipient_count; i++)
        if (message->recipients[i].is_leader)
            dissolve(queue, &message->recipients[i]);
}

void queue_message_put_all(struct queue *queue, struct queue_message *message,
                           struct queue_time now, struct queue_orders *orders)
{
    for (uint32_t i = 0; i < message->recipient_count; i++)
        if (message->recipients[i].state == RECIPIENT_WAITING)
            queue_bundle_put(queue, &message->recipients[i], now, orders);
}

void queue_recipient_end(struct queue *queue, struct queue_recipient *recipient)
{
    queue_words_drop(&queue->words, recipient->words);
    recipient->words = 0;
    queue_recipient_set_state(queue, recipient, RECIPIENT_FINAL);
    queue_recipient_message(recipient)->open--;
    queue_destination_leave(queue, recipient);
}

void queue_message_forget(struct queue *queue, struct queue_message *message)
{
    assert(message->open == 0);
    if (message->recipient_count && message->recipients[0].is_suspect)
        queue_suspects_forgive(queue, message);
    tree_remove(&queue->messages, &message->by_id, queue_message_key);
    queue->recipients[RECIPIENT_FINAL] -= message->recipient_count;
    queue->message_count--;
    queue->message_bytes -= queue_message_memory_bytes(message);
    mem_free(message);
}
