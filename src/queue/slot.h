/* Slots: the right to hold one connection to the hosts of one exit, and to work for its
 * destinations in turn. Granted when there is work, a place in the exit's window and one among all;
 * kept while idle by a fiber that waits for work. */
#ifndef QUEUE_SLOT_H
#define QUEUE_SLOT_H

#include "queue/exit.h"

struct queue_slot {
    struct queue *queue;
    struct queue_exit *exit;
    struct queue_destination *destination; /* of the job, of the last one, of who needed the slot */
    struct list order;                     /* link: of queue_orders.start, of queue.ended */
    struct list in_exit;                   /* link: idle */
    struct list in_queue;                  /* link: idle */
    struct loop *loop;
    struct fiber *fiber;
    struct loop_task task; /* wakes the fiber */
    bool posted;           /* the task is on its way */
    bool ended;
    bool waiting;         /* the fiber is within queue_slot_wait */
    bool woken;           /* there may be a job */
    bool evicted;         /* somebody else needs the place */
    uint32_t flight;      /* its entry in the in-flight file */
    struct random random; /* of the fiber alone */

    /* The job; its message is NULL while there is none. */
    struct queue_message *message;
    struct queue_job job;
    uint32_t *recipients; /* indices */
    struct spool_change *changes;
    uint32_t capacity; /* of both */
    bool is_last;      /* no other recipient of the message is left to anybody else */
    bool is_suspect;
    char words[QUEUE_WORDS_BYTES_MAX];
};

/* Work has become ready: wakes an idle slot or grants one, if limits allow. One call, one slot. */
void queue_slot_offer(struct queue *queue, struct queue_exit *exit, struct queue_orders *orders);
/* The slot works for that destination from now on, and keeps it. */
void queue_slot_turn_to(struct queue_slot *slot, struct queue_destination *destination);
/* Recovery is over: offers to all exits that got work before. */
void queue_slot_begin_offers(struct queue *queue, struct queue_orders *orders);
/* Tells all idle slots to look again. */
void queue_slot_wake_idle(struct queue *queue);
/* Ended slots whose loop is gone as well. */
void queue_slot_free_ended(struct queue *queue);

#endif
