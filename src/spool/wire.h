/* Little-endian numbers in bytes, and a reader that remembers its first failure. */
#ifndef SPOOL_WIRE_H
#define SPOOL_WIRE_H

#include "base/str.h"

static inline void wire_put(char *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)(unsigned char)(value >> (8 * i));
}

static inline uint64_t wire_get(const char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)(unsigned char)at[i] << (8 * i);
    return value;
}

/* Walks bytes of unknown honesty. After a read beyond the end everything it gives is zero and
 * empty, and `failed` says so: check once, at the end. */
struct wire_reader {
    struct str rest;
    bool failed;
};

static inline struct wire_reader wire_reader_make(struct str bytes)
{
    return (struct wire_reader){.rest = bytes};
}

static inline struct str wire_read_bytes(struct wire_reader *reader, size_t len)
{
    if (reader->failed || len > reader->rest.len) {
        reader->failed = true;
        return STR_EMPTY;
    }
    struct str bytes = str_first(reader->rest, len);
    reader->rest = str_from(reader->rest, len);
    return bytes;
}

static inline uint64_t wire_read(struct wire_reader *reader, size_t bytes)
{
    struct str at = wire_read_bytes(reader, bytes);
    return wire_get(at.at, at.len);
}

static inline uint8_t wire_read8(struct wire_reader *reader)
{
    return (uint8_t)wire_read(reader, 1);
}

static inline uint16_t wire_read16(struct wire_reader *reader)
{
    return (uint16_t)wire_read(reader, 2);
}

static inline uint32_t wire_read32(struct wire_reader *reader)
{
    return (uint32_t)wire_read(reader, 4);
}

static inline uint64_t wire_read64(struct wire_reader *reader) { return wire_read(reader, 8); }

#endif
