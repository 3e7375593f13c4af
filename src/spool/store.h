/* The open spool as its own files see it: the table of segments, the two lanes, the committer. */
#ifndef SPOOL_STORE_H
#define SPOOL_STORE_H

#include "fiber/fiber.h"
#include "spool/segment.h"
#include "spool/spool.h"

#include <pthread.h>
#include <stdatomic.h>

#define STATUS_DELAY_MS   100 /* from a status' write to its sync */
#define FULL_RETRY_MS     1000
#define FREE_SEGMENTS_MAX 2
#define PATH_BYTES        512

struct lane {
    struct segment *active; /* NULL: none could be made */
    struct segment *next;   /* READY, or NULL */
};

/* Somebody who waits for the next sync of statuses. Lives in the waiting fiber's frame. */
struct status_waiter {
    spool_id id;
    struct spool_place place;
    bool done; /* counts once it is synced: after a failure the caller comes again */
    enum err result;
    struct fiber_completion synced;
    struct status_waiter *next;
};

/* A content file that goes once its message's DONE is synced. */
struct doomed_content {
    spool_id id;
    uint64_t sequence; /* of its DONE; 0: nobody needs it, remove at once */
};

struct spool {
    struct disk *disk;
    struct clock *clock;
    struct blocking_pool *files;
    bool inline_commits;
    uint8_t node;
    uint64_t segment_bytes;
    uint64_t memory_budget_bytes;
    void (*announce)(void *context, const struct spool_announcement *announcement);
    void *announce_context;
    char *directory;

    atomic_uint_fast64_t draft_bytes;
    atomic_uint_fast64_t sequence; /* the last one given */
    atomic_bool full;              /* of messages: no segment could be made */

    pthread_mutex_t making; /* held by the one who makes a segment; taken before `lock` */
    pthread_mutex_t lock;  /* of all below; held for memory and one small write, never for a sync */
    pthread_cond_t wanted; /* the committer sleeps here */
    pthread_t thread;
    bool stopping;

    spool_id last_id;
    uint64_t generation;
    struct segment **slots; /* NULL where there is none */
    size_t slot_count;
    bool look_for_unneeded;
    uint64_t tried_full_ms; /* when a segment was last asked for in vain */

    struct lane messages; /* the active one is written by the committer only */
    struct cut *cuts;     /* to be written with the next group */
    size_t cut_count;
    struct spool_draft *waiting_first, *waiting_last; /* for their commit */

    struct lane statuses;
    struct buf unsynced; /* copies of all status records since the last good sync */
    uint64_t unsynced_since_ms;
    bool statuses_broken; /* unsynced must be written again, to another segment */
    struct status_waiter *status_waiters;
    struct doomed_content *doomed; /* in the order of sequence */
    size_t doomed_count, doomed_cap;

    uint64_t live_messages;
    uint64_t commits, groups, syncs, bytes_written;
};

/* ---- store.c: the table of segments ---- */

/* A segment with a synced header for that lane: a free one, or a new one. ERR_FULL, ERR_IO. */
MUST_CHECK enum err store_prepare(struct spool *spool, uint8_t lane, struct segment **out_segment);
/* Puts it into the table. With the lock, or before there are threads. */
void store_add(struct spool *spool, struct segment *segment);
/* NULL when there is none. With the lock. */
struct segment *store_get(struct spool *spool, uint32_t slot);
/* Frees what is not needed any more, durably. Without the lock. */
void store_drop_unneeded(struct spool *spool);
/* Whether the segment may be needed no more. With the lock. */
void store_look_at(struct spool *spool, const struct segment *segment);
/* Sees to it that both lanes have their next segment. Without the lock. */
void store_prepare_next(struct spool *spool);
/* "DIRECTORY/segments/000001.seg". */
void store_segment_path(const struct spool *spool, uint32_t slot, char out[PATH_BYTES]);
uint64_t store_sequence(struct spool *spool);

/* ---- group.c: the lane of messages ---- */

/* Commits all drafts of the list in groups; each gets its result and is woken. The committer's
 * thread, or the caller of an inline commit. */
void group_commit_all(struct spool *spool, struct spool_draft *drafts);

/* ---- status.c: the lane of statuses ---- */

/* Makes durable what was written so far and wakes who waits for it. Without the lock. ERR_FULL,
 * ERR_IO: nothing is forgotten, it is tried again later. */
enum err status_sync(struct spool *spool);
/* The moment of its next sync, UINT64_MAX: none. With the lock. */
uint64_t status_due_ms(const struct spool *spool);

/* ---- committer.c ---- */

void committer_start(struct spool *spool);
/* Finishes what waits, then ends. */
void committer_stop(struct spool *spool);
/* Makes segments, gives them back, removes files. Without the lock. */
void committer_chores(struct spool *spool);
/* With the lock. */
void committer_wake(struct spool *spool);

/* ---- content.c: files of large contents ---- */

void content_path(const struct spool *spool, spool_id id, char out[PATH_BYTES]);
void content_directory(const struct spool *spool, spool_id id, char out[PATH_BYTES]);
/* Lets the file go once the DONE with that sequence is synced. With the lock. */
void content_doom(struct spool *spool, spool_id id, uint64_t sequence);
/* Removes files whose DONE is not newer than `synced`. Without the lock. */
void content_remove_doomed(struct spool *spool, uint64_t synced);

/* Runs it on the pool of files, or at once where there is none. ERR_BUSY. */
MUST_CHECK MAY_YIELD enum err store_run_blocking(struct spool *spool, void (*work)(void *),
                                                 void *argument);

/* ---- recovery.c ---- */

MUST_CHECK enum err recovery_run(struct spool *spool, struct spool_recovery *out_recovery);

static inline bool place_in_file(struct spool_place place)
{
    return place.unit & SPOOL_PLACE_IN_FILE;
}
static inline uint64_t place_offset(struct spool_place place)
{
    return (uint64_t)(place.unit & ~SPOOL_PLACE_IN_FILE) * SPOOL_ALIGN_BYTES;
}

#endif
