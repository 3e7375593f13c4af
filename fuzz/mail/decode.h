/* Decoders for what transfer_encoding.h writes, for the laws alone. */
#ifndef FUZZ_MAIL_DECODE_H
#define FUZZ_MAIL_DECODE_H

#include "base/buf.h"
#include "base/encode.h"

static inline char decode_hex(char c)
{
    assert(char_is_digit(c) || (c >= 'A' && c <= 'F'));
    return (char)(char_is_digit(c) ? c - '0' : c - 'A' + 10);
}

static inline void decode_put(struct buf *out, struct str bytes)
{
    enum err err = buf_add(out, bytes);
    assert(!err);
}

/* One line without its end. Returns whether it goes on in the next. */
static inline bool decode_quoted_line(struct str line, struct buf *out)
{
    assert(line.len <= 76);
    assert(!line.len || !char_is_wsp(line.at[line.len - 1]));
    for (size_t i = 0; i < line.len; i++) {
        char c = line.at[i];
        assert((c >= ' ' && c < 0x7f) || c == '\t');
        if (c == '=' && i + 1 == line.len)
            return true;
        if (c == '=') {
            assert(i + 2 < line.len);
            c = (char)(decode_hex(line.at[i + 1]) << 4 | decode_hex(line.at[i + 2]));
            i += 2;
        }
        decode_put(out, str_make(&c, 1));
    }
    return false;
}

static inline void decode_quoted(struct str text, struct buf *out)
{
    while (text.len) {
        size_t end = str_search(text, STR("\r\n"));
        bool goes_on = decode_quoted_line(str_first(text, end), out);
        if (end == SIZE_MAX)
            return;
        if (!goes_on)
            decode_put(out, STR("\r\n"));
        text = str_from(text, end + 2);
    }
}

static inline void decode_base64(struct str text, struct buf *out)
{
    struct arena arena = arena_make();
    while (text.len) {
        size_t end = str_search(text, STR("\r\n"));
        struct str line = str_first(text, end), bytes;
        assert(line.len > 0 && line.len <= 76);
        enum err err = base64_decode(&arena, line, &bytes);
        assert(!err);
        decode_put(out, bytes);
        text = end == SIZE_MAX ? STR_EMPTY : str_from(text, end + 2);
    }
    arena_reset(&arena);
}

#endif
