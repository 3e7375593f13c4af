#include "queue/slot.h"

#include "base/mem.h"
#include "queue/destination.h"

#define SETTLED_FOR_MS ((uint64_t)5 * 60 * 1000)

/* ---- waking the fiber of an idle slot ---- */

static void slot_free(struct queue_slot *slot)
{
    mem_free(slot->recipients);
    mem_free(slot->changes);
    mem_free(slot);
}

void queue_slot_free_ended(struct queue *queue)
{
    struct list *link;
    while ((link = list_pop_front(&queue->ended)))
        slot_free(CONTAINER_OF(link, struct queue_slot, order));
}

/* On the slot's loop. The slot may have ended meanwhile; it was kept for this. */
static void wake_arrived(struct loop_task *task)
{
    struct queue_slot *slot = CONTAINER_OF(task, struct queue_slot, task);
    struct queue *queue = slot->queue;
    pthread_mutex_lock(&queue->lock);
    slot->posted = false;
    bool ended = slot->ended;
    bool waiting = slot->waiting;
    if (ended)
        list_remove(&slot->order);
    pthread_mutex_unlock(&queue->lock);
    if (ended)
        slot_free(slot);
    else if (waiting)
        fiber_wake(slot->fiber);
}

/* With the lock held: until it is released the slot, and so its loop, cannot end. */
static void wake(struct queue_slot *slot)
{
    list_remove(&slot->in_exit);
    list_remove(&slot->in_queue);
    slot->woken = true;
    if (slot->posted)
        return;
    slot->posted = true;
    loop_post(slot->loop, &slot->task);
}

void queue_slot_wake_idle(struct queue *queue)
{
    while (!list_is_empty(&queue->idle))
        wake(CONTAINER_OF(queue->idle.next, struct queue_slot, in_queue));
}

/* ---- granting ---- */

void queue_slot_turn_to(struct queue_slot *slot, struct queue_destination *destination)
{
    struct queue_destination *old = slot->destination;
    destination->slots++;
    slot->destination = destination;
    if (!old)
        return;
    old->slots--;
    queue_destination_release(slot->queue, old);
}

static struct queue_slot *slot_new(struct queue *queue, struct queue_exit *exit,
                                   struct queue_destination *destination)
{
    struct queue_slot *slot = NEW(struct queue_slot);
    slot->queue = queue;
    slot->exit = exit;
    slot->task.run = wake_arrived;
    slot->random = random_seeded(random_u64(&queue->random));
    slot->flight = queue->free_flights[--queue->free_flight_count];
    list_init(&slot->order);
    list_init(&slot->in_exit);
    list_init(&slot->in_queue);
    queue_slot_turn_to(slot, destination);
    exit->slots++;
    queue->slots++;
    return slot;
}

/* All places are taken: whoever has idled longest gives up his. */
static void evict_one(struct queue *queue)
{
    if (list_is_empty(&queue->idle))
        return;
    struct queue_slot *slot = CONTAINER_OF(queue->idle.next, struct queue_slot, in_queue);
    slot->evicted = true;
    wake(slot);
}

static bool has_work(const struct queue *queue, const struct queue_exit *exit)
{
    return queue->running && !queue->draining && exit->ready && !exit->is_blocked;
}

/* For when there are places: before queue_begin there are none. */
static void want(struct queue *queue, struct queue_exit *exit)
{
    list_remove(&exit->wanting);
    list_push_back(&queue->wanting, &exit->wanting);
}

void queue_slot_offer(struct queue *queue, struct queue_exit *exit, struct queue_orders *orders)
{
    if (!has_work(queue, exit)) {
        if (!queue->running)
            want(queue, exit);
        return;
    }
    if (!list_is_empty(&exit->idle)) {
        wake(CONTAINER_OF(exit->idle.next, struct queue_slot, in_exit));
        return;
    }
    if (exit->slots >= exit->window)
        return;
    if (queue->slots >= queue->slots_max) {
        want(queue, exit);
        evict_one(queue);
        return;
    }
    list_push_back(&orders->start, &slot_new(queue, exit, queue_exit_front(exit))->order);
}

static void offer_all(struct queue *queue, struct queue_exit *exit, struct queue_orders *orders)
{
    for (uint32_t i = 0; i < exit->window && i < exit->ready; i++)
        queue_slot_offer(queue, exit, orders);
}

void queue_slot_begin_offers(struct queue *queue, struct queue_orders *orders)
{
    struct list waiting;
    list_init(&waiting);
    list_move_all(&waiting, &queue->wanting);
    struct list *link;
    while ((link = list_pop_front(&waiting)))
        offer_all(queue, CONTAINER_OF(link, struct queue_exit, wanting), orders);
}

/* A place became free: exits that want one get it in turn. */
static void offer_to_wanting(struct queue *queue, struct queue_orders *orders)
{
    while (queue->slots < queue->slots_max && !list_is_empty(&queue->wanting)) {
        struct list *link = list_pop_front(&queue->wanting);
        struct queue_exit *exit = CONTAINER_OF(link, struct queue_exit, wanting);
        uint32_t slots = exit->slots;
        queue_slot_offer(queue, exit, orders);
        if (exit->slots > slots && exit->slots < exit->window && exit->ready > exit->slots)
            list_push_back(&queue->wanting, link);
    }
}

/* ---- for who holds one ---- */

