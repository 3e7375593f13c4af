/* Finding again what the spool promised: docs/spool.md section 7. */
#ifndef SPOOL_RECOVERY_H
#define SPOOL_RECOVERY_H

#include "spool/scan.h"
#include "spool/store.h"

/* One record of a message or its statuses. */
struct entry {
    spool_id id;
    uint64_t sequence;
    uint32_t slot;
    uint32_t unit;
    uint8_t flags;
};

struct entries {
    struct entry *at;
    size_t count, cap;
};

struct found_cut {
    struct cut cut;
    uint32_t holder; /* slot of the segment that has it */
};

struct recovery {
    struct spool *spool;
    struct spool_recovery report;
    struct entries messages;
    struct entries statuses;
    struct found_cut *cuts;
    size_t cut_count;
    char *bytes; /* of one segment */
    size_t bytes_cap;
};

/* ---- recovery_load.c ---- */

/* Opens all segments and gathers what they hold. */
MUST_CHECK enum err recovery_load(struct recovery *recovery);
/* The whole file; what cannot be read is zeros. Valid until the next call. */
struct str recovery_read_segment(struct recovery *recovery, const struct segment *segment);
/* Copies bytes of a segment to damaged/, counts and logs them. `id` may be 0. */
void recovery_set_aside(struct recovery *recovery, const struct segment *segment, spool_id id,
                        uint64_t offset, uint64_t len);
/* Header and head of one record, proven, in the arena. ERR_CORRUPT, ERR_IO. */
MUST_CHECK enum err recovery_read_record(const struct segment *segment, uint32_t unit,
                                         struct arena *arena, struct record_header *out_header,
                                         struct str *out_head);

/* ---- recovery_live.c ---- */

/* Leaves in `messages` those that live, in the order of ids; notes who refers to whom. */
void recovery_find_live(struct recovery *recovery);
/* Removes content files that nobody names and messages that lost theirs. */
void recovery_check_content(struct recovery *recovery, bool may_remove);
/* Tells of each live message. */
void recovery_announce(struct recovery *recovery);

#endif
