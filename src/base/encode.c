#include "base/encode.h"

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_alphabet[] = "0123456789abcdef";

static unsigned byte_at(struct str s, size_t at) { return (unsigned char)s.at[at]; }

/* One to three bytes as four characters. */
static void base64_encode_group(struct str bytes, char out[4])
{
    unsigned bits = byte_at(bytes, 0) << 16;
    if (bytes.len > 1)
        bits |= byte_at(bytes, 1) << 8;
    if (bytes.len > 2)
        bits |= byte_at(bytes, 2);
    for (unsigned i = 0; i < 4; i++)
        out[i] = i <= bytes.len ? base64_alphabet[bits >> (18 - 6 * i) & 63] : '=';
}

void base64_write(struct str bytes, char *out)
{
    for (; bytes.len; bytes = str_from(bytes, 3), out += 4)
        base64_encode_group(str_first(bytes, 3), out);
}

struct str base64_encode(struct arena *arena, struct str bytes)
{
    size_t len = base64_encoded_len(bytes.len);
    char *text = arena_alloc(arena, len + 1);
    base64_write(bytes, text);
    text[len] = '\0';
    return str_make(text, len);
}

/* The six bits of a character, or -1. Without a table there is nothing to get wrong. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which the last `padding` are "=", as 3 - padding bytes. */
static enum err base64_decode_group(const char *text, size_t padding, char *out)
{
    unsigned bits = 0;
    for (size_t i = 0; i < 4 - padding; i++) {
        int value = base64_value(text[i]);
        if (value < 0)
            return ERR_SYNTAX;
        bits |= (unsigned)value << (18 - 6 * i);
    }
    size_t len = 3 - padding;
    if (bits & (0xffffffu >> (8 * len))) /* bits that belong to no byte: not canonical */
        return ERR_SYNTAX;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(bits >> (16 - 8 * i));
    return OK;
}

enum err base64_decode(struct arena *arena, struct str text, struct str *out_bytes)
{
    if (text.len % 4)
        return ERR_SYNTAX;
    size_t padding = str_ends(text, STR("==")) ? 2 : str_ends(text, STR("=")) ? 1 : 0;
    size_t len = text.len / 4 * 3 - padding;
    char *bytes = arena_alloc(arena, len + 1);
    for (size_t at = 0, to = 0; at < text.len; at += 4, to += 3) {
        bool last = at + 4 == text.len;
        enum err err = base64_decode_group(text.at + at, last ? padding : 0, bytes + to);
        if (err)
            return err;
    }
    bytes[len] = '\0';
    *out_bytes = str_make(bytes, len);
    return OK;
}

struct str hex_encode(struct arena *arena, struct str bytes)
{
    char *text = arena_alloc(arena, bytes.len * 2 + 1);
    for (size_t i = 0; i < bytes.len; i++) {
        text[2 * i] = hex_alphabet[byte_at(bytes, i) >> 4];
        text[2 * i + 1] = hex_alphabet[byte_at(bytes, i) & 15];
    }
    text[bytes.len * 2] = '\0';
    return str_make(text, bytes.len * 2);
}

static int hex_value(char c)
{
    c = char_lower(c);
    if (char_is_digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err hex_decode(struct arena *arena, struct str text, struct str *out_bytes)
{
    if (text.len % 2)
        return ERR_SYNTAX;
    size_t len = text.len / 2;
    char *bytes = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(text.at[2 * i]);
        int low = hex_value(text.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return ERR_SYNTAX;
        bytes[i] = (char)(high * 16 + low);
    }
    bytes[len] = '\0';
    *out_bytes = str_make(bytes, len);
    return OK;
}
