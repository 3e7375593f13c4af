/* A message for a host that takes 7-bit content only (RFC 6152 section 3): each part with bytes
 * above 127 in it becomes quoted-printable (text) or base64 (all else), as RFC 2045 wants it. What
 * holds none stays as it is, byte for byte; of the others the Content-Transfer-Encoding is written
 * anew, that of the parts they lie in becomes 7bit, and fields that are missing are added at the
 * end of the header:
 *   - MIME-Version to a message without it;
 *   - Content-Type to a part without it: text/plain, in UTF-8 if all of it is that, else in
 *     "unknown-8bit" (RFC 1428 section 3), for nothing else is known.
 *
 * It takes two readings: the planner reads all of the message, since a header comes before the
 * bytes that decide it; then the converter.
 *
 * Laws: what comes out has no byte above 127 and the same outline, and its parts decode to the same
 * bytes; a message without such bytes comes out as it is; any split gives the same. */
#ifndef MAIL_SEVEN_BIT_H
#define MAIL_SEVEN_BIT_H

#include "mail/mime_reader.h"
#include "mail/transfer_encoding.h"
#include "mail/utf8.h"

enum seven_bit_answer {
    SEVEN_BIT_ALREADY,  /* nothing is to be done */
    SEVEN_BIT_POSSIBLE, /* the plan says how */
    /* It cannot be, since the bytes above 127 are: */
    SEVEN_BIT_SIGNED,      /* in a message with a signature over all of it: DKIM or ARC */
    SEVEN_BIT_SEALED,      /* in a part that is signed or encrypted: S/MIME or PGP */
    SEVEN_BIT_UTF8_HEADER, /* in a header, as UTF-8 (RFC 6532) */
    SEVEN_BIT_HEADER,      /* in a header, as nobody knows what */
    SEVEN_BIT_OUTSIDE,     /* before, between or behind parts */
    SEVEN_BIT_UNENCODABLE, /* in a part of a type that must not be encoded, as message/partial */
    SEVEN_BIT_ENCODED,     /* in a part that is encoded already, or in an unknown way */
    SEVEN_BIT_UNCLEAR,     /* in parts that readers would not agree on, or that are too many */
};

enum seven_bit_action {
    SEVEN_BIT_KEEP,
    SEVEN_BIT_RELABEL, /* parts of it are encoded */
    SEVEN_BIT_QUOTE,
    SEVEN_BIT_QUOTE_UTF8, /* and it is UTF-8 */
    SEVEN_BIT_BASE64,
};

struct seven_bit_plan {
    enum seven_bit_answer answer;
    uint8_t actions[MIME_PARTS_MAX]; /* enum seven_bit_action, by the numbers of parts */
};

struct seven_bit_planner {
    struct seven_bit_plan *plan;
    /* private: */
    struct mime_reader reader;
    uint16_t parents[MIME_PARTS_MAX];
    bool is_signed;
    struct mail_utf8 header; /* of all headers together */
    struct mail_utf8 body;   /* of the part under way */
};

/* Large: put it where there is room. The plan is whole at the end. */
void seven_bit_plan_begin(struct seven_bit_planner *planner, struct seven_bit_plan *plan);
void seven_bit_plan_add(struct seven_bit_planner *planner, struct str bytes);
void seven_bit_plan_end(struct seven_bit_planner *planner);

struct seven_bit_converter {
    /* private: */
    const struct seven_bit_plan *plan;
    struct buf *out;
    enum err err;
    struct mime_reader reader;
    struct transfer_encoder encoder;
    bool is_encoding;
};

/* Of a plan that is possible, or has nothing to do; it and the buffer outlive the converter. */
void seven_bit_convert_begin(struct seven_bit_converter *converter,
                             const struct seven_bit_plan *plan, struct buf *out);
/* Adds to the buffer what is certain. ERR_LIMIT as buf_add. */
MUST_CHECK enum err seven_bit_convert(struct seven_bit_converter *converter, struct str bytes);
MUST_CHECK enum err seven_bit_convert_end(struct seven_bit_converter *converter);

#endif
