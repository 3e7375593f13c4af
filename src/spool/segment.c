#include "spool/segment.h"

#include "base/crc32c.h"
#include "base/mem.h"

#define INDEX_PREFIX_BYTES 6 /* of the SEAL's one field */

/* ---- sets of slots ---- */

void slot_set_add(struct slot_set *set, uint32_t slot)
{
    size_t word = slot / 64;
    if (word >= set->word_count) {
        size_t count = max_size(word + 1, set->word_count * 2);
        set->words = mem_grow(set->words, count * sizeof *set->words);
        memset(set->words + set->word_count, 0, (count - set->word_count) * sizeof *set->words);
        set->word_count = count;
    }
    uint64_t bit = (uint64_t)1 << slot % 64;
    set->count += !(set->words[word] & bit);
    set->words[word] |= bit;
}

void slot_set_add_all(struct slot_set *set, const struct slot_set *more)
{
    for (size_t word = 0; word < more->word_count; word++)
        for (uint64_t bits = more->words[word]; bits; bits &= bits - 1)
            slot_set_add(set, (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits));
}

void slot_set_remove(struct slot_set *set, uint32_t slot)
{
    size_t word = slot / 64;
    uint64_t bit = (uint64_t)1 << slot % 64;
    if (word >= set->word_count || !(set->words[word] & bit))
        return;
    set->words[word] &= ~bit;
    set->count--;
}

void slot_set_done(struct slot_set *set)
{
    mem_free(set->words);
    *set = (struct slot_set){0};
}

/* ---- one segment ---- */

struct segment *segment_new(uint32_t slot, struct disk_file *file)
{
    struct segment *segment = NEW(struct segment);
    segment->slot = slot;
    segment->file = file;
    segment->index = buf_make(SEGMENT_MAX_BYTES);
    return segment;
}

void segment_free(struct segment *segment)
{
    disk_close(segment->file);
    slot_set_done(&segment->refers);
    buf_free(&segment->index);
    mem_free(segment);
}

enum err segment_begin_life(struct segment *segment, const struct segment_header *header)
{
    char page[SEGMENT_PAGE_BYTES];
    segment_header_write(header, page);
    struct iovec iov = {page, sizeof page};
    enum err err = disk_write(segment->file, 0, &iov, 1);
    if (!err)
        err = disk_sync(segment->file);
    if (err)
        return err;
    segment->header = *header;
    segment->end_unit = segment->proven_unit = SEGMENT_FIRST_UNIT;
    segment->sealed = false;
    buf_clear(&segment->index);
    return OK;
}

static uint64_t seal_bytes(size_t index_len)
{
    return record_bytes(INDEX_PREFIX_BYTES + index_len);
}

bool segment_fits(const struct segment *segment, uint64_t bytes, size_t count)
{
    uint64_t index_len = segment->index.len + count * INDEX_ENTRY_BYTES;
    uint64_t end = (uint64_t)segment->end_unit * SPOOL_ALIGN_BYTES + bytes;
    return end + seal_bytes(index_len) + SEGMENT_TRAILER_BYTES <= segment->header.size_bytes;
}

uint64_t segment_capacity(uint64_t size_bytes)
{
    /* room for the page, a CUT or two, the trailer, and a SEAL with a handful of entries */
    return size_bytes - 2 * SEGMENT_PAGE_BYTES;
}

void segment_stamp(const struct segment *segment, struct record_header *header, uint64_t sequence,
                   char out[RECORD_HEADER_BYTES])
{
    header->sequence = sequence;
    header->generation = segment->header.life.generation;
    header->salt = segment->header.life.salt;
    header->proven_unit = segment->proven_unit;
    record_header_write(header, out);
}

enum err segment_append(struct segment *segment, struct iovec *iov, size_t count)
{
    return disk_write(segment->file, (uint64_t)segment->end_unit * SPOOL_ALIGN_BYTES, iov, count);
}

void segment_index_add(struct segment *segment, const struct index_entry *entry)
{
    char bytes[INDEX_ENTRY_BYTES];
    index_entry_write(entry, bytes);
    enum err err = buf_add(&segment->index, str_make(bytes, sizeof bytes));
    assert(!err); /* segment_fits counts the entries */
}

/* Writes one record that has no content at the end. */
static enum err write_record(struct segment *segment, uint8_t type, struct str head,
                             uint64_t sequence, spool_id id)
{
    static const char zeros[SPOOL_ALIGN_BYTES];
    char bytes[RECORD_HEADER_BYTES];
    struct record_header header = {.type = type,
                                   .body_len = (uint32_t)head.len,
                                   .head_len = (uint32_t)head.len,
                                   .head_crc = crc32c(0, head),
                                   .id = id};
    segment_stamp(segment, &header, sequence, bytes);
    size_t padding = (size_t)(record_bytes(head.len) - RECORD_HEADER_BYTES - head.len);
    struct iovec iov[] = {{bytes, sizeof bytes},
                          {(void *)(uintptr_t)head.at, head.len},
                          {(void *)(uintptr_t)zeros, padding}};
    enum err err = segment_append(segment, iov, ARRAY_LEN(iov));
    if (!err)
        segment->end_unit += (uint32_t)record_units(&header);
    return err;
}

enum err segment_seal(struct segment *segment, uint64_t sequence)
{
    uint32_t unit = segment->end_unit;
    struct buf head = buf_make(segment->index.len + INDEX_PREFIX_BYTES);
    enum err err = field_add(&head, FIELD_INDEX, buf_str(&segment->index));
    assert(!err);
    err = write_record(segment, RECORD_SEAL, buf_str(&head), sequence, 0);
    buf_free(&head);
    if (err)
        return err;
    char trailer[SEGMENT_TRAILER_BYTES];
    segment_trailer_write(segment->header.life, unit, trailer);
    struct iovec iov = {trailer, sizeof trailer};
    err = disk_write(segment->file, segment->header.size_bytes - sizeof trailer, &iov, 1);
    if (!err)
        segment->sealed = true;
    return err;
}

enum err segment_mark(struct segment *segment, uint64_t sequence, spool_id id_mark)
{
    if (!segment_fits(segment, RECORD_HEADER_BYTES, 0))
        return OK;
    return write_record(segment, RECORD_MARK, STR_EMPTY, sequence, id_mark);
}

enum err segment_fill(struct segment *segment, uint32_t unit, uint32_t units)
{
    char bytes[RECORD_HEADER_BYTES];
    struct record_header header = {
        .type = RECORD_FILL,
        .body_len = units * SPOOL_ALIGN_BYTES - RECORD_HEADER_BYTES,
    };
    segment_stamp(segment, &header, 0, bytes);
    if (header.proven_unit > unit)
        header.proven_unit = unit;
    record_header_write(&header, bytes);
    struct iovec iov = {bytes, sizeof bytes};
    return disk_write(segment->file, (uint64_t)unit * SPOOL_ALIGN_BYTES, &iov, 1);
}
