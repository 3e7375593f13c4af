/* Laws: any pieces give the same canonical form; made canonical twice is made canonical once. The
 * first byte says how large the pieces are, the second which form. */
#include "base/buf.h"
#include "mail/header.h"
#include "verify/canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(void *context, struct str bytes)
{
    enum err err = buf_add(context, bytes);
    assert(err == OK);
}

static struct buf body_of(enum canonicalization kind, struct str bytes, size_t piece)
{
    struct buf out = buf_make(1 << 24);
    struct canonical_sink sink;
    struct canonical_body body = canonical_body_make(kind);
    canonical_sink_init(&sink, put, &out);
    for (; bytes.len; bytes = str_from(bytes, min_size(piece, bytes.len)))
        canonical_body_add(&body, str_first(bytes, piece), &sink);
    canonical_body_end(&body, &sink);
    return out;
}

static struct buf field_of(enum canonicalization kind, struct str raw)
{
    struct buf out = buf_make(1 << 24);
    struct canonical_sink sink;
    canonical_sink_init(&sink, put, &out);
    canonical_field(kind, raw, &sink);
    canonical_sink_flush(&sink);
    return out;
}

static void check_body(enum canonicalization kind, struct str bytes, size_t piece)
{
    struct buf whole = body_of(kind, bytes, SIZE_MAX), cut = body_of(kind, bytes, piece);
    struct buf again = body_of(kind, buf_str(&whole), piece);
    assert(str_eq(buf_str(&whole), buf_str(&cut)));
    assert(str_eq(buf_str(&whole), buf_str(&again)));
    assert(whole.len <= bytes.len + 2);
    assert(whole.len == 0 || str_ends(buf_str(&whole), STR("\r\n")));
    buf_free(&whole);
    buf_free(&cut);
    buf_free(&again);
}

static void check_field(enum canonicalization kind, struct str bytes)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    if (mail_header_next(&reader, bytes, true, &field) != MAIL_HEADER_FIELD || !field.name.len)
        return;
    struct buf once = field_of(kind, field.raw), twice = field_of(kind, buf_str(&once));
    assert(str_eq(buf_str(&once), buf_str(&twice)));
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct str bytes = str_make((const char *)data + 2, size - 2);
    enum canonicalization kind = data[1] & 1 ? CANONICAL_RELAXED : CANONICAL_SIMPLE;
    check_body(kind, bytes, (size_t)data[0] + 1);
    check_field(kind, bytes);
    return 0;
}
