/* What a segment holds besides messages and statuses: its header and trailer, the index in its
 * SEAL, and CUTs. Pure; docs/spool.md section 2 has the layouts. */
#ifndef SPOOL_FORMAT_H
#define SPOOL_FORMAT_H

#include "spool/record.h"

#define SEGMENT_PAGE_BYTES    4096 /* both copies of the header; records begin behind it */
#define SEGMENT_HEADER_BYTES  64
#define SEGMENT_TRAILER_BYTES 64
#define SEGMENT_FIRST_UNIT    (SEGMENT_PAGE_BYTES / SPOOL_ALIGN_BYTES)
#define SEGMENT_MIN_BYTES     (256u << 10)
#define SEGMENT_MAX_BYTES     (1u << 31)

enum segment_lane { LANE_FREE, LANE_MESSAGES, LANE_STATUSES };

/* Which life of which segment a record belongs to. */
struct segment_life {
    uint64_t generation;
    uint64_t salt;
};

struct segment_header {
    uint8_t lane;
    uint32_t slot;
    struct segment_life life;
    spool_id id_mark;
    uint64_t sequence_mark;
    uint64_t size_bytes;
};

/* Writes the page with both copies. */
void segment_header_write(const struct segment_header *header, char out[SEGMENT_PAGE_BYTES]);
/* Finds the valid copy with the higher generation. ERR_CORRUPT: none is valid.
 * ERR_UNSUPPORTED: it is of another version. */
MUST_CHECK enum err segment_header_read(struct str page, struct segment_header *out_header);

void segment_trailer_write(struct segment_life life, uint32_t unit,
                           char out[SEGMENT_TRAILER_BYTES]);
/* False when it is not of this life: the segment is not sealed. */
bool segment_trailer_read(struct str in, struct segment_life life, uint32_t *out_unit);

#define INDEX_ENTRY_BYTES 16
struct index_entry {
    spool_id id;
    uint32_t unit;
    uint8_t type;
    uint8_t flags;
};
void index_entry_write(const struct index_entry *entry, char out[INDEX_ENTRY_BYTES]);
/* Cuts the next entry off `rest`; false at the end. */
bool index_entry_next(struct str *rest, struct index_entry *out_entry);

/* "Of that generation, records from that unit on are nothing." */
struct cut {
    uint32_t slot;
    uint32_t end_unit;
    uint64_t generation;
    spool_id id_mark;
};
MUST_CHECK enum err cut_write(struct buf *out, const struct cut *cut);
MUST_CHECK enum err cut_read(struct str head, struct cut *out_cut);

#endif
