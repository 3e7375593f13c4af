/* Which ids a trace file tells of, and where: gathered in memory while the file is written, kept
 * beside it as NNNNNNNN.index once it is sealed. Encoding and decoding are pure.
 *
 *     offset  size                                        (numbers are little-endian)
 *          0     8  magic
 *          8     4  count of entries
 *         12     4  CRC-32C of the entries
 *         16     8  size of the trace file in bytes
 *         24     8  smallest, then (32) greatest id of a message
 *         40     8  wall time of the oldest, then (48) of the newest event, microseconds
 *         56     4  1 when the file tells of lost events (their id is 0)
 *         60     4  CRC-32C of the 60 bytes before
 *         64  12 n  entries: id u64, offset u32; sorted */
#ifndef TRACE_INDEX_H
#define TRACE_INDEX_H

#include "base/buf.h"
#include "spool/envelope.h"

#define TRACE_INDEX_HEADER_BYTES 64
#define TRACE_INDEX_ENTRY_BYTES  12
#define TRACE_INDEX_ENTRIES_MAX  (4 * 1024 * 1024)

struct trace_index_entry {
    spool_id id; /* 0: of lost events */
    uint32_t offset;
};

/* What is kept in memory of every file. */
struct trace_summary {
    uint64_t file_bytes;
    spool_id id_min, id_max; /* id_min > id_max: no message */
    int64_t first_us, last_us;
    bool has_lost;
};

struct trace_index {
    struct trace_summary summary;
    struct trace_index_entry *entries;
    size_t count;
    size_t cap;
};

void trace_index_init(struct trace_index *index);
void trace_index_done(struct trace_index *index);
void trace_index_add(struct trace_index *index, spool_id id, int64_t wall_us, uint32_t offset);
void trace_index_sort(struct trace_index *index);
/* The first entry of `id` in a sorted index; `count` when there is none. */
size_t trace_index_find(const struct trace_index *index, spool_id id);

/* Replaces the content of `out`, which is large enough: TRACE_INDEX_HEADER_BYTES and
 * TRACE_INDEX_ENTRY_BYTES for each entry. The index is sorted. */
void trace_index_encode(const struct trace_index *index, char *out);
/* Proves and reads the header: what is known of the file, and how many entries follow. */
MUST_CHECK enum err trace_summary_decode(struct str header, struct trace_summary *out_summary,
                                         size_t *out_count);
/* ERR_CORRUPT when it is not exactly one index. `out_index` is the caller's to end. */
MUST_CHECK enum err trace_index_decode(struct str in, struct trace_index *out_index);

#endif
