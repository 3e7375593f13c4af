#include "queue/queue.h"

#include "base/log.h"
#include "base/mem.h"
#include "queue/destination.h"
#include "queue/schedule.h"
#include "queue/slot.h"
#include "queue/suspects.h"

#define WINDOW_DEFAULT 20
#define SLOTS_DEFAULT  500

struct queue_time queue_now(const struct queue *queue)
{
    return (struct queue_time){
        .ms = clock_now_ms(queue->clock),
        .s = clock_wall_us(queue->clock) / 1000000,
    };
}

bool queue_wants_warning(const struct queue *queue, int64_t arrived_s, int64_t now_s)
{
    return queue->report && queue_schedule_wants_warning(&queue->schedule, arrived_s, now_s);
}

void queue_orders_init(struct queue_orders *orders) { list_init(&orders->start); }

void queue_orders_carry_out(struct queue *queue, struct queue_orders *orders)
{
    struct list *link;
    while ((link = list_pop_front(&orders->start)))
        queue->start(queue->start_context, CONTAINER_OF(link, struct queue_slot, order));
}

void queue_tell(struct queue *queue, spool_id id, enum trace_kind kind, struct str text)
{
    if (!queue->trace)
        return;
    struct trace_event event = {
        .id = id,
        .kind = kind,
        .wall_us = clock_wall_us(queue->clock),
        .text = text,
        .transcript = STR_EMPTY,
    };
    trace_write(queue->trace, &event);
}

/* What is lost when this cannot be written is only that the next start finds it and says it again.
 */
static void record_end(struct queue *queue, spool_id id, struct spool_place place)
{
    enum err err = spool_status_write(queue->spool, id, place, NULL, 0, true);
    if (err)
        log_event(LOG_WARNING, "queue", "%s: cannot record its end: %s", spool_id_print(id).at,
                  err_text(err));
}

void queue_message_ended(struct queue *queue, spool_id id, struct spool_place place,
                         bool is_recorded)
{
    if (!is_recorded)
        record_end(queue, id, place);
    queue_tell(queue, id, TRACE_DONE, STR("nothing is left to do"));
}

/* ---- life ---- */

static void open_in_flight(struct queue *queue, const char *path)
{
    struct in_flight_verdict *verdict = NEW(struct in_flight_verdict);
    enum err err = in_flight_open(path, queue->slots_max, verdict, &queue->in_flight);
    if (err) {
        queue->in_flight = NULL;
        log_event(LOG_WARNING, "queue",
                  "%s: %s: a message that crashes the engine will not be found", path,
                  err_text(err));
    } else {
        queue_suspects_take(queue, verdict);
        queue->culprit = verdict->culprit;
    }
    mem_free(verdict);
}

struct queue *queue_new(const struct queue_options *options)
{
    struct queue *queue = NEW(struct queue);
    queue->clock = options->clock;
    queue->spool = options->spool;
    queue->trace = options->trace;
    queue->routes = options->routes;
    queue->random = options->random;
    queue->lane_seed = random_u64(&queue->random);
    queue->schedule = queue_schedule_complete(options->schedule);
    queue->window_max = options->connections_per_destination ? options->connections_per_destination
                                                             : WINDOW_DEFAULT;
    queue->slots_max = options->slots_max ? options->slots_max : SLOTS_DEFAULT;
    queue->start = options->start;
    queue->start_context = options->start_context;
    queue->report = options->report;
    queue->report_context = options->report_context;
    pthread_mutex_init(&queue->lock, NULL);
    list_init(&queue->idle);
    list_init(&queue->wanting);
    list_init(&queue->ended);
    queue->free_flights = mem_alloc(queue->slots_max * sizeof *queue->free_flights);
    while (queue->free_flight_count < queue->slots_max) {
        queue->free_flights[queue->free_flight_count] = queue->free_flight_count;
        queue->free_flight_count++;
    }
    if (options->in_flight_file)
        open_in_flight(queue, options->in_flight_file);
    return queue;
}

void queue_set_spool(struct queue *queue, struct spool *spool) { queue->spool = spool; }

