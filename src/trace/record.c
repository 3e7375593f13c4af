#include "trace/record.h"

#include "base/crc32c.h"
#include "spool/wire.h"

#define CRC_AT      4
#define CRC_FROM    8
#define LENGTH_AT   8
#define TEXT_LEN_AT 12
#define ID_AT       16
#define WALL_AT     24
#define KIND_AT     32
#define PAYLOAD_MAX (TRACE_RECORD_MAX_BYTES - TRACE_RECORD_HEADER_BYTES)

static const char magic[4] = {'\xff', 'T', 'R', '1'};

/* ---- writing ---- */

static size_t text_len(const struct trace_event *event)
{
    return min_size(event->text.len, PAYLOAD_MAX);
}

static size_t transcript_len(const struct trace_event *event)
{
    return min_size(event->transcript.len, PAYLOAD_MAX - text_len(event));
}

size_t trace_record_size(const struct trace_event *event)
{
    return TRACE_RECORD_HEADER_BYTES + text_len(event) + transcript_len(event);
}

void trace_record_write(const struct trace_event *event, char *out)
{
    memcpy(out, magic, sizeof magic);
    wire_put(out + CRC_AT, 0, 4);
    wire_put(out + LENGTH_AT, (uint32_t)trace_record_size(event), 4);
    wire_put(out + TEXT_LEN_AT, (uint32_t)text_len(event), 4);
    wire_put(out + ID_AT, event->id, 8);
    wire_put(out + WALL_AT, (uint64_t)event->wall_us, 8);
    out[KIND_AT] = (char)event->kind;
    char *payload = out + TRACE_RECORD_HEADER_BYTES;
    if (event->text.len)
        memcpy(payload, event->text.at, text_len(event));
    if (event->transcript.len)
        memcpy(payload + text_len(event), event->transcript.at, transcript_len(event));
}

size_t trace_record_len(const char *record) { return wire_get(record + LENGTH_AT, 4); }

static uint32_t checksum(const char *record, size_t len)
{
    return crc32c(0, str_make(record + CRC_FROM, len - CRC_FROM));
}

void trace_record_seal(char *record)
{
    wire_put(record + CRC_AT, checksum(record, trace_record_len(record)), 4);
}

/* ---- reading ---- */

enum err trace_record_read(struct str in, struct trace_event *out_event, size_t *out_len)
{
    if (memcmp(in.at, magic, min_size(in.len, sizeof magic)) != 0)
        return ERR_CORRUPT;
    if (in.len < TRACE_RECORD_HEADER_BYTES)
        return ERR_MORE;
    size_t len = wire_get(in.at + LENGTH_AT, 4);
    size_t text = wire_get(in.at + TEXT_LEN_AT, 4);
    if (len < TRACE_RECORD_HEADER_BYTES || len > TRACE_RECORD_MAX_BYTES ||
        text > len - TRACE_RECORD_HEADER_BYTES)
        return ERR_CORRUPT;
    if (in.len < len)
        return ERR_MORE;
    unsigned kind = (unsigned char)in.at[KIND_AT];
    if (wire_get(in.at + CRC_AT, 4) != checksum(in.at, len) || kind > TRACE_KIND_LAST)
        return ERR_CORRUPT;
    const char *payload = in.at + TRACE_RECORD_HEADER_BYTES;
    *out_event = (struct trace_event){
        .id = wire_get(in.at + ID_AT, 8),
        .kind = (enum trace_kind)kind,
        .wall_us = (int64_t)wire_get(in.at + WALL_AT, 8),
        .text = str_make(payload, text),
        .transcript = str_make(payload + text, len - TRACE_RECORD_HEADER_BYTES - text),
    };
    *out_len = len;
    return OK;
}

size_t trace_record_find(struct str in, size_t from)
{
    size_t at = str_search(str_from(in, from), str_make(magic, sizeof magic));
    return at == SIZE_MAX ? in.len : from + at;
}
