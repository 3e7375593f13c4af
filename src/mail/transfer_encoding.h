/* Encoding bytes that come in pieces for a 7-bit way: quoted-printable (RFC 2045 section 6.7) and
 * base64 (6.8). No line is over 76 bytes, and decoding gives the bytes back.
 *
 * Law: any split of the bytes gives the same text. */
#ifndef MAIL_TRANSFER_ENCODING_H
#define MAIL_TRANSFER_ENCODING_H

#include "base/buf.h"

#define TRANSFER_LINE_MAX_BYTES 76
#define TRANSFER_BASE64_BYTES   57 /* of one line */

enum transfer_encoding { TRANSFER_QUOTED_PRINTABLE, TRANSFER_BASE64 };

struct transfer_encoder {
    enum transfer_encoding encoding;
    /* private: */
    struct buf *out;
    enum err err;
    char line[TRANSFER_LINE_MAX_BYTES]; /* quoted-printable: text; base64: bytes */
    size_t line_len;
    char blank; /* may be the last of its line; 0: none */
    bool is_after_cr;
    bool is_broken;  /* the line goes on one that a soft line break ended */
    bool has_broken; /* base64: a line was written */
};

struct transfer_encoder transfer_encoder_make(enum transfer_encoding encoding, struct buf *out);
/* Adds to the buffer what is certain. ERR_LIMIT as buf_add. */
MUST_CHECK enum err transfer_encode(struct transfer_encoder *encoder, struct str bytes);
/* Nothing follows. Base64 ends without a line end, quoted-printable with one if the bytes do. */
MUST_CHECK enum err transfer_encode_end(struct transfer_encoder *encoder);

#endif
