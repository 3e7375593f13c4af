#include "spool/scan.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "spool/wire.h"

static void found_add(struct scan *scan, struct scan_found found)
{
    if (scan->count == scan->cap) {
        scan->cap = scan->cap ? scan->cap * 2 : 256;
        scan->found = mem_grow(scan->found, scan->cap * sizeof *scan->found);
    }
    scan->found[scan->count++] = found;
}

void scan_done(struct scan *scan)
{
    mem_free(scan->found);
    *scan = (struct scan){0};
}

/* The checksum of the inline content, as the head has it. */
static bool content_holds(struct str head, struct str content)
{
    struct field field;
    while (field_next(&head, &field) == OK) {
        if (field.tag != FIELD_CONTENT)
            continue;
        struct wire_reader reader = wire_reader_make(field.value);
        uint64_t size = wire_read64(&reader);
        uint32_t crc = wire_read32(&reader);
        return !reader.failed && size == content.len && crc == crc32c(0, content);
    }
    return false;
}

bool scan_body_holds(const struct record_header *header, struct str in)
{
    if (in.len < RECORD_HEADER_BYTES + (size_t)header->body_len)
        return false;
    struct str body = str_first(str_from(in, RECORD_HEADER_BYTES), header->body_len);
    struct str head = str_first(body, header->head_len);
    if (crc32c(0, head) != header->head_crc)
        return false;
    if (header->type != RECORD_MESSAGE || (header->flags & RECORD_IN_FILE))
        return header->type == RECORD_FILL || header->body_len == header->head_len;
    return content_holds(head, str_from(body, header->head_len));
}

/* Whether a record of this life begins at `unit` and fits into the segment. */
static bool header_at(struct str segment, uint32_t unit, struct segment_life life,
                      struct record_header *out_header)
{
    struct record_header header;
    struct str rest = str_from(segment, (size_t)unit * SPOOL_ALIGN_BYTES);
    if (record_header_read(rest, &header) || header.generation != life.generation ||
        header.salt != life.salt || header.proven_unit > unit)
        return false;
    if (record_units(&header) > rest.len / SPOOL_ALIGN_BYTES)
        return false;
    *out_header = header;
    return true;
}

static void gap_add(struct scan *scan, uint32_t from, uint32_t to)
{
    if (from < to)
        found_add(scan, (struct scan_found){.unit = from, .units = to - from, .kind = SCAN_GAP});
}

static void record_add(struct scan *scan, const struct record_header *header, uint32_t unit,
                       struct str rest)
{
    found_add(scan, (struct scan_found){
                        .unit = unit,
                        .units = (uint32_t)record_units(header),
                        .kind = scan_body_holds(header, rest) ? SCAN_RECORD : SCAN_BAD_BODY,
                        .type = header->type,
                        .flags = header->flags,
                        .group_index = header->group_index,
                        .id = header->id,
                        .sequence = header->sequence,
                    });
}

static void find_records(struct str segment, struct segment_life life, struct scan *scan)
{
    uint32_t unit_count = (uint32_t)(segment.len / SPOOL_ALIGN_BYTES);
    scan->end_unit = SEGMENT_FIRST_UNIT;
    for (uint32_t unit = SEGMENT_FIRST_UNIT; unit < unit_count;) {
        struct record_header header;
        if (!header_at(segment, unit, life, &header)) {
            unit++;
            continue;
        }
        gap_add(scan, scan->end_unit, unit);
        if (header.type != RECORD_FILL)
            record_add(scan, &header, unit, str_from(segment, (size_t)unit * SPOOL_ALIGN_BYTES));
        if (header.proven_unit > scan->proven_unit)
            scan->proven_unit = header.proven_unit;
        unit += (uint32_t)record_units(&header);
        scan->end_unit = unit;
    }
}

/* A gap that reaches over the proven unit is two: damage, and what was torn. */
static void split_gap(struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        struct scan_found *found = &scan->found[i];
        uint32_t end = found->unit + found->units;
        if (found->kind != SCAN_GAP || found->unit >= scan->proven_unit || end <= scan->proven_unit)
            continue;
        struct scan_found rest = *found;
        found->units = scan->proven_unit - found->unit;
        rest.unit = scan->proven_unit;
        rest.units = end - scan->proven_unit;
        found_add(scan, rest);
        memmove(scan->found + i + 2, scan->found + i + 1,
                (scan->count - i - 2) * sizeof *scan->found);
        scan->found[i + 1] = rest;
        return;
    }
}

/* How many findings from `first` on are one whole group; 0: it is not whole. */
static size_t group_length(const struct scan *scan, size_t first)
{
    for (size_t i = first; i < scan->count; i++) {
        const struct scan_found *found = &scan->found[i];
        if (found->kind != SCAN_RECORD || found->group_index != i - first)
            return 0;
        if (i > first && found->unit != found[-1].unit + found[-1].units)
            return 0;
        if (!(found->flags & RECORD_CONTINUES))
            return i - first + 1;
    }
    return 0;
}

static void judge(struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        struct scan_found *found = &scan->found[i];
        if (found->unit < scan->proven_unit) {
            found->verdict = found->kind == SCAN_RECORD ? SCAN_COUNTS : SCAN_DAMAGED;
            continue;
        }
        size_t whole = group_length(scan, i);
        found->verdict = whole ? SCAN_COUNTS : SCAN_TORN;
        for (size_t next = 1; next < whole; next++)
            scan->found[++i].verdict = SCAN_COUNTS;
    }
}

void scan_segment(struct str segment, struct segment_life life, uint32_t proven_unit,
                  struct scan *out_scan)
{
    *out_scan = (struct scan){.proven_unit = proven_unit};
    find_records(segment, life, out_scan);
    split_gap(out_scan);
    judge(out_scan);
}

bool scan_find_life(struct str segment, struct segment_life *out_life)
{
    uint32_t unit_count = (uint32_t)(segment.len / SPOOL_ALIGN_BYTES);
    for (uint32_t unit = SEGMENT_FIRST_UNIT; unit < unit_count; unit++) {
        struct record_header header;
        if (record_header_read(str_from(segment, (size_t)unit * SPOOL_ALIGN_BYTES), &header))
            continue;
        *out_life = (struct segment_life){header.generation, header.salt};
        return true;
    }
    return false;
}
