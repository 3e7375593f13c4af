/* Messages and envelopes on disk: the one place where responsibility for mail changes hands.
 * docs/spool.md has the files, the states, the numbered guarantees and the instant of each
 * hand-over. In short:
 *   - spool_draft_commit returns OK only when message and envelope are on stable storage.
 *   - A status change is written before spool_status_write returns, and synced within 100 ms.
 *   - After any crash every committed message is announced again with its last written statuses.
 *
 * Thread-safe: drafts and messages belong to one fiber, everything else to all. One thread of its
 * own commits groups; while one sync runs, the next group gathers. */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/err.h"
#include "fiber/blocking.h"
#include "spool/envelope.h"

struct spool;
struct spool_draft;

#define SPOOL_ALIGN_BYTES   64
#define SPOOL_PLACE_IN_FILE 0x80000000u

/* Where a message lies. Small, since the queue keeps one per message in memory. Given back
 * with every call about the message; changes only when the spool says so. */
struct spool_place {
    uint32_t segment; /* slot of the segment */
    uint32_t unit;    /* offset of the record in units of SPOOL_ALIGN_BYTES; the highest bit,
                       * SPOOL_PLACE_IN_FILE: its content is in a file of its own */
};

/* One message that must be delivered: told once after its commit, and once for each found at
 * start. All memory is valid during the call only. `statuses` has recipient_count entries. */
struct spool_announcement {
    spool_id id;
    struct spool_place place;
    uint64_t size_bytes;
    const struct spool_envelope *envelope;
    const struct spool_status *statuses;
};

struct spool_options {
    struct disk *disk;
    struct clock *clock;
    const char *directory;        /* exists; all files lie within */
    uint64_t segment_bytes;       /* 0: 64 MiB */
    uint64_t memory_budget_bytes; /* 0: 256 MiB of drafts in memory, all together */
    bool inline_commits;          /* no thread: commits happen in the caller (the simulation) */
    struct blocking_pool *files;  /* where content files are written and cold reads happen */
    uint8_t node;
    /* Called from the committer's thread, or from within spool_open for what was found. */
    void (*announce)(void *context, const struct spool_announcement *announcement);
    void *announce_context;
};

/* What spool_open found: for the log and for `spool check`. */
struct spool_recovery {
    uint64_t messages;
    uint64_t segments_scanned;
    uint64_t torn_bytes;      /* cut from the unsealed tail */
    uint64_t damaged_records; /* set aside in DIRECTORY/damaged, the rest goes on */
};

MUST_CHECK enum err spool_open(const struct spool_options *options, struct spool **out_spool,
                               struct spool_recovery *out_recovery);
/* All drafts are ended. Syncs what is written. */
void spool_close(struct spool *spool);

/* ---- a message on its way in ---- */

/* ERR_FULL: no room on the disk for new mail (452 4.3.1). ERR_BUSY: the memory budget is used up.
 */
MUST_CHECK enum err spool_draft_begin(struct spool *spool, struct spool_draft **out_draft);
spool_id spool_draft_id(const struct spool_draft *draft);
/* Adds content: CRLF line ends, no dot-stuffing. Up to 64 KiB stay in memory; more goes to a file
 * of its own. ERR_FULL, ERR_BUSY, ERR_IO. */
MUST_CHECK MAY_YIELD enum err spool_draft_write(struct spool_draft *draft, struct str bytes);
uint64_t spool_draft_size(const struct spool_draft *draft);

/* A change to a recipient of a message that lies in the spool. */
struct spool_change {
    uint32_t recipient; /* index in its envelope */
    struct spool_status status;
};
/* Outcomes that become true together with a new message (a DSN): all or nothing. */
struct spool_also {
    spool_id id;
    struct spool_place place;
    const struct spool_change *changes;
    size_t change_count;
};

/* Makes it durable, announces it, frees the draft whatever happens. `prefix`: header fields that go
 * on top of the content (Received, …). `also` may be NULL. ERR_FULL, ERR_IO, ERR_BUSY (no thread
 * for the file), ERR_LIMIT (envelope and prefix do not fit into a segment): nothing was kept. */
MUST_CHECK MAY_YIELD enum err spool_draft_commit(struct spool_draft *draft,
                                                 const struct spool_envelope *envelope,
                                                 struct str prefix, const struct spool_also *also);
/* Forgets it. */
MAY_YIELD void spool_draft_abort(struct spool_draft *draft);

/* ---- a message in the spool ---- */

struct spool_message {
    spool_id id;
    struct spool_envelope envelope; /* in the arena given */
    uint64_t size_bytes;            /* prefix and content */
    /* private to the spool */
    struct spool *spool;
    struct spool_place place;
    struct str prefix;
    uint64_t content_offset;
    struct disk_file *content_file; /* NULL: in the segment */
    uint32_t content_crc;
    uint32_t checked_crc; /* of the first checked_bytes of the content, read in order */
    uint64_t checked_bytes;
};

/* Reads and proves the envelope. ERR_CORRUPT, ERR_IO. Close it afterwards. */
MUST_CHECK MAY_YIELD enum err spool_message_open(struct spool *spool, spool_id id,
                                                 struct spool_place place, struct arena *arena,
                                                 struct spool_message *out_message);
/* Reads up to `len` bytes at `offset` of prefix and content; from the page cache without waiting,
 * else on the pool. *out_len = 0 at the end. ERR_CORRUPT when the whole was read in order and its
 * checksum does not hold. */
MUST_CHECK MAY_YIELD enum err spool_message_read(struct spool_message *message, uint64_t offset,
                                                 void *out, size_t len, size_t *out_len);
void spool_message_close(struct spool_message *message);

/* Writes the changes (they survive a crash of the process when this returns) and lets them be
 * synced within 100 ms. With `done`, all recipients are final: the message's space is given back
 * once that is durable. On an error nothing is forgotten: call again. ERR_FULL, ERR_IO, ERR_BUSY
 * (syncs have been failing for long). `done` is said once, with the place last announced. */
MUST_CHECK enum err spool_status_write(struct spool *spool, spool_id id, struct spool_place place,
                                       const struct spool_change *changes, size_t count, bool done);
/* The same, and waits until it is on stable storage. */
MUST_CHECK MAY_YIELD enum err spool_status_commit(struct spool *spool, spool_id id,
                                                  struct spool_place place,
                                                  const struct spool_change *changes, size_t count,
                                                  bool done);

struct spool_statistics {
    uint64_t commits; /* messages */
    uint64_t groups;
    uint64_t syncs;
    uint64_t bytes_written;
    uint64_t draft_bytes; /* in memory now */
    uint64_t segments;
    uint64_t live_messages;
};
struct spool_statistics spool_statistics(struct spool *spool);

#endif