const struct route_way *queue_slot_way(const struct queue_slot *slot) { return slot->exit->way; }
struct str queue_slot_name(const struct queue_slot *slot) { return slot->destination->name; }

void queue_slot_begin(struct queue_slot *slot)
{
    slot->fiber = fiber_current();
    slot->loop = fiber_loop(slot->fiber);
}

/* Whoever ends early, or never saw them, leaves work that is nobody's: it is offered again. While
 * the exit is blocked that is what needs no attempt. */
static void offer_what_remains(struct queue *queue, struct queue_exit *exit,
                               struct queue_orders *orders)
{
    if (!exit->is_blocked) {
        queue_slot_offer(queue, exit, orders);
        return;
    }
    bool can_start = queue->running && !queue->draining && queue->slots < queue->slots_max;
    struct queue_recipient *leader =
        can_start && exit->slots == 0 ? queue_exit_next(queue, exit, queue_now(queue).s) : NULL;
    if (leader)
        list_push_back(&orders->start, &slot_new(queue, exit, leader->destination)->order);
}

/* Gives its places back. */
static void leave(struct queue_slot *slot, struct queue_orders *orders)
{
    struct queue *queue = slot->queue;
    struct queue_exit *exit = slot->exit;
    slot->destination->slots--;
    queue_destination_release(queue, slot->destination); /* the exit stays: it has this slot */
    exit->slots--;
    queue->slots--;
    offer_to_wanting(queue, orders);
    offer_what_remains(queue, exit, orders);
    queue_exit_release(queue, exit);
}

void queue_slot_end(struct queue_slot *slot)
{
    assert(!slot->message);
    struct queue *queue = slot->queue;
    struct queue_orders orders;
    queue_orders_init(&orders);
    pthread_mutex_lock(&queue->lock);
    list_remove(&slot->in_exit);
    list_remove(&slot->in_queue);
    queue->free_flights[queue->free_flight_count++] = slot->flight;
    slot->ended = true;
    bool posted = slot->posted;
    if (posted)
        list_push_back(&queue->ended, &slot->order);
    leave(slot, &orders);
    pthread_mutex_unlock(&queue->lock);
    if (!posted)
        slot_free(slot);
    queue_orders_carry_out(queue, &orders);
}

/* ---- where the job's domain leads ---- */

/* A connection that idles is better than a new one. */
static bool has_place(const struct queue_exit *exit)
{
    return !exit->is_blocked && exit->slots < exit->window && list_is_empty(&exit->idle);
}

static bool follow(struct queue_slot *slot, struct queue_exit *exit, struct queue_orders *orders)
{
    struct queue *queue = slot->queue;
    struct queue_exit *old = slot->exit;
    if (old == exit)
        return true;
    if (!has_place(exit))
        return false;
    exit->slots++;
    slot->exit = exit;
    old->slots--;
    offer_what_remains(queue, old, orders);
    queue_exit_release(queue, old);
    return true;
}

bool queue_slot_settle(struct queue_slot *slot, struct str set)
{
    assert(slot->message);
    struct queue *queue = slot->queue;
    struct queue_destination *destination = slot->destination;
    struct queue_orders orders;
    queue_orders_init(&orders);
    pthread_mutex_lock(&queue->lock);
    struct queue_exit *exit = queue_exit_of(queue, destination, set);
    queue_destination_move(queue, destination, exit);
    destination->settled_until_ms = set.len ? clock_now_ms(queue->clock) + SETTLED_FOR_MS : 0;
    bool has_followed = follow(slot, exit, &orders);
    queue_slot_offer(queue, exit, &orders);
    pthread_mutex_unlock(&queue->lock);
    queue_orders_carry_out(queue, &orders);
    return has_followed;
}

/* ---- waiting with a kept connection ---- */

/* Returns true when there is no need to wait, with what to answer. */
static bool begin_waiting(struct queue_slot *slot, enum err *out_err)
{
    struct queue *queue = slot->queue;
    slot->woken = slot->evicted = false;
    if (queue->draining || has_work(queue, slot->exit)) {
        *out_err = queue->draining ? ERR_STOPPING : OK;
        return true;
    }
    slot->waiting = true;
    list_push_back(&slot->exit->idle, &slot->in_exit);
    list_push_back(&queue->idle, &slot->in_queue);
    /* Others wait for a place while this one has nothing to do with his. */
    if (!list_is_empty(&queue->wanting))
        evict_one(queue);
    return false;
}

static enum err end_waiting(struct queue_slot *slot, enum err err)
{
    slot->waiting = false;
    list_remove(&slot->in_exit);
    list_remove(&slot->in_queue);
    if (err == ERR_CANCELLED)
        return err;
    if (slot->queue->draining)
        return ERR_STOPPING;
    if (slot->evicted)
        return ERR_TIMEOUT;
    return slot->woken ? OK : err;
}

enum err queue_slot_wait(struct queue_slot *slot, uint64_t deadline_ms)
{
    struct queue *queue = slot->queue;
    enum err err = OK;
    pthread_mutex_lock(&queue->lock);
    bool at_once = begin_waiting(slot, &err);
    while (!at_once && !slot->woken && !err) {
        pthread_mutex_unlock(&queue->lock);
        err = fiber_park_at_boundary(deadline_ms);
        pthread_mutex_lock(&queue->lock);
    }
    if (!at_once)
        err = end_waiting(slot, err);
    pthread_mutex_unlock(&queue->lock);
    return err;
}
