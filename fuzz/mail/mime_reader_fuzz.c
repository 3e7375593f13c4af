/* Laws: the bytes of all events are the message (outline.h); any split gives the same parts, with
 * the same bytes in each. The first byte says how large the pieces are. */
#include "outline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct outline_part *a, const struct outline_part *b)
{
    assert(outline_part_eq(&a->part, &b->part));
    assert(a->part.encoding == b->part.encoding && a->part.is_signed == b->part.is_signed);
    assert(a->part.has_type == b->part.has_type && a->part.has_version == b->part.has_version);
    assert(str_eq(buf_str(&a->fields), buf_str(&b->fields)));
    assert(str_eq(buf_str(&a->encoding), buf_str(&b->encoding)));
    assert(str_eq(buf_str(&a->body), buf_str(&b->body)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str message = str_make((const char *)data + 1, size - 1);
    struct outline *whole = outline_read(message, SIZE_MAX);
    struct outline *pieces = outline_read(message, (size_t)data[0] + 1);
    assert(whole->count == pieces->count && whole->count > 0);
    assert(whole->reader.is_doubtful == pieces->reader.is_doubtful);
    assert(str_eq(buf_str(&whole->frame), buf_str(&pieces->frame)));
    for (size_t i = 0; i < whole->count; i++)
        check_same(&whole->parts[i], &pieces->parts[i]);
    outline_free(whole);
    outline_free(pieces);
    return 0;
}
