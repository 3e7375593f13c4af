/* Bytes as text and back: base64 (RFC 4648 section 4), hexadecimal. Strict: no blanks, no missing
 * padding, no stray bits, so that one value has one form. */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

static inline size_t base64_encoded_len(size_t len) { return (len + 2) / 3 * 4; }
/* `out` has room for base64_encoded_len(bytes.len). */
void base64_write(struct str bytes, char *out);
struct str base64_encode(struct arena *arena, struct str bytes);
/* ERR_SYNTAX when `text` is not exactly one canonical base64 value. Empty text is empty bytes. */
MUST_CHECK enum err base64_decode(struct arena *arena, struct str text, struct str *out_bytes);

/* Lower-case hexadecimal. */
struct str hex_encode(struct arena *arena, struct str bytes);
/* Either case. */
MUST_CHECK enum err hex_decode(struct arena *arena, struct str text, struct str *out_bytes);

#endif