static void free_messages(struct queue *queue)
{
    while (queue->messages) {
        struct queue_message *message = queue_message_of_node(queue->messages);
        queue_message_unbundle(queue, message);
        for (uint32_t i = 0; i < message->recipient_count; i++)
            if (message->recipients[i].state != RECIPIENT_FINAL)
                queue_recipient_end(queue, &message->recipients[i]);
        queue_message_forget(queue, message);
    }
}

static void free_blocked(struct queue *queue)
{
    struct heap_node *top;
    while ((top = heap_top(&queue->blocked))) {
        struct queue_exit *exit = queue_exit_of_blocked(top);
        queue_exit_open(queue, exit);
        queue_exit_release(queue, exit);
    }
}

void queue_free(struct queue *queue)
{
    assert(queue->slots == 0 && !queue->timer_fiber);
    /* First: from here on nothing can crash because of a message. */
    if (queue->in_flight)
        in_flight_close(queue->in_flight);
    queue->in_flight = NULL;
    queue_suspects_done(queue);
    free_messages(queue);
    free_blocked(queue);
    queue_slot_free_ended(queue);
    heap_done(&queue->due);
    heap_done(&queue->blocked);
    map_done(&queue->destinations);
    map_done(&queue->exits);
    queue_words_done(&queue->words);
    mem_free(queue->found_ended);
    mem_free(queue->free_flights);
    pthread_mutex_destroy(&queue->lock);
    mem_free(queue);
}

/* ---- what the spool tells ---- */

static void put_one(struct queue *queue, struct queue_recipient *recipient, struct queue_time now,
                    struct queue_orders *orders)
{
    queue->recipients[recipient->state]++;
    if (recipient->state == RECIPIENT_FINAL)
        return;
    queue_destination_join(queue_destination_of(queue, queue_recipient_address(recipient)),
                           recipient);
    if (recipient->state == RECIPIENT_WAITING)
        queue_bundle_put(queue, recipient, now, orders);
}

static void put_message(struct queue *queue, struct queue_message *message, struct queue_time now,
                        struct queue_orders *orders)
{
    tree_add(&queue->messages, &message->by_id, queue_message_key);
    queue->message_count++;
    queue->message_bytes += queue_message_memory_bytes(message);
    for (uint32_t i = 0; i < message->recipient_count; i++)
        put_one(queue, &message->recipients[i], now, orders);
}

/* A crash came between the last outcome and the record of the end. */
static void note_ended(struct queue *queue, struct queue_message *message)
{
    size_t bytes = (queue->found_ended_count + 1) * sizeof *queue->found_ended;
    queue->found_ended = mem_grow(queue->found_ended, bytes);
    queue->found_ended[queue->found_ended_count++] =
        (struct queue_ended){message->id, message->place};
    mem_free(message);
}

/* Jitter and doubling never lead further; a due time beyond is of a clock that went wrong. */
static void bound_due(const struct queue *queue, struct queue_message *message, int64_t now_s)
{
    int64_t latest_s = now_s + 2 * (int64_t)queue->schedule.max;
    for (uint32_t i = 0; i < message->recipient_count; i++)
        if (message->recipients[i].due_s > latest_s)
            message->recipients[i].due_s = (uint32_t)latest_s;
}

void queue_announce(void *context, const struct spool_announcement *announcement)
{
    struct queue *queue = context;
    struct queue_message *message = queue_message_new(announcement);
    struct queue_orders orders;
    queue_orders_init(&orders);
    struct queue_time now = queue_now(queue);
    bound_due(queue, message, now.s);

    pthread_mutex_lock(&queue->lock);
    if (message->open)
        put_message(queue, message, now, &orders);
    else
        note_ended(queue, message);
    pthread_mutex_unlock(&queue->lock);
    queue_orders_carry_out(queue, &orders);
}

/* ---- beginning and end ---- */

/* What a new engine found and is to be recorded, once the lock is released. */
struct found {
    spool_id culprit; /* 0: none */
    struct spool_place place;
    struct spool_change *changes;
    size_t change_count;
    struct queue_ended *ended;
    size_t ended_count;
};

