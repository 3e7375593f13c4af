/* Law: well-formed are exactly the texts that come back when their code points are encoded again
 * in the one form that RFC 3629 allows. The decoder here is deliberately lenient and written
 * another way than the one under test. */
#include "base/buf.h"
#include "base/str.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the code point that the lead byte announces off the text, however overlong. */
static uint32_t take(const uint8_t **at, const uint8_t *end)
{
    uint8_t lead = *(*at)++;
    int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    uint32_t code = more ? lead & (0x3fu >> more) : lead;
    for (; more > 0 && *at < end; more--)
        code = code << 6 | (*(*at)++ & 0x3f);
    return code;
}

static void put(struct buf *out, uint32_t code)
{
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0x00, 0xc0, 0xe0, 0xf0};
    char bytes[4];
    bytes[0] = (char)(leads[more] | (code >> (6 * more)));
    for (int i = 1; i <= more; i++)
        bytes[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
    buf_add_cut(out, str_make(bytes, (size_t)more + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size);
    struct buf again = buf_make(size * 4 + 4);
    bool allowed = true;
    for (const uint8_t *at = data; at < data + size;) {
        uint32_t code = take(&at, data + size);
        allowed = allowed && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
        put(&again, code);
    }
    if (str_is_utf8(input) != (allowed && str_eq(buf_str(&again), input)))
        abort();
    buf_free(&again);
    return 0;
}
