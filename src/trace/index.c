#include "trace/index.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "spool/wire.h"

#include <stdlib.h>

#define COUNT_AT      8
#define BODY_CRC_AT   12
#define FILE_BYTES_AT 16
#define ID_MIN_AT     24
#define ID_MAX_AT     32
#define FIRST_AT      40
#define LAST_AT       48
#define FLAGS_AT      56
#define HEADER_CRC_AT 60

#define FLAG_LOST 1

static const char magic[8] = {'P', 'R', 'T', 'I', 'D', 'X', '1', '\n'};

/* ---- in memory ---- */

void trace_index_init(struct trace_index *index)
{
    *index = (struct trace_index){.summary = {.id_min = UINT64_MAX, .first_us = INT64_MAX}};
}

void trace_index_done(struct trace_index *index)
{
    mem_free(index->entries);
    trace_index_init(index);
}

void trace_index_add(struct trace_index *index, spool_id id, int64_t wall_us, uint32_t offset)
{
    if (index->count == index->cap) {
        index->cap = max_size(index->cap * 2, 256);
        index->entries = mem_grow(index->entries, index->cap * sizeof *index->entries);
    }
    index->entries[index->count++] = (struct trace_index_entry){id, offset};
    struct trace_summary *summary = &index->summary;
    if (id == 0) {
        summary->has_lost = true;
    } else {
        summary->id_min = id < summary->id_min ? id : summary->id_min;
        summary->id_max = id > summary->id_max ? id : summary->id_max;
    }
    summary->first_us = wall_us < summary->first_us ? wall_us : summary->first_us;
    summary->last_us = wall_us > summary->last_us ? wall_us : summary->last_us;
}

static int compare(const void *left, const void *right)
{
    const struct trace_index_entry *a = left, *b = right;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

void trace_index_sort(struct trace_index *index)
{
    if (index->count)
        qsort(index->entries, index->count, sizeof *index->entries, compare);
}

size_t trace_index_find(const struct trace_index *index, spool_id id)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->entries[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < index->count && index->entries[low].id == id ? low : index->count;
}

/* ---- on disk ---- */

static uint32_t header_checksum(const char *header)
{
    return crc32c(0, str_make(header, HEADER_CRC_AT));
}

void trace_index_encode(const struct trace_index *index, char *out)
{
    const struct trace_summary *summary = &index->summary;
    char *body = out + TRACE_INDEX_HEADER_BYTES;
    for (size_t i = 0; i < index->count; i++) {
        wire_put(body + i * TRACE_INDEX_ENTRY_BYTES, index->entries[i].id, 8);
        wire_put(body + i * TRACE_INDEX_ENTRY_BYTES + 8, index->entries[i].offset, 4);
    }
    memcpy(out, magic, sizeof magic);
    wire_put(out + COUNT_AT, (uint32_t)index->count, 4);
    wire_put(out + BODY_CRC_AT, crc32c(0, str_make(body, index->count * TRACE_INDEX_ENTRY_BYTES)),
             4);
    wire_put(out + FILE_BYTES_AT, summary->file_bytes, 8);
    wire_put(out + ID_MIN_AT, summary->id_min, 8);
    wire_put(out + ID_MAX_AT, summary->id_max, 8);
    wire_put(out + FIRST_AT, (uint64_t)summary->first_us, 8);
    wire_put(out + LAST_AT, (uint64_t)summary->last_us, 8);
    wire_put(out + FLAGS_AT, summary->has_lost ? FLAG_LOST : 0, 4);
    wire_put(out + HEADER_CRC_AT, header_checksum(out), 4);
}

enum err trace_summary_decode(struct str header, struct trace_summary *out_summary,
                              size_t *out_count)
{
    const char *at = header.at;
    if (header.len < TRACE_INDEX_HEADER_BYTES || memcmp(at, magic, sizeof magic) != 0 ||
        wire_get(at + HEADER_CRC_AT, 4) != header_checksum(at) ||
        wire_get(at + COUNT_AT, 4) > TRACE_INDEX_ENTRIES_MAX)
        return ERR_CORRUPT;
    *out_summary = (struct trace_summary){
        .file_bytes = wire_get(at + FILE_BYTES_AT, 8),
        .id_min = wire_get(at + ID_MIN_AT, 8),
        .id_max = wire_get(at + ID_MAX_AT, 8),
        .first_us = (int64_t)wire_get(at + FIRST_AT, 8),
        .last_us = (int64_t)wire_get(at + LAST_AT, 8),
        .has_lost = wire_get(at + FLAGS_AT, 4) & FLAG_LOST,
    };
    *out_count = wire_get(at + COUNT_AT, 4);
    return OK;
}

enum err trace_index_decode(struct str in, struct trace_index *out_index)
{
    struct trace_summary summary;
    size_t count;
    enum err err = trace_summary_decode(in, &summary, &count);
    if (err)
        return err;
    struct str body = str_from(in, TRACE_INDEX_HEADER_BYTES);
    if (body.len != count * TRACE_INDEX_ENTRY_BYTES ||
        crc32c(0, body) != wire_get(in.at + BODY_CRC_AT, 4))
        return ERR_CORRUPT;
    trace_index_init(out_index);
    out_index->summary = summary;
    out_index->count = out_index->cap = count;
    out_index->entries = mem_alloc(count * sizeof *out_index->entries);
    for (size_t i = 0; i < count; i++) {
        const char *entry = body.at + i * TRACE_INDEX_ENTRY_BYTES;
        out_index->entries[i] =
            (struct trace_index_entry){wire_get(entry, 8), (uint32_t)wire_get(entry + 8, 4)};
    }
    return OK;
}
