#include "base/buf.h"

#include "base/mem.h"

#include <stdio.h>

struct buf buf_make(size_t limit) { return (struct buf){.limit = limit}; }

void buf_free(struct buf *buf)
{
    mem_free(buf->at);
    *buf = buf_make(buf->limit);
}

enum err buf_reserve(struct buf *buf, size_t more)
{
    if (more > buf->limit - buf->len)
        return ERR_LIMIT;
    size_t need = buf->len + more;
    if (need <= buf->cap)
        return OK;
    size_t cap = max_size(max_size(need, buf->cap * 2), 64);
    buf->cap = min_size(cap, buf->limit);
    buf->at = mem_grow(buf->at, buf->cap);
    return OK;
}

enum err buf_add(struct buf *buf, struct str bytes)
{
    enum err err = buf_reserve(buf, bytes.len);
    if (err)
        return err;
    if (bytes.len)
        memcpy(buf->at + buf->len, bytes.at, bytes.len);
    buf->len += bytes.len;
    return OK;
}

enum err buf_add_char(struct buf *buf, char c) { return buf_add(buf, str_make(&c, 1)); }

enum err buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    char small[256];
    int len = vsnprintf(small, sizeof small, format, args);
    assert(len >= 0);
    enum err err;
    if ((size_t)len < sizeof small) {
        err = buf_add(buf, str_make(small, (size_t)len));
    } else {
        /* vsnprintf ends with a NUL, which is not ours to keep: one byte beyond the limit. */
        char *large = mem_alloc((size_t)len + 1);
        vsnprintf(large, (size_t)len + 1, format, again);
        err = buf_add(buf, str_make(large, (size_t)len));
        mem_free(large);
    }
    va_end(again);
    return err;
}

enum err buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum err err = buf_vprintf(buf, format, args);
    va_end(args);
    return err;
}

void buf_add_cut(struct buf *buf, struct str bytes)
{
    enum err err = buf_add(buf, str_first(bytes, buf->limit - buf->len));
    assert(!err);
}

void buf_drop(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len -= len;
    if (buf->len)
        memmove(buf->at, buf->at + len, buf->len);
}