static void hold_culprit(struct queue *queue, struct found *found)
{
    struct tree_node *node = tree_find(queue->messages, queue->culprit, queue_message_key);
    if (!queue->culprit || !node)
        return;
    struct queue_message *message = queue_message_of_node(node);
    queue_message_unbundle(queue, message);
    found->culprit = message->id;
    found->place = message->place;
    found->changes = mem_alloc(message->recipient_count * sizeof *found->changes);
    for (uint32_t i = 0; i < message->recipient_count; i++) {
        struct queue_recipient *recipient = &message->recipients[i];
        if (recipient->state != RECIPIENT_WAITING)
            continue;
        queue_recipient_set_state(queue, recipient, RECIPIENT_HELD);
        recipient->reason = SPOOL_REASON_CRASH;
        found->changes[found->change_count++] =
            (struct spool_change){.recipient = i, .status = queue_recipient_status(recipient)};
    }
}

static void record_culprit(struct queue *queue, const struct found *found)
{
    struct spool_id_text id = spool_id_print(found->culprit);
    log_event(LOG_ERROR, "queue", "%s: held: it was being worked on when the engine crashed, twice",
              id.at);
    queue_tell(
        queue, found->culprit, TRACE_HELD,
        STR("it was being worked on when the engine crashed, and again when it was tried alone"));
    enum err err = spool_status_write(queue->spool, found->culprit, found->place, found->changes,
                                      found->change_count, false);
    if (err)
        log_event(LOG_ERROR, "queue", "%s: cannot record that it is held: %s", id.at,
                  err_text(err));
}

static void record_found(struct queue *queue, struct found *found)
{
    if (found->culprit)
        record_culprit(queue, found);
    for (size_t i = 0; i < found->ended_count; i++)
        record_end(queue, found->ended[i].id, found->ended[i].place);
    mem_free(found->changes);
    mem_free(found->ended);
}

void queue_begin(struct queue *queue)
{
    struct found found = {0};
    struct queue_orders orders;
    queue_orders_init(&orders);
    pthread_mutex_lock(&queue->lock);
    assert(!queue->running);
    hold_culprit(queue, &found);
    found.ended = queue->found_ended;
    found.ended_count = queue->found_ended_count;
    queue->found_ended = NULL;
    queue->found_ended_count = 0;
    queue_suspects_begin(queue);
    queue->running = true;
    queue->begun_ms = queue_now(queue).ms;
    queue_slot_begin_offers(queue, &orders);
    queue_timer_notice(queue, 0);
    pthread_mutex_unlock(&queue->lock);
    record_found(queue, &found);
    queue_orders_carry_out(queue, &orders);
}

void queue_drain(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->draining = true;
    queue_slot_wake_idle(queue);
    pthread_mutex_unlock(&queue->lock);
}

/* ---- numbers ---- */

struct queue_statistics queue_statistics(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    const uint64_t *count = queue->recipients;
    struct queue_statistics statistics = {
        .messages = queue->message_count,
        .recipients = count[RECIPIENT_READY] + count[RECIPIENT_ACTIVE] + count[RECIPIENT_WAITING] +
                      count[RECIPIENT_HELD],
        .ready = count[RECIPIENT_READY] - queue->ready_blocked,
        .active = count[RECIPIENT_ACTIVE],
        .waiting = count[RECIPIENT_WAITING] + queue->ready_blocked,
        .held = count[RECIPIENT_HELD],
        .destinations = queue->destinations.count,
        .slots = queue->slots,
        .delivered = queue->delivered,
        .deferred = queue->deferred,
        .bounced = queue->bounced,
        .memory_bytes = queue->message_bytes + queue->destination_bytes +
                        queue->words.memory_bytes +
                        (queue->due.cap + queue->blocked.cap) * sizeof(struct heap_node *) +
                        (queue->destinations.cap + queue->exits.cap) * sizeof(struct map_entry),
    };
    pthread_mutex_unlock(&queue->lock);
    return statistics;
}
