#include "spool/format.h"

#include "base/crc32c.h"
#include "spool/wire.h"

#define VERSION        1
#define SECOND_COPY_AT 2048
#define HEADER_CRC_AT  60
#define TRAILER_CRC_AT 28
#define CUT_BYTES      24

static const struct str header_magic = {"PRSPOOL\n", 8};
static const struct str trailer_magic = {"PRSPEND\n", 8};

void segment_header_write(const struct segment_header *header, char out[SEGMENT_PAGE_BYTES])
{
    memset(out, 0, SEGMENT_PAGE_BYTES);
    memcpy(out, header_magic.at, header_magic.len);
    wire_put(out + 8, VERSION, 2);
    wire_put(out + 10, header->lane, 1);
    wire_put(out + 12, header->slot, 4);
    wire_put(out + 16, header->life.generation, 8);
    wire_put(out + 24, header->life.salt, 8);
    wire_put(out + 32, header->id_mark, 8);
    wire_put(out + 40, header->sequence_mark, 8);
    wire_put(out + 48, header->size_bytes, 8);
    wire_put(out + HEADER_CRC_AT, crc32c(0, str_make(out, HEADER_CRC_AT)), 4);
    memcpy(out + SECOND_COPY_AT, out, SEGMENT_HEADER_BYTES);
}

static bool size_is_sane(uint64_t size_bytes)
{
    return size_bytes >= SEGMENT_MIN_BYTES && size_bytes <= SEGMENT_MAX_BYTES &&
           size_bytes % SEGMENT_PAGE_BYTES == 0;
}

static enum err copy_read(struct str in, struct segment_header *out_header)
{
    if (in.len < SEGMENT_HEADER_BYTES || !str_starts(in, header_magic) ||
        wire_get(in.at + HEADER_CRC_AT, 4) != crc32c(0, str_first(in, HEADER_CRC_AT)))
        return ERR_CORRUPT;
    if (wire_get(in.at + 8, 2) != VERSION)
        return ERR_UNSUPPORTED;
    struct segment_header header = {
        .lane = (uint8_t)wire_get(in.at + 10, 1),
        .slot = (uint32_t)wire_get(in.at + 12, 4),
        .life = {wire_get(in.at + 16, 8), wire_get(in.at + 24, 8)},
        .id_mark = wire_get(in.at + 32, 8),
        .sequence_mark = wire_get(in.at + 40, 8),
        .size_bytes = wire_get(in.at + 48, 8),
    };
    if (header.lane > LANE_STATUSES || !size_is_sane(header.size_bytes) ||
        header.id_mark > RECORD_ID_MAX || header.sequence_mark > RECORD_NUMBER_MAX ||
        header.life.generation > RECORD_NUMBER_MAX)
        return ERR_CORRUPT;
    *out_header = header;
    return OK;
}

enum err segment_header_read(struct str page, struct segment_header *out_header)
{
    struct segment_header first, second;
    enum err first_err = copy_read(page, &first);
    enum err second_err = copy_read(str_from(page, SECOND_COPY_AT), &second);
    if (first_err == ERR_UNSUPPORTED || second_err == ERR_UNSUPPORTED)
        return ERR_UNSUPPORTED;
    if (first_err && second_err)
        return ERR_CORRUPT;
    bool use_second = first_err || (!second_err && second.life.generation > first.life.generation);
    *out_header = use_second ? second : first;
    return OK;
}

void segment_trailer_write(struct segment_life life, uint32_t unit, char out[SEGMENT_TRAILER_BYTES])
{
    memset(out, 0, SEGMENT_TRAILER_BYTES);
    memcpy(out, trailer_magic.at, trailer_magic.len);
    wire_put(out + 8, life.generation, 8);
    wire_put(out + 16, life.salt, 8);
    wire_put(out + 24, unit, 4);
    wire_put(out + TRAILER_CRC_AT, crc32c(0, str_make(out, TRAILER_CRC_AT)), 4);
}

bool segment_trailer_read(struct str in, struct segment_life life, uint32_t *out_unit)
{
    if (in.len < SEGMENT_TRAILER_BYTES || !str_starts(in, trailer_magic) ||
        wire_get(in.at + TRAILER_CRC_AT, 4) != crc32c(0, str_first(in, TRAILER_CRC_AT)) ||
        wire_get(in.at + 8, 8) != life.generation || wire_get(in.at + 16, 8) != life.salt)
        return false;
    *out_unit = (uint32_t)wire_get(in.at + 24, 4);
    return true;
}

void index_entry_write(const struct index_entry *entry, char out[INDEX_ENTRY_BYTES])
{
    memset(out, 0, INDEX_ENTRY_BYTES);
    wire_put(out, entry->id, 8);
    wire_put(out + 8, entry->unit, 4);
    wire_put(out + 12, entry->type, 1);
    wire_put(out + 13, entry->flags, 1);
}

bool index_entry_next(struct str *rest, struct index_entry *out_entry)
{
    if (rest->len < INDEX_ENTRY_BYTES)
        return false;
    *out_entry = (struct index_entry){
        .id = wire_get(rest->at, 8),
        .unit = (uint32_t)wire_get(rest->at + 8, 4),
        .type = (uint8_t)wire_get(rest->at + 12, 1),
        .flags = (uint8_t)wire_get(rest->at + 13, 1),
    };
    *rest = str_from(*rest, INDEX_ENTRY_BYTES);
    return true;
}

enum err cut_write(struct buf *out, const struct cut *cut)
{
    char value[CUT_BYTES];
    wire_put(value, cut->slot, 4);
    wire_put(value + 4, cut->end_unit, 4);
    wire_put(value + 8, cut->generation, 8);
    wire_put(value + 16, cut->id_mark, 8);
    return field_add(out, FIELD_CUT, str_make(value, sizeof value));
}

enum err cut_read(struct str head, struct cut *out_cut)
{
    struct field field;
    while (field_next(&head, &field) == OK) {
        if (field.tag != FIELD_CUT || field.value.len < CUT_BYTES)
            continue;
        *out_cut = (struct cut){
            .slot = (uint32_t)wire_get(field.value.at, 4),
            .end_unit = (uint32_t)wire_get(field.value.at + 4, 4),
            .generation = wire_get(field.value.at + 8, 8),
            .id_mark = wire_get(field.value.at + 16, 8),
        };
        return out_cut->id_mark <= RECORD_ID_MAX ? OK : ERR_CORRUPT;
    }
    return ERR_CORRUPT;
}
