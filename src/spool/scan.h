/* Finds the records in the bytes of one segment and judges them: which count, which are damaged,
 * which are the remains of a torn write. Pure; docs/spool.md section 7 has the rules. */
#ifndef SPOOL_SCAN_H
#define SPOOL_SCAN_H

#include "spool/format.h"

enum scan_kind {
    SCAN_RECORD,   /* header, head and content hold */
    SCAN_BAD_BODY, /* the header holds, what it covers does not */
    SCAN_GAP,      /* no record, though one follows */
};

enum scan_verdict { SCAN_COUNTS, SCAN_DAMAGED, SCAN_TORN };

struct scan_found {
    uint32_t unit;
    uint32_t units;
    uint8_t kind;
    uint8_t verdict;
    /* not of a gap: */
    uint8_t type;
    uint8_t flags;
    uint16_t group_index;
    spool_id id;
    uint64_t sequence;
};

/* In the order of their places. FILLs and what they cover are left out. */
struct scan {
    struct scan_found *found;
    size_t count;
    size_t cap;
    uint32_t proven_unit;
    uint32_t end_unit; /* behind the last valid header and its body: nothing follows */
};

/* `segment` is the whole file. `proven_unit`: what is known from elsewhere, or 0. */
void scan_segment(struct str segment, struct segment_life life, uint32_t proven_unit,
                  struct scan *out_scan);
void scan_done(struct scan *scan);

/* For a segment that lost both copies of its header: the life of its first record. */
bool scan_find_life(struct str segment, struct segment_life *out_life);

/* Whether head and content of the record whose header starts `in` hold. `in` may be shorter than
 * the record: then no. */
bool scan_body_holds(const struct record_header *header, struct str in);

#endif
