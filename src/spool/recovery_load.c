/* Recovery, first half: from files to records. */
#include "base/crc32c.h"
#include "base/log.h"
#include "base/mem.h"
#include "spool/recovery.h"

#include <stdio.h>
#include <stdlib.h>

#define SLOT_MAX         1000000 /* 64 TB */
#define READ_PIECE_BYTES 65536

/* ---- what is set aside ---- */

static enum err copy_bytes(struct spool *spool, const char *path, const struct segment *segment,
                           uint64_t offset, uint64_t len)
{
    struct disk_file *file;
    enum err err =
        disk_open(spool->disk, path, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &file);
    if (err)
        return err;
    char *piece = mem_alloc(READ_PIECE_BYTES);
    for (uint64_t done = 0; done < len && !err;) {
        size_t got, want = (size_t)(len - done < READ_PIECE_BYTES ? len - done : READ_PIECE_BYTES);
        err = disk_read(segment->file, offset + done, piece, want, &got);
        if (err || got == 0)
            break;
        struct iovec iov = {piece, got};
        err = disk_write(file, done, &iov, 1);
        done += got;
    }
    if (!err)
        err = disk_sync(file);
    mem_free(piece);
    disk_close(file);
    return err;
}

void recovery_set_aside(struct recovery *recovery, const struct segment *segment, spool_id id,
                        uint64_t offset, uint64_t len)
{
    struct spool *spool = recovery->spool;
    char path[PATH_BYTES];
    struct spool_id_text text = {"unknown"};
    if (id && id <= RECORD_ID_MAX) /* of damaged data nothing is certain */
        text = spool_id_print(id);
    snprintf(path, sizeof path, "%s/damaged/%s-%06u-%llu-%llu", spool->directory, text.at,
             segment->slot, (unsigned long long)segment->header.life.generation,
             (unsigned long long)offset);
    enum err err = copy_bytes(spool, path, segment, offset, len);
    recovery->report.damaged_records++;
    log_event(LOG_ERROR, "spool",
              "damaged record of message %s: segment %06u, offset %llu, %llu bytes; copy in %s%s",
              text.at, segment->slot, (unsigned long long)offset, (unsigned long long)len, path,
              err ? " (incomplete)" : "");
}

/* ---- reading ---- */

static void read_or_zero(struct disk_file *file, uint64_t offset, char *out, size_t len)
{
    size_t got = 0;
    if (disk_read(file, offset, out, len, &got))
        got = 0;
    memset(out + got, 0, len - got);
}

struct str recovery_read_segment(struct recovery *recovery, const struct segment *segment)
{
    size_t len = (size_t)segment->header.size_bytes;
    if (len > recovery->bytes_cap) {
        mem_free(recovery->bytes);
        recovery->bytes = mem_alloc(len);
        recovery->bytes_cap = len;
    }
    for (size_t at = 0; at < len; at += READ_PIECE_BYTES)
        read_or_zero(segment->file, at, recovery->bytes + at, min_size(READ_PIECE_BYTES, len - at));
    return str_make(recovery->bytes, len);
}

enum err recovery_read_record(const struct segment *segment, uint32_t unit, struct arena *arena,
                              struct record_header *out_header, struct str *out_head)
{
    char bytes[RECORD_HEADER_BYTES];
    struct record_header header;
    uint64_t offset = (uint64_t)unit * SPOOL_ALIGN_BYTES;
    size_t got;
    enum err err = disk_read(segment->file, offset, bytes, sizeof bytes, &got);
    if (err)
        return err;
    if (record_header_read(str_make(bytes, got), &header) ||
        header.generation != segment->header.life.generation ||
        header.salt != segment->header.life.salt ||
        record_units(&header) > segment->header.size_bytes / SPOOL_ALIGN_BYTES)
        return ERR_CORRUPT;
    char *head = arena_alloc(arena, header.head_len);
    err = disk_read(segment->file, offset + RECORD_HEADER_BYTES, head, header.head_len, &got);
    if (err)
        return err;
    if (got != header.head_len || crc32c(0, str_make(head, got)) != header.head_crc)
        return ERR_CORRUPT;
    *out_header = header;
    *out_head = str_make(head, got);
    return OK;
}

/* ---- gathering ---- */

static void entries_add(struct entries *entries, struct entry entry)
{
    if (entries->count == entries->cap) {
        entries->cap = entries->cap ? entries->cap * 2 : 1024;
        entries->at = mem_grow(entries->at, entries->cap * sizeof *entries->at);
    }
    entries->at[entries->count++] = entry;
}

static void cut_add(struct recovery *recovery, struct str head, uint32_t holder)
{
    struct cut cut;
    if (cut_read(head, &cut))
        return;
    recovery->cuts = mem_grow(recovery->cuts, (recovery->cut_count + 1) * sizeof *recovery->cuts);
    recovery->cuts[recovery->cut_count++] = (struct found_cut){cut, holder};
    if (cut.id_mark > recovery->spool->last_id)
        recovery->spool->last_id = cut.id_mark;
}

