/* A way out: the hosts that destinations with ready mail leave by. The slots are its, and so are
 * the window, the kept connections, and the reason why it waits. Domains whose MX hosts are the
 * same share one.
 *
 *     OPEN ──connection failed──▶ BLOCKED ──pause is over──▶ OPEN, window 1: one slot probes
 *       ▲                            │
 *       └────────── answered ────────┘
 *
 * A destination begins with an exit of its own. Which hosts a domain has is found out by the slot
 * that is granted for it; it tells the queue (queue_slot_settle), and the domain moves, with all
 * that waits in its lanes and no recipient touched, to the exit of that *set* of hosts. Its own one
 * gets the name of the set if it is the first.
 *
 * Senders' lanes take turns, and within a lane the destinations that have something in it. An exit
 * whose way says "hold" is CLOSED: blocked for ever.
 *
 * All functions are called with the queue's lock held. */
#ifndef QUEUE_EXIT_H
#define QUEUE_EXIT_H

#include "queue/internal.h"

#define QUEUE_LANES 8

struct queue_exit {
    const struct route_way *way;   /* of all its destinations, but for their domains */
    struct queue_destination *own; /* whose own it is; NULL when it is a set's, or left by it */
    char *key;                     /* of the set, NUL-terminated parts; NULL: none */
    uint32_t key_len;
    uint32_t members; /* destinations that leave by it */
    uint32_t ready;   /* recipients in their lanes */
    uint32_t window;  /* slots at the same time */
    uint32_t slots;
    struct list idle;               /* of these, with a kept connection and nothing to do */
    struct list wanting;            /* link: more slots are wanted than the queue has */
    struct list turns[QUEUE_LANES]; /* members with something in that lane */
    struct heap_node blocked_until;
    uint64_t
        ask_again_ms; /* when its destinations had better find out whether they have other hosts */
    uint32_t words;
    uint8_t reason;
    uint8_t failures; /* connections in a row; saturates */
    bool is_blocked;
    uint8_t next_lane;
};

/* One for a new destination alone. */
struct queue_exit *queue_exit_new(struct queue *queue, struct queue_destination *own);
/* That by which the destination is to leave when its hosts are `set`; made if need be. An empty
 * set: they are not known, and it is to have one of its own. */
struct queue_exit *queue_exit_of(struct queue *queue, struct queue_destination *destination,
                                 struct str set);
/* Frees it when nothing needs it any more, with the destination whose own it is. That of a set
 * stays while it is blocked, for further domains of the set. */
void queue_exit_release(struct queue *queue, struct queue_exit *exit);

/* The destination whose turn it is; there is one while anything is ready. */
struct queue_destination *queue_exit_front(const struct queue_exit *exit);
/* The leader whose turn it is, or, while blocked, one that has expired or whose sender is to be
 * warned; NULL. Still in its lane. */
struct queue_recipient *queue_exit_next(struct queue *queue, struct queue_exit *exit,
                                        int64_t now_s);

/* What a slot found. `words` may be empty. */
void queue_exit_answered(struct queue *queue, struct queue_exit *exit, bool delivered);
void queue_exit_failed(struct queue *queue, struct queue_exit *exit, enum spool_reason reason,
                       struct str words);
/* Ends its pause. */
void queue_exit_open(struct queue *queue, struct queue_exit *exit);
/* The time of its pause is over: one slot probes, and it may be freed. But when it has failed for
 * an hour, and so every hour, its destinations are sent out first, one with each call, to find out
 * whether their hosts are others by now; who has not comes back and waits a little longer. */
void queue_exit_pause_ends(struct queue *queue, struct queue_exit *exit, uint64_t now_ms,
                           struct queue_orders *orders);

static inline struct queue_exit *queue_exit_of_blocked(struct heap_node *node)
{
    return CONTAINER_OF(node, struct queue_exit, blocked_until);
}

#endif
