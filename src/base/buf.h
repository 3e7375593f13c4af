/* Bytes that are owned and may grow, up to the limit they were born with. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

#include <stdarg.h>

struct buf {
    char *at; /* NULL while nothing was ever put in */
    size_t len;
    size_t cap;
    size_t limit; /* of len, in bytes */
};

struct buf buf_make(size_t limit);
/* Frees the memory; the buffer is empty and usable again, with the same limit. */
void buf_free(struct buf *buf);
/* Empties it and keeps the memory. */
static inline void buf_clear(struct buf *buf) { buf->len = 0; }

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->at ? buf->at : "", buf->len};
}

/* ERR_LIMIT when it would exceed the limit; then nothing was added. */
MUST_CHECK enum err buf_add(struct buf *buf, struct str bytes);
MUST_CHECK enum err buf_add_char(struct buf *buf, char c);
MUST_CHECK enum err buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
MUST_CHECK enum err buf_vprintf(struct buf *buf, const char *format, va_list args)
    PRINTF_LIKE(2, 0);
/* As much as fits, without an error: for logs and other text that may be cut. */
void buf_add_cut(struct buf *buf, struct str bytes);
/* Makes room for `more` further bytes at at[len]; the caller raises len by what it wrote. */
MUST_CHECK enum err buf_reserve(struct buf *buf, size_t more);
/* Removes the first `len` bytes. */
void buf_drop(struct buf *buf, size_t len);

#endif