static void gather(struct recovery *recovery, uint8_t type, struct entry entry, struct str head)
{
    struct spool *spool = recovery->spool;
    if (entry.sequence > atomic_load(&spool->sequence))
        atomic_store(&spool->sequence, entry.sequence);
    if (entry.id > spool->last_id)
        spool->last_id = entry.id;
    if (type == RECORD_MESSAGE)
        entries_add(&recovery->messages, entry);
    else if (type == RECORD_STATUS)
        entries_add(&recovery->statuses, entry);
    else if (type == RECORD_CUT)
        cut_add(recovery, head, entry.slot);
}

/* ---- a segment by its scan ---- */

static struct str head_at(struct str bytes, uint32_t unit)
{
    struct record_header header;
    struct str rest = str_from(bytes, (size_t)unit * SPOOL_ALIGN_BYTES);
    if (record_header_read(rest, &header))
        return STR_EMPTY;
    return str_first(str_from(rest, RECORD_HEADER_BYTES), header.head_len);
}

static void load_by_scan(struct recovery *recovery, struct segment *segment, uint32_t proven_unit)
{
    struct str bytes = recovery_read_segment(recovery, segment);
    struct scan scan;
    scan_segment(bytes, segment->header.life, proven_unit, &scan);
    recovery->report.segments_scanned++;
    segment->end_unit = scan.end_unit;
    for (size_t i = 0; i < scan.count; i++) {
        const struct scan_found *found = &scan.found[i];
        uint64_t len = (uint64_t)found->units * SPOOL_ALIGN_BYTES;
        struct entry entry = {found->id, found->sequence, segment->slot, found->unit, found->flags};
        if (found->verdict == SCAN_COUNTS)
            gather(recovery, found->type, entry, head_at(bytes, found->unit));
        else if (found->verdict == SCAN_TORN)
            recovery->report.torn_bytes += len;
        else
            recovery_set_aside(recovery, segment, found->id,
                               (uint64_t)found->unit * SPOOL_ALIGN_BYTES, len);
    }
    scan_done(&scan);
}

/* ---- a segment by its index ---- */

/* The trailer, if it is sealed. */
static bool read_trailer(const struct segment *segment, uint32_t *out_unit)
{
    char bytes[SEGMENT_TRAILER_BYTES];
    read_or_zero(segment->file, segment->header.size_bytes - sizeof bytes, bytes, sizeof bytes);
    return segment_trailer_read(str_make(bytes, sizeof bytes), segment->header.life, out_unit) &&
           *out_unit < segment->header.size_bytes / SPOOL_ALIGN_BYTES;
}

static enum err read_index(const struct segment *segment, uint32_t unit, struct arena *arena,
                           struct str *out_index)
{
    struct record_header header;
    struct str head;
    struct field field;
    enum err err = recovery_read_record(segment, unit, arena, &header, &head);
    if (err)
        return err;
    if (header.type != RECORD_SEAL || field_next(&head, &field) || field.tag != FIELD_INDEX)
        return ERR_CORRUPT;
    *out_index = field.value;
    return OK;
}

static void load_indexed(struct recovery *recovery, struct segment *segment,
                         const struct index_entry *indexed, uint32_t next_unit)
{
    struct arena arena = arena_make();
    struct record_header header;
    struct str head = STR_EMPTY;
    enum err err = recovery_read_record(segment, indexed->unit, &arena, &header, &head);
    if (err || header.type != indexed->type || header.id != indexed->id) {
        uint32_t units = next_unit > indexed->unit ? next_unit - indexed->unit : 1;
        recovery_set_aside(recovery, segment, indexed->id,
                           (uint64_t)indexed->unit * SPOOL_ALIGN_BYTES,
                           (uint64_t)units * SPOOL_ALIGN_BYTES);
    } else {
        struct entry entry = {header.id, header.sequence, segment->slot, indexed->unit,
                              header.flags};
        gather(recovery, header.type, entry, head);
    }
    arena_reset(&arena);
}

static bool load_by_index(struct recovery *recovery, struct segment *segment, uint32_t seal_unit)
{
    struct arena arena = arena_make();
    struct str index;
    bool usable = read_index(segment, seal_unit, &arena, &index) == OK;
    struct index_entry entry, next;
    bool more = usable && index_entry_next(&index, &entry);
    while (more) {
        more = index_entry_next(&index, &next);
        load_indexed(recovery, segment, &entry, more ? next.unit : seal_unit);
        entry = next;
    }
    segment->sealed = usable;
    segment->end_unit = seal_unit + 1; /* it is not empty */
    arena_reset(&arena);
    return usable;
}

/* ---- segments ---- */

static void load_records(struct recovery *recovery, struct segment *segment)
{
    uint32_t seal_unit = 0;
    bool sealed = read_trailer(segment, &seal_unit);
    if (sealed && load_by_index(recovery, segment, seal_unit))
        return;
    load_by_scan(recovery, segment, sealed ? seal_unit : 0);
}

/* Both copies of the header are lost. The records know which life they are of; whichever lane
 * this was, nothing will be appended to it. False: there are none. */
