/* One segment file while the spool is open. What it holds is counted here, not remembered. */
#ifndef SPOOL_SEGMENT_H
#define SPOOL_SEGMENT_H

#include "base/disk.h"
#include "spool/format.h"

enum segment_state {
    SEGMENT_FREE,    /* its header says so, durably */
    SEGMENT_READY,   /* has a header and no records: the next of its lane */
    SEGMENT_ACTIVE,  /* its lane appends to it */
    SEGMENT_FULL,    /* no more records; until it is not needed */
    SEGMENT_LEAVING, /* FULL, and on its way to FREE */
    SEGMENT_DEAD,    /* failed: not used again before the next start */
};

/* A set of slots. */
struct slot_set {
    uint64_t *words;
    size_t word_count;
    size_t count;
};
void slot_set_add(struct slot_set *set, uint32_t slot);
void slot_set_add_all(struct slot_set *set, const struct slot_set *more);
void slot_set_remove(struct slot_set *set, uint32_t slot);
void slot_set_done(struct slot_set *set);

struct segment {
    uint32_t slot;
    uint8_t state; /* enum segment_state */
    bool failed;   /* a write or sync failed: DEAD comes after FULL, not FREE */
    bool unsynced; /* statuses: holds records behind proven_unit; it is waited for */
    bool sealed;
    struct segment_header header;
    struct disk_file *file;
    uint32_t end_unit;      /* where the next record goes */
    uint32_t proven_unit;   /* everything before it is synced */
    uint64_t live;          /* messages that are not done and lie here */
    uint32_t readers;       /* open messages that lie here */
    struct slot_set refers; /* segments that must be gone before this one */
    struct buf index;       /* messages: what SEAL will hold */
};

struct segment *segment_new(uint32_t slot, struct disk_file *file);
/* Closes the file. */
void segment_free(struct segment *segment);

/* Gives it that header, synced. On an error it has the old one or the new one. */
MUST_CHECK enum err segment_begin_life(struct segment *segment,
                                       const struct segment_header *header);

/* Whether `bytes` of records and their `count` index entries fit beside the SEAL. */
bool segment_fits(const struct segment *segment, uint64_t bytes, size_t count);
/* The most that an empty segment of that size takes in one record. */
uint64_t segment_capacity(uint64_t size_bytes);

/* Fills in what the header owes to its place and writes it to `out`. */
void segment_stamp(const struct segment *segment, struct record_header *header, uint64_t sequence,
                   char out[RECORD_HEADER_BYTES]);
/* Writes whole records (a multiple of SPOOL_ALIGN_BYTES) at the end. Does not move end_unit. */
MUST_CHECK enum err segment_append(struct segment *segment, struct iovec *iov, size_t count);
void segment_index_add(struct segment *segment, const struct index_entry *entry);

/* Records that say that all before them is proven. The segment is synced; they themselves need not
 * be: without them recovery only knows less. */
MUST_CHECK enum err segment_seal(struct segment *segment, uint64_t sequence);
MUST_CHECK enum err segment_mark(struct segment *segment, uint64_t sequence, spool_id id_mark);
/* Covers `units` from `unit` on, so that no scan looks into them. */
MUST_CHECK enum err segment_fill(struct segment *segment, uint32_t unit, uint32_t units);

#endif
