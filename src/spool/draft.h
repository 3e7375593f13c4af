/* A message on its way in, as the files of the spool see it. */
#ifndef SPOOL_DRAFT_H
#define SPOOL_DRAFT_H

#include "spool/store.h"

struct draft_chunk {
    struct draft_chunk *next;
    size_t len;
    size_t cap;
    char at[];
};

/* One record that is ready but for what the committer stamps. */
struct draft_record {
    struct record_header header;
    struct buf head;
    char header_bytes[RECORD_HEADER_BYTES];
};

struct spool_draft {
    struct spool *spool;
    spool_id id;
    struct draft_chunk *first_chunk, *last_chunk; /* the last one with room is last_chunk */
    size_t chunk_count;
    uint64_t size_bytes;
    uint32_t crc;
    enum err failed;        /* the file could not be written */
    struct disk_file *file; /* NULL while it is small */
    uint64_t file_bytes;

    /* from the commit on: */
    const struct spool_envelope *envelope;
    struct spool_status *statuses;
    const struct spool_also *also;
    uint64_t message_bytes; /* prefix and content */
    struct draft_record records[2];
    size_t record_count;
    uint64_t record_bytes_total;
    struct spool_place place;
    enum err result;
    struct fiber_completion done;
    struct spool_draft *next;
};

#endif
