/* Domain names (RFC 1035 sections 3.1, 4.1.4, 5.1), as bytes on the wire and as text. Pure.
 *
 * A label may hold any byte. In text a dot or backslash within a label is "\." or "\\", and what is
 * not printable is "\DDD", so that text has no NUL, blank, control or 8-bit byte in it, and one
 * name has one form but for the case of letters. There is no trailing dot; the root is "". */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include "base/arena.h"
#include "base/err.h"

#define DNS_NAME_MAX 255 /* bytes on the wire */

struct dns_name {
    uint8_t len; /* with the root's zero byte */
    uint8_t bytes[DNS_NAME_MAX];
};

/* Any escapes are understood. ERR_SYNTAX: an empty label (so also a trailing dot), a label over 63
 * bytes, a name over 255, a bad escape. */
MUST_CHECK enum err dns_name_from_text(struct str text, struct dns_name *out_name);
struct str dns_name_print(struct arena *arena, const struct dns_name *name);

/* Reads the name at `at` in `message`. *out_next: behind it. `may_point`: as in a whole message,
 * where names are compressed; pointers lead backwards only. */
MUST_CHECK enum err dns_name_read(struct str message, size_t at, bool may_point,
                                  struct dns_name *out_name, size_t *out_next);
bool dns_name_eq(const struct dns_name *a, const struct dns_name *b);
static inline struct str dns_name_wire(const struct dns_name *name)
{
    return str_make((const char *)name->bytes, name->len);
}

#endif
