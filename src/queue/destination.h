/* Where recipients go: a way, for ways by MX with one domain. It has their ready list; slots,
 * connections and pauses are those of the exit by which it leaves (exit.h). Exists while a
 * recipient is queued for it, a slot works on it or did so last, or its own exit is blocked. Has an
 * exit while anything is ready, a slot works on it or did so last, or the exit fails.
 *
 * The ready list has a lane for each of some classes of senders, chosen by a hash of the sender;
 * lanes take turns, so that a big sender delays few others. In a lane the oldest message comes
 * first, which is also the first that expires.
 *
 * All functions are called with the queue's lock held. */
#ifndef QUEUE_DESTINATION_H
#define QUEUE_DESTINATION_H

#include "queue/exit.h"

struct queue_lane {
    struct tree_node *leaders; /* by message */
    struct list turn;          /* link: of exit->turns, unless it is empty */
};

struct queue_destination {
    const struct route_way *way;
    struct str key;            /* in the memory behind this: the domain, then what the way says */
    struct str name;           /* for people */
    struct str domain;         /* empty but for ways by MX */
    struct queue_exit *exit;   /* NULL: none is needed */
    uint64_t settled_until_ms; /* until then its hosts are believed to be the exit's */
    uint32_t recipients;       /* not final */
    uint32_t ready;            /* of these, in the lanes */
    uint32_t slots;            /* that work on it, or did so last */
    struct queue_lane lanes[QUEUE_LANES];
};

/* That of an address, by the present routes; made if need be. */
struct queue_destination *queue_destination_of(struct queue *queue, struct str address);
/* Leaves the exit, and frees the destination itself, when nothing needs them any more. */
void queue_destination_release(struct queue *queue, struct queue_destination *destination);
/* A message's recipient joins, leaves. Leaving may free the destination. */
void queue_destination_join(struct queue_destination *destination,
                            struct queue_recipient *recipient);
void queue_destination_leave(struct queue *queue, struct queue_recipient *recipient);
/* Leaves by another exit than until now, which may be freed, unless a slot has it. */
void queue_destination_move(struct queue *queue, struct queue_destination *destination,
                            struct queue_exit *exit);

/* Puts a bundle into its lane, or joins it to that of the same message there: then false. */
bool queue_destination_add_ready(struct queue *queue, struct queue_recipient *leader);
void queue_destination_remove_ready(struct queue *queue, struct queue_recipient *leader);

/* The first leader in the lane that needs an answer now although nothing can be delivered: its time
 * is over, or its sender is to be warned; NULL. Looks at most at `*looks`, and takes off how many
 * it looked at. */
struct queue_recipient *queue_lane_overdue(const struct queue *queue, const struct queue_lane *lane,
                                           int64_t now_s, unsigned *looks);

/* By its lane of that number. */
static inline struct queue_destination *queue_destination_of_lane(struct queue_lane *lane,
                                                                  unsigned number)
{
    return CONTAINER_OF((uintptr_t)(lane - number), struct queue_destination, lanes);
}

#endif
