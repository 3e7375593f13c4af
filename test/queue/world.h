/* A queue over a real spool on a disk in memory, with routes, under a virtual clock: the test is a
 * fiber, takes the slots that were granted, and plays what a delivery would do. */
#ifndef TEST_QUEUE_WORLD_H
#define TEST_QUEUE_WORLD_H

#include "fiber/loop.h"
#include "queue/queue.h"
#include "test.h"

#define WORLD_START_S 1700000000
#define WORLD_SLOTS   512

struct world {
    struct clock clock;
    struct disk *disk;
    struct loop *loop;
    struct fiber_group group;
    struct route_table *routes;
    struct spool *spool;
    struct queue *queue;
    struct queue_options options;            /* a test may change them before world_open */
    struct queue_slot *granted[WORLD_SLOTS]; /* not yet taken by the test */
    size_t granted_count;
    size_t announced;           /* since world_open, before queue_begin */
    struct queue_slot *waiting; /* the slot of world_wait */
    enum err wait_result;
    bool wait_ended;
};
extern struct world world;

/* Runs the test's body in a fiber, between world_open and world_close. */
void world_run(void (*body)(void));
/* Without opening: for tests that change options first. */
void world_run_closed(void (*body)(void));

/* Opens spool and queue, begins; slots are granted to `granted`. */
void world_open(void);
/* In order; no slot is held. Statuses are synced. */
void world_close(void);
void world_reopen(void);

/* Commits a message of one recipient, or of several separated by blanks. */
spool_id world_send(const char *sender, const char *recipients);
void world_sleep_s(uint64_t seconds);

/* The slot granted longest ago, begun; NULL when none was granted. */
struct queue_slot *world_slot(void);
/* One for the destination of that name, begun; the others stay granted. */
struct queue_slot *world_slot_of(const char *destination);
void world_end_all_granted(void);
/* The slot waits, with a kept connection, in a fiber of its own, for five seconds. */
void world_wait(struct queue_slot *slot);

/* Finishes the slot's job; all its recipients alike. Returns the status of the first. */
struct spool_status world_finish(struct queue_slot *slot, const struct queue_job *job,
                                 enum queue_outcome_kind kind, bool connection_ok);
struct spool_status world_finish_with(struct queue_slot *slot, const struct queue_job *job,
                                      struct queue_outcome outcome, bool connection_ok);
/* Takes and delivers whatever can be, with the slots granted and to be granted. Returns how many
 * recipients. */
size_t world_deliver_all(void);

/* All recipients of the queue, by queue_list. In an arena that the next call resets. */
struct queue_view *world_list(size_t *out_count);
/* That of the first recipient of a message, NULL when it is not queued. */
struct queue_view *world_view(spool_id id);

#endif
