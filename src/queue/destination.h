/* Where recipients go: one way out, for ways by MX one domain. Its ready list, its window, and why
 * it waits. Exists while a recipient is queued for it or a slot works on it.
 *
 *     OPEN ──connection failed──▶ BLOCKED ──pause is over──▶ OPEN, window 1: one slot probes
 *       ▲                            │
 *       └────────── answered ────────┘
 *
 * The ready list has a lane for each of some classes of senders, chosen by a hash of the sender;
 * lanes take turns, so that a big sender delays few others. In a lane the oldest message comes
 * first, which is also the first that expires.
 *
 * A destination whose way says "hold" is CLOSED: blocked for ever.
 *
 * All functions are called with the queue's lock held. */
#ifndef QUEUE_DESTINATION_H
#define QUEUE_DESTINATION_H

#include "queue/internal.h"

#define QUEUE_LANES 8

struct queue_destination {
    const struct route_way *way;
    struct str key;      /* in the memory behind this */
    struct str name;     /* for people */
    struct str domain;   /* empty but for ways by MX */
    uint32_t recipients; /* not final */
    uint32_t ready;      /* of these, in the lanes */
    uint32_t window;     /* slots at the same time */
    uint32_t slots;
    struct list idle;    /* of these, with a kept connection and nothing to do */
    struct list wanting; /* link: more slots are wanted than the queue has */
    struct heap_node blocked_until;
    uint32_t words;
    uint8_t reason;
    uint8_t failures; /* connections in a row; saturates */
    bool is_blocked;
    uint8_t next_lane;
    struct tree_node *lanes[QUEUE_LANES];
};

/* That of an address, by the present routes; made if need be. */
struct queue_destination *queue_destination_of(struct queue *queue, struct str address);
/* Frees it when nothing needs it any more. */
void queue_destination_release(struct queue *queue, struct queue_destination *destination);
/* A message's recipient joins, leaves. Leaving may free the destination. */
void queue_destination_join(struct queue_destination *destination,
                            struct queue_recipient *recipient);
void queue_destination_leave(struct queue *queue, struct queue_recipient *recipient);

/* Puts a bundle into its lane, or joins it to that of the same message there: then false. */
bool queue_destination_add_ready(struct queue *queue, struct queue_recipient *leader);
void queue_destination_remove_ready(struct queue *queue, struct queue_recipient *leader);
/* The leader whose turn it is, or, while blocked, one that has expired or whose sender is to be
 * warned; NULL. Still in its lane. */
struct queue_recipient *
queue_destination_next(struct queue *queue, struct queue_destination *destination, int64_t now_s);

/* What a slot found. `words` may be empty. */
void queue_destination_answered(struct queue *queue, struct queue_destination *destination,
                                bool delivered);
void queue_destination_failed(struct queue *queue, struct queue_destination *destination,
                              enum spool_reason reason, struct str words);
/* Its pause is over. */
void queue_destination_open(struct queue *queue, struct queue_destination *destination);

static inline struct queue_destination *queue_destination_of_blocked(struct heap_node *node)
{
    return CONTAINER_OF(node, struct queue_destination, blocked_until);
}

#endif
