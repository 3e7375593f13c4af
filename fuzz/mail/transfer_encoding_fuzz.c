/* Laws: no line over 76 bytes, none that ends in a blank, no byte above 127; decoding gives the
 * bytes back; any split gives the same text. The first byte chooses the encoding and the pieces. */
#include "decode.h"
#include "mail/transfer_encoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buf encode(enum transfer_encoding encoding, struct str bytes, size_t piece)
{
    struct buf out = buf_make(1 << 24);
    struct transfer_encoder encoder = transfer_encoder_make(encoding, &out);
    enum err err = OK;
    for (; bytes.len && !err; bytes = str_from(bytes, piece))
        err = transfer_encode(&encoder, str_first(bytes, piece));
    if (!err)
        err = transfer_encode_end(&encoder);
    assert(!err);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str bytes = str_make((const char *)data + 1, size - 1);
    enum transfer_encoding encoding = data[0] & 1 ? TRANSFER_BASE64 : TRANSFER_QUOTED_PRINTABLE;
    struct buf text = encode(encoding, bytes, SIZE_MAX);
    struct buf same = encode(encoding, bytes, (size_t)data[0] / 2 + 1);
    struct buf back = buf_make(1 << 24);
    assert(str_eq(buf_str(&text), buf_str(&same)));
    if (encoding == TRANSFER_BASE64)
        decode_base64(buf_str(&text), &back);
    else
        decode_quoted(buf_str(&text), &back);
    assert(str_eq(buf_str(&back), bytes));
    buf_free(&text);
    buf_free(&same);
    buf_free(&back);
    return 0;
}
