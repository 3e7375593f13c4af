/* One queued message in memory: a record of its own, one for each recipient, and the addresses, in
 * a single allocation. Small is the point: see README.md for the account of its bytes.
 *
 *     READY ──take──▶ ACTIVE ──finish──▶ FINAL      READY: in a lane of its destination
 *       ▲               │                           WAITING: in the queue's heap of due times,
 *       │               ├──▶ WAITING                   or kept back (suspects.h)
 *       └──── due ──────┘──▶ HELD                   HELD: until somebody says otherwise
 *
 * Recipients of one message that go to one destination and are due together form a *bundle*: a
 * chain by index whose first member, the leader, stands in the lane or the heap for all of them.
 *
 * All of it is guarded by the queue's lock, except that what never changes (id, place, size,
 * arrival) may be read by who holds an active recipient, and that recipient too. */
#ifndef QUEUE_MESSAGE_H
#define QUEUE_MESSAGE_H

#include "base/heap.h"
#include "queue/tree.h"
#include "spool/spool.h"

#define QUEUE_RECIPIENTS_MAX ((uint32_t)(1 << 24) - 1)

enum queue_recipient_state {
    RECIPIENT_READY,
    RECIPIENT_ACTIVE,
    RECIPIENT_WAITING,
    RECIPIENT_HELD,
    RECIPIENT_FINAL,
    RECIPIENT_STATES,
};

struct queue_destination;

struct queue_recipient {
    union {
        struct heap_node due;              /* WAITING */
        struct tree_node ready;            /* READY */
    } at;                                  /* of a leader */
    struct queue_destination *destination; /* NULL when FINAL */
    uint32_t words;
    uint32_t due_s; /* wall seconds; 0: at once */
    uint32_t address_at : 24;
    uint32_t address_len : 8;
    uint32_t index; /* in the message */
    uint32_t next;  /* in the bundle: index + 1; 0: the last */
    uint16_t attempts;
    uint8_t state : 3; /* enum queue_recipient_state */
    uint8_t warned : 1;
    uint8_t is_leader : 1;
    uint8_t is_suspect : 1;
    uint8_t reason; /* enum spool_reason */
};

struct queue_message {
    struct tree_node by_id;
    spool_id id;
    struct spool_place place;
    uint64_t size_bytes : 40;
    uint64_t recipient_count : 24;
    uint32_t arrived_s;
    uint32_t open : 24; /* recipients that are not FINAL */
    uint32_t sender_len : 8;
    struct queue_recipient recipients[];
    /* then the text: the sender, the recipients */
};

/* A message as announced; no recipient is in a list yet. Those with a final status are FINAL, held
 * ones HELD, the others WAITING. Free it with mem_free. */
struct queue_message *queue_message_new(const struct spool_announcement *announcement);
uint64_t queue_message_memory_bytes(const struct queue_message *message);

struct str queue_message_sender(const struct queue_message *message);
struct str queue_recipient_address(const struct queue_recipient *recipient);
struct queue_message *queue_recipient_message(const struct queue_recipient *recipient);
/* The next of its bundle, or NULL. */
struct queue_recipient *queue_recipient_next(struct queue_recipient *recipient);
/* What the spool would say of it. */
struct spool_status queue_recipient_status(const struct queue_recipient *recipient);

/* ---- trees ---- */
tree_key queue_message_key;   /* of by_id */
tree_key queue_recipient_key; /* of at.ready: the id of its message */

static inline struct queue_message *queue_message_of_node(struct tree_node *node)
{
    return node ? CONTAINER_OF(node, struct queue_message, by_id) : NULL;
}
static inline struct queue_recipient *queue_recipient_of_node(struct tree_node *node)
{
    return node ? CONTAINER_OF(node, struct queue_recipient, at.ready) : NULL;
}

/* The part behind the last "@", or empty. */
struct str queue_domain_of(struct str address);

#endif
