/* The story of every message, written as it happens, kept within a budget, told by id.
 *
 *     trace_write ──▶ pending (memory) ──▶ the trace's thread ──▶ DIRECTORY/NNNNNNNN.trace
 *                                                                 DIRECTORY/NNNNNNNN.index
 *
 * A file is appended to until it is large or old enough, then sealed: an index of its ids is
 * written beside it, and a new file begins. Files beyond the budget are removed, oldest first.
 * Nothing is ever synced. A trace that was not closed loses at most what was in memory; a torn or
 * damaged record loses itself alone.
 *
 * Writing never blocks and never fails the mail: events are copied into memory and a thread of the
 * trace's own appends them to files; when that cannot keep up, or the disk is full, events are
 * counted as lost and the story says so. Nothing secret may reach it: see transcript.h. */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/err.h"
#include "spool/envelope.h"

struct trace;

enum trace_kind {
    TRACE_RECEIVED, /* who brought it; the conversation on the way in */
    TRACE_ATTEMPT,  /* one delivery attempt; the conversation; what became of each recipient, as
                     * lines of `<ADDRESS>: FATE: WORDS` */
    TRACE_HELD,
    TRACE_RELEASED,
    TRACE_DROPPED,
    TRACE_RETRIED,  /* by hand */
    TRACE_FOUND,    /* by a new engine, after a stop or a crash */
    TRACE_DONE,     /* nothing is left to do */
    TRACE_LOST,     /* written by the trace itself: events of this time are missing */
    TRACE_BOUNCED,  /* by an administrator */
    TRACE_REPORTED, /* the sender is told, or why not; of a report: what it tells of */
    TRACE_KIND_LAST = TRACE_REPORTED,
};

/* All text UTF-8 or ASCII, without control bytes but LF. */
struct trace_event {
    spool_id id;
    enum trace_kind kind;
    int64_t wall_us;
    struct str text;       /* plain words, one or more lines: what happened, why, what comes next */
    struct str transcript; /* the conversation, or empty */
};

struct trace_options {
    struct disk *disk;
    struct clock *clock;
    const char *directory;   /* exists */
    uint64_t max_size_bytes; /* 0: 2 GiB */
    uint64_t keep_s;         /* 0: 14 days */
    uint64_t memory_bytes;   /* 0: 16 MiB of events not yet written */
    bool inline_writes;      /* no thread: the simulation */
};

MUST_CHECK enum err trace_open(const struct trace_options *options, struct trace **out_trace);
/* Writes what is gathered, ends the thread. */
void trace_close(struct trace *trace);

/* From any thread. */
void trace_write(struct trace *trace, const struct trace_event *event);
uint64_t trace_lost(struct trace *trace);

/* All that is kept of one message, oldest first, with a TRACE_LOST where events (of any message)
 * were lost meanwhile. Blocks: call it through blocking_run. Sees all events written before the
 * call. ERR_NOT_FOUND when there is nothing. */
MUST_CHECK enum err trace_read(struct trace *trace, spool_id id, struct arena *arena,
                               struct trace_event **out_events, size_t *out_count);

struct trace_view {
    bool is_full;         /* else what repeats itself is told once, with a count */
    struct str recipient; /* not empty: only the attempts that had this address, and its fate */
};

/* The story as a person reads it. */
struct str trace_print(struct arena *arena, const struct trace_event *events, size_t count,
                       const struct trace_view *view);

#endif
