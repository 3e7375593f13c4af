/* The queue from within: what its parts share. One lock guards all of it but what is marked; the
 * functions of the other headers here expect it held unless they say otherwise. */
#ifndef QUEUE_INTERNAL_H
#define QUEUE_INTERNAL_H

#include "base/map.h"
#include "fiber/loop.h"
#include "queue/in_flight.h"
#include "queue/message.h"
#include "queue/queue.h"
#include "queue/words.h"

#include <pthread.h>

struct queue_destination;
struct queue_exit;

/* Both clocks, read once for one piece of work. */
struct queue_time {
    uint64_t ms; /* monotonic */
    int64_t s;   /* wall */
};

/* See suspects.h. */
struct queue_suspects {
    struct queue_suspect {
        spool_id id;
        bool is_released;
    } * at;
    size_t count;
    size_t released;
};

struct queue {
    /* Never change after queue_begin; read without the lock. */
    struct clock *clock;
    struct spool *spool;
    struct trace *trace;
    const struct route_table *routes;
    struct queue_schedule schedule;
    uint32_t window_max;
    uint32_t slots_max;
    void (*start)(void *context, struct queue_slot *slot);
    void *start_context;
    enum err (*report)(void *context, const struct queue_job *job,
                       const struct queue_outcome *outcomes);
    void *report_context;
    struct in_flight *in_flight; /* may be NULL */

    pthread_mutex_t lock;
    bool running; /* recovery is over */
    bool draining;
    uint64_t begun_ms;
    struct random random;
    uint64_t lane_seed;

    struct tree_node *messages; /* by id */
    struct map destinations;    /* by key */
    struct map exits;           /* of sets of hosts, by key */
    struct heap due;            /* leaders of WAITING bundles, by monotonic ms */
    struct heap blocked;        /* exits, by monotonic ms */
    struct queue_words words;
    struct queue_suspects suspects;
    spool_id culprit;    /* crashed the engine: to be held at queue_begin; 0: none */
    struct queue_ended { /* announced with nothing left to do: their end was not recorded */
        spool_id id;
        struct spool_place place;
    } * found_ended;
    size_t found_ended_count;

    uint32_t slots;
    struct list idle;       /* idle slots of all exits, longest idle first */
    struct list wanting;    /* exits */
    struct list ended;      /* slots that a task on its way still points to */
    uint32_t *free_flights; /* entries of in_flight that no slot has */
    uint32_t free_flight_count;

    struct fiber *timer_fiber; /* NULL: none runs */
    struct loop *timer_loop;
    struct loop_task timer_task;
    bool timer_posted;
    uint64_t timer_deadline_ms;

    uint64_t message_count;
    uint64_t message_bytes;
    uint64_t destination_bytes; /* of exits, too */
    uint64_t recipients[RECIPIENT_STATES];
    uint64_t ready_blocked; /* of the READY ones, behind blocked exits */
    uint64_t delivered, deferred, bounced;
};

/* Slots to be started once the lock is released. */
struct queue_orders {
    struct list start;
};

struct queue_time queue_now(const struct queue *queue);
/* Whether senders are told of delays, and of one so long. Without the lock. */
bool queue_wants_warning(const struct queue *queue, int64_t arrived_s, int64_t now_s);
void queue_orders_init(struct queue_orders *orders);
/* Without the lock. */
void queue_orders_carry_out(struct queue *queue, struct queue_orders *orders);

/* ---- recipients: counted by state ---- */
void queue_recipient_set_state(struct queue *queue, struct queue_recipient *recipient,
                               enum queue_recipient_state state);
/* Hangs a bundle in no list where it belongs by its `due_s`: the heap or its lane; all its members
 * are then WAITING or READY. The leader is marked as such. */
void queue_bundle_put(struct queue *queue, struct queue_recipient *leader, struct queue_time now,
                      struct queue_orders *orders);
/* Takes all bundles of the message out of lanes and heap and dissolves them. Recipients that were
 * READY are WAITING. */
void queue_message_unbundle(struct queue *queue, struct queue_message *message);
/* Every recipient WAITING in no list becomes a bundle of its own and is hung where it belongs. */
void queue_message_put_all(struct queue *queue, struct queue_message *message,
                           struct queue_time now, struct queue_orders *orders);
/* A recipient that has its final outcome; its destination may be gone afterwards. */
void queue_recipient_end(struct queue *queue, struct queue_recipient *recipient);
/* Takes the message, with no recipient left, out of the table and frees it. */
void queue_message_forget(struct queue *queue, struct queue_message *message);

/* Without the lock, once it is forgotten: tells the trace, and the spool if that was not told with
 * the last outcome (several slots ended the last recipients at the same time, and none of them
 * knew). */
void queue_message_ended(struct queue *queue, spool_id id, struct spool_place place,
                         bool is_recorded);

/* ---- timers ---- */
/* Something is due at `ms`: wakes the fiber of queue_run_timers if it sleeps longer. */
void queue_timer_notice(struct queue *queue, uint64_t ms);

/* ---- the trace; with or without the lock ---- */
void queue_tell(struct queue *queue, spool_id id, enum trace_kind kind, struct str text);

#endif
