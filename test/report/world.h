/* Spool, queue, trace and reports over a disk in memory whose power can fail, under a virtual
 * clock. The test is a fiber; it takes slots and plays what deliveries would find out.
 *
 * Domains: remote.test is reached by "smtp:r", sender.test by "smtp:s"; here.test is ours, with the
 * user alice, and info@, an alias to her and to bob@sender.test. */
#ifndef TEST_REPORT_WORLD_H
#define TEST_REPORT_WORLD_H

#include "fiber/loop.h"
#include "report/report.h"
#include "spool/crashing_disk.h"
#include "test.h"

#define WORLD_START_S    1700000000
#define WORLD_WARN_S     14400
#define WORLD_EXPIRE_S   86400
#define WORLD_SLOTS      64
#define WORLD_SEEN       64
#define WORLD_RECIPIENTS 8

/* A message that the spool announced since world_open. */
struct seen {
    spool_id id;
    struct spool_place place;
    struct spool_envelope envelope;
    struct spool_status statuses[WORLD_RECIPIENTS];
};

struct world {
    struct clock clock;
    struct disk *memory;
    struct crashing_disk disk;
    struct loop *loop;
    struct fiber_group group, timers, deliveries;
    struct route_table *routes;
    struct spool *spool;
    struct trace *trace;
    struct queue *queue;
    struct report report;
    struct queue_slot *granted[WORLD_SLOTS];
    size_t granted_count;
    struct seen seen[WORLD_SEEN];
    size_t seen_count;
    struct arena arena; /* of what was seen and read; until the end */
};
extern struct world world;

/* Runs the test's body in a fiber, between world_open and world_close. */
void world_run(void (*body)(void));
void world_open(void);
void world_close(void);
/* The power fails, now or at the call that was set, and comes back; everything is opened again. */
void world_crash_and_open(uint64_t seed);

/* Commits a message; `content` follows "Subject: x" if it is empty. */
spool_id world_send(const struct spool_envelope *envelope, struct str content);
/* From alice@sender.test to so many of a@, b@, c@remote.test, with the same NOTIFY. */
spool_id world_send_simple(size_t recipients, uint8_t notify);
void world_sleep_s(uint64_t seconds);

/* A granted slot for the destination of that name, begun; NULL when there is none. */
struct queue_slot *world_slot_of(const char *destination);
/* Takes a job of "smtp:r", finishes it with these outcomes, ends the slot. */
void world_finish(struct queue_outcome *outcomes, size_t count, bool connection_ok);
/* The same in a fiber of its own that is cancelled when it takes too long: since the disk died. */
void world_finish_or_die(struct queue_outcome *outcomes, size_t count);

struct seen *world_seen(spool_id id);
/* Number `i` of the messages without a sender; NULL when there are not so many. */
struct seen *world_report(size_t i);
size_t world_report_count(void);
struct str world_read(const struct seen *seen);
/* The whole story; empty when nothing is known. */
struct str world_story(spool_id id);

bool world_holds(struct str text, const char *part);

#endif
