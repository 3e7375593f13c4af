/* A slice of bytes that belong to someone else. Not terminated, may hold any byte.
 * The one string type: what borrows is a `struct str`, what owns is a `struct buf` or an arena. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/defs.h"

#include <string.h>

struct str {
    const char *at;
    size_t len;
};

/* A slice of a string literal. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_EMPTY    ((struct str){"", 0})

/* For printf: printf("%.*s", STR_FMT(s)). Only for bytes known to be printable. */
#define STR_FMT(s) (int)(s).len, (s).at

static inline struct str str_of(const char *terminated)
{
    return (struct str){terminated, strlen(terminated)};
}

static inline struct str str_make(const char *at, size_t len) { return (struct str){at, len}; }

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* ASCII case folding only, whatever the locale: what SMTP and DNS mean by case-insensitive. */
static inline char char_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }
static inline char char_upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 32) : c; }
static inline bool char_is_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool char_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool char_is_alnum(char c) { return char_is_digit(c) || char_is_alpha(c); }
static inline bool char_is_wsp(char c) { return c == ' ' || c == '\t'; }
/* US-ASCII control: below SP, or DEL. */
static inline bool char_is_control(char c) { return (unsigned char)c < 0x20 || c == 0x7f; }
static inline bool char_is_8bit(char c) { return (unsigned char)c >= 0x80; }

bool str_eq_nocase(struct str a, struct str b);
/* <0, 0, >0 by bytes, a shorter prefix first. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_ends_nocase(struct str s, struct str suffix);

/* Position of the first (last) such byte, or SIZE_MAX. */
size_t str_find(struct str s, char c);
size_t str_find_last(struct str s, char c);
/* Position of the first occurrence of `needle`, or SIZE_MAX. An empty needle is found at 0. */
size_t str_search(struct str s, struct str needle);

/* From `from` (clamped) to the end; the first `len` (clamped) bytes. */
struct str str_from(struct str s, size_t from);
struct str str_first(struct str s, size_t len);

/* Cuts `s` at the first `c`: *out_head what stands before, *out_tail what stands behind.
 * Returns false, and leaves both alone, when there is none. */
bool str_cut(struct str s, char c, struct str *out_head, struct str *out_tail);

/* Without SP and TAB (and CR, LF) at both ends. */
struct str str_trim(struct str s);

/* All of `s` as an unsigned decimal number; false when it is empty, holds anything but digits,
 * or exceeds `max`. */
MUST_CHECK bool str_to_u64(struct str s, uint64_t max, uint64_t *out_value);

/* True when the bytes are well-formed UTF-8 (RFC 3629: no overlongs, no surrogates). */
bool str_is_utf8(struct str s);
bool str_has_8bit(struct str s);

/* A hash for tables, seeded once per process so that peers cannot choose collisions. */
uint64_t str_hash(struct str s);

#endif