static bool guess_header(struct recovery *recovery, struct segment *segment, uint64_t size_bytes)
{
    segment->failed = true;
    segment->header = (struct segment_header){
        .lane = LANE_MESSAGES,
        .slot = segment->slot,
        .size_bytes = size_bytes / SEGMENT_PAGE_BYTES * SEGMENT_PAGE_BYTES,
    };
    if (size_bytes < SEGMENT_MIN_BYTES || size_bytes > SEGMENT_MAX_BYTES)
        return false;
    return scan_find_life(recovery_read_segment(recovery, segment), &segment->header.life);
}

static void note_marks(struct spool *spool, const struct segment_header *header)
{
    if (header->life.generation > spool->generation)
        spool->generation = header->life.generation;
    if (header->id_mark > spool->last_id)
        spool->last_id = header->id_mark;
    if (header->sequence_mark > atomic_load(&spool->sequence))
        atomic_store(&spool->sequence, header->sequence_mark);
}

/* No header and no record: it was being made when the machine stopped, or nothing of it is left.
 * What is not empty is kept for people to look at. */
static void remove_segment(struct recovery *recovery, struct segment *segment, bool is_empty)
{
    struct spool *spool = recovery->spool;
    char from[PATH_BYTES], to[PATH_BYTES];
    store_segment_path(spool, segment->slot, from);
    snprintf(to, sizeof to, "%s/damaged/%06u.seg", spool->directory, segment->slot);
    enum err err = is_empty ? disk_unlink(spool->disk, from) : disk_rename(spool->disk, from, to);
    if (!is_empty) {
        recovery->report.damaged_records++;
        log_event(LOG_ERROR, "spool", "segment %06u is unreadable; moved to %s%s", segment->slot,
                  to, err ? " (failed)" : "");
    }
    segment_free(segment);
}

static bool is_zero(struct str bytes)
{
    size_t i = 0;
    while (i < bytes.len && bytes.at[i] == 0)
        i++;
    return i == bytes.len;
}

static enum err load_segment(struct recovery *recovery, struct segment *segment)
{
    struct spool *spool = recovery->spool;
    char page[SEGMENT_PAGE_BYTES];
    uint64_t size_bytes;
    enum err err = disk_size(segment->file, &size_bytes);
    if (err)
        size_bytes = 0;
    read_or_zero(segment->file, 0, page, sizeof page);
    struct str page_str = str_make(page, sizeof page);
    err = segment_header_read(page_str, &segment->header);
    if (err == ERR_UNSUPPORTED) {
        segment_free(segment);
        return err;
    }
    bool holds = !err && segment->header.slot == segment->slot;
    if (!holds && !guess_header(recovery, segment, size_bytes)) {
        remove_segment(recovery, segment, is_zero(page_str));
        return OK;
    }
    note_marks(spool, &segment->header);
    segment->failed |= size_bytes < segment->header.size_bytes;
    segment->state = segment->header.lane != LANE_FREE ? SEGMENT_FULL
                     : segment->failed                 ? SEGMENT_DEAD
                                                       : SEGMENT_FREE;
    segment->end_unit = SEGMENT_FIRST_UNIT;
    store_add(spool, segment);
    if (segment->state == SEGMENT_FULL)
        load_records(recovery, segment);
    return OK;
}

struct slots {
    uint32_t *at;
    size_t count;
};

static void note_name(void *context, const char *name)
{
    struct slots *slots = context;
    struct str slot = str_of(name);
    uint64_t number;
    if (!str_ends(slot, STR(".seg")) ||
        !str_to_u64(str_first(slot, slot.len - 4), SLOT_MAX, &number))
        return;
    slots->at = mem_grow(slots->at, (slots->count + 1) * sizeof *slots->at);
    slots->at[slots->count++] = (uint32_t)number;
}

static int compare_slots(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* A segment that cannot even be opened stops the start: going on would forget what is in it. */
static enum err open_segment(struct recovery *recovery, uint32_t slot)
{
    char path[PATH_BYTES];
    struct disk_file *file;
    store_segment_path(recovery->spool, slot, path);
    enum err err = disk_open(recovery->spool->disk, path, DISK_WRITE, 0, &file);
    if (err == ERR_NOT_FOUND || store_get(recovery->spool, slot)) {
        if (!err)
            disk_close(file);
        return OK; /* the number written in another way */
    }
    return err ? err : load_segment(recovery, segment_new(slot, file));
}

enum err recovery_load(struct recovery *recovery)
{
    char directory[PATH_BYTES];
    struct slots slots = {0};
    snprintf(directory, sizeof directory, "%s/segments", recovery->spool->directory);
    enum err err = disk_list(recovery->spool->disk, directory, note_name, &slots);
    if (slots.count)
        qsort(slots.at, slots.count, sizeof *slots.at, compare_slots);
    for (size_t i = 0; i < slots.count && !err; i++)
        err = open_segment(recovery, slots.at[i]);
    mem_free(slots.at);
    return err;
}
