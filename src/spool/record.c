#include "spool/record.h"

#include "base/crc32c.h"
#include "spool/wire.h"

#define MAGIC              0x31725250u /* "PRr1" */
#define CRC_AT             28
#define FIELD_PREFIX_BYTES 6

static uint32_t header_crc(struct str header)
{
    static const char zeros[4];
    uint32_t crc = crc32c(0, str_first(header, CRC_AT));
    crc = crc32c(crc, str_make(zeros, sizeof zeros));
    return crc32c(crc, str_from(header, CRC_AT + sizeof zeros));
}

void record_header_write(const struct record_header *header, char out[RECORD_HEADER_BYTES])
{
    memset(out, 0, RECORD_HEADER_BYTES);
    wire_put(out, MAGIC, 4);
    wire_put(out + 4, header->type, 1);
    wire_put(out + 5, header->flags, 1);
    wire_put(out + 6, RECORD_HEADER_BYTES, 2);
    wire_put(out + 8, header->body_len, 4);
    wire_put(out + 12, header->head_len, 4);
    wire_put(out + 16, header->head_crc, 4);
    wire_put(out + 20, header->group_index, 2);
    wire_put(out + 24, header->proven_unit, 4);
    wire_put(out + 32, header->sequence, 8);
    wire_put(out + 40, header->generation, 8);
    wire_put(out + 48, header->salt, 8);
    wire_put(out + 56, header->id, 8);
    wire_put(out + CRC_AT, header_crc(str_make(out, RECORD_HEADER_BYTES)), 4);
}

enum err record_header_read(struct str in, struct record_header *out_header)
{
    if (in.len < RECORD_HEADER_BYTES)
        return ERR_MORE;
    const char *at = in.at;
    if (wire_get(at, 4) != MAGIC || wire_get(at + 6, 2) != RECORD_HEADER_BYTES)
        return ERR_CORRUPT;
    if (wire_get(at + CRC_AT, 4) != header_crc(str_first(in, RECORD_HEADER_BYTES)))
        return ERR_CORRUPT;
    struct record_header header = {
        .type = (uint8_t)wire_get(at + 4, 1),
        .flags = (uint8_t)wire_get(at + 5, 1),
        .body_len = (uint32_t)wire_get(at + 8, 4),
        .head_len = (uint32_t)wire_get(at + 12, 4),
        .head_crc = (uint32_t)wire_get(at + 16, 4),
        .group_index = (uint16_t)wire_get(at + 20, 2),
        .proven_unit = (uint32_t)wire_get(at + 24, 4),
        .sequence = wire_get(at + 32, 8),
        .generation = wire_get(at + 40, 8),
        .salt = wire_get(at + 48, 8),
        .id = wire_get(at + 56, 8),
    };
    if (header.head_len > header.body_len || header.id > RECORD_ID_MAX ||
        header.sequence > RECORD_NUMBER_MAX || header.generation > RECORD_NUMBER_MAX)
        return ERR_CORRUPT;
    *out_header = header;
    return OK;
}

uint64_t record_bytes(uint64_t body_len)
{
    uint64_t bytes = RECORD_HEADER_BYTES + body_len;
    return (bytes + SPOOL_ALIGN_BYTES - 1) / SPOOL_ALIGN_BYTES * SPOOL_ALIGN_BYTES;
}

uint64_t record_units(const struct record_header *header)
{
    return record_bytes(header->body_len) / SPOOL_ALIGN_BYTES;
}

enum err field_add(struct buf *out, uint16_t tag, struct str value)
{
    char prefix[FIELD_PREFIX_BYTES];
    if (value.len > UINT32_MAX)
        return ERR_LIMIT;
    enum err err = buf_reserve(out, sizeof prefix + value.len);
    if (err)
        return err;
    wire_put(prefix, tag, 2);
    wire_put(prefix + 2, value.len, 4);
    err = buf_add(out, str_make(prefix, sizeof prefix));
    return err ? err : buf_add(out, value);
}

enum err field_next(struct str *rest, struct field *out_field)
{
    if (rest->len == 0)
        return ERR_MORE;
    struct wire_reader reader = wire_reader_make(*rest);
    struct field field = {.tag = wire_read16(&reader)};
    field.value = wire_read_bytes(&reader, wire_read32(&reader));
    if (reader.failed)
        return ERR_CORRUPT;
    *rest = reader.rest;
    *out_field = field;
    return OK;
}
