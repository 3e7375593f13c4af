/* What happens because time passes: recipients become due, blocked destinations are tried again,
 * suspects get their turn. */
#include "queue/slot.h"
#include "queue/suspects.h"

#define AT_ONCE 256 /* so much is done before others get the lock */

void queue_timer_notice(struct queue *queue, uint64_t ms)
{
    if (!queue->timer_fiber || queue->timer_posted || ms >= queue->timer_deadline_ms)
        return;
    queue->timer_posted = true;
    loop_post(queue->timer_loop, &queue->timer_task);
}

static void notice_arrived(struct loop_task *task)
{
    struct queue *queue = CONTAINER_OF(task, struct queue, timer_task);
    pthread_mutex_lock(&queue->lock);
    queue->timer_posted = false;
    struct fiber *fiber = queue->timer_fiber;
    pthread_mutex_unlock(&queue->lock);
    if (fiber)
        fiber_wake(fiber); /* it belongs to this loop, and ends only here */
}

static void make_due(struct queue *queue, struct heap_node *node, struct queue_time now,
                     struct queue_orders *orders)
{
    struct queue_recipient *leader = CONTAINER_OF(node, struct queue_recipient, at.due);
    heap_remove(&queue->due, node);
    /* Both clocks do not run alike: what the heap calls due is due. */
    if (leader->due_s > now.s)
        leader->due_s = (uint32_t)now.s;
    queue_bundle_put(queue, leader, now, orders);
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Returns when to come again: `now` when there is more to do at once. */
static uint64_t run_due(struct queue *queue, struct queue_time now, struct queue_orders *orders)
{
    struct heap_node *top;
    for (unsigned i = 0; (top = heap_top(&queue->blocked)) && top->key <= now.ms; i++) {
        if (i == AT_ONCE)
            return now.ms;
        queue_exit_pause_ends(queue, queue_exit_of_blocked(top), now.ms, orders);
    }
    for (unsigned i = 0; (top = heap_top(&queue->due)) && top->key <= now.ms; i++) {
        if (i == AT_ONCE)
            return now.ms;
        make_due(queue, top, now, orders);
    }
    uint64_t next_ms = queue_suspects_release(queue, now, orders);
    if ((top = heap_top(&queue->blocked)))
        next_ms = earlier(next_ms, top->key);
    if ((top = heap_top(&queue->due)))
        next_ms = earlier(next_ms, top->key);
    return next_ms;
}

void queue_run_timers(struct queue *queue)
{
    enum err err = OK;
    pthread_mutex_lock(&queue->lock);
    assert(!queue->timer_fiber);
    queue->timer_fiber = fiber_current();
    queue->timer_loop = loop_current();
    queue->timer_task.run = notice_arrived;
    while (!err || err == ERR_TIMEOUT) {
        struct queue_orders orders;
        queue_orders_init(&orders);
        struct queue_time now = queue_now(queue);
        uint64_t deadline_ms = queue->running ? run_due(queue, now, &orders) : DEADLINE_NEVER;
        queue->timer_deadline_ms = deadline_ms;
        pthread_mutex_unlock(&queue->lock);
        queue_orders_carry_out(queue, &orders);
        if (deadline_ms <= now.ms)
            fiber_yield();
        err = fiber_park_at_boundary(deadline_ms);
        pthread_mutex_lock(&queue->lock);
    }
    queue->timer_fiber = NULL;
    pthread_mutex_unlock(&queue->lock);
}
