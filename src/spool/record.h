/* A record as it lies in a segment: a header of 64 bytes, then a body, which is a head (a row of
 * tagged fields) and, for a small message, its content. Pure: bytes in, values out; docs/spool.md
 * section 2 has the layout. Whatever is read may be hostile. */
#ifndef SPOOL_RECORD_H
#define SPOOL_RECORD_H

#include "base/buf.h"
#include "base/err.h"
#include "spool/envelope.h"
#include "spool/spool.h"

#define RECORD_HEADER_BYTES 64
/* Beyond these a number is damage: what counts on from there must not come to its end. */
#define RECORD_ID_MAX     ((UINT64_C(1) << 60) - (UINT64_C(1) << 40))
#define RECORD_NUMBER_MAX (UINT64_C(1) << 62) /* sequences, generations */

enum record_type {
    RECORD_MESSAGE = 1,
    RECORD_STATUS = 2,
    RECORD_SEAL = 3,
    RECORD_MARK = 4,
    RECORD_CUT = 5,
    RECORD_FILL = 6,
};

enum record_flags {
    RECORD_CONTINUES = 1, /* the group goes on with the next record */
    RECORD_DONE = 2,
    RECORD_IN_FILE = 4, /* the content has a file of its own */
};

struct record_header {
    uint8_t type;
    uint8_t flags;
    uint16_t group_index;
    uint32_t body_len;
    uint32_t head_len; /* at most body_len */
    uint32_t head_crc;
    uint32_t proven_unit;
    uint64_t sequence;
    uint64_t generation;
    uint64_t salt;
    spool_id id;
};

void record_header_write(const struct record_header *header, char out[RECORD_HEADER_BYTES]);
/* ERR_MORE: fewer than 64 bytes. ERR_CORRUPT: no header, or a damaged one. */
MUST_CHECK enum err record_header_read(struct str in, struct record_header *out_header);
/* Header, body and padding, in units of SPOOL_ALIGN_BYTES. */
uint64_t record_units(const struct record_header *header);
/* What a record with a body of that length occupies. */
uint64_t record_bytes(uint64_t body_len);

/* ---- fields of a head ---- */

enum field_tag {
    FIELD_SENDER = 1,
    FIELD_RECIPIENT = 2,
    FIELD_CHANGE = 3,
    FIELD_ENVELOPE_ID = 4,
    FIELD_OPTIONS = 5,
    FIELD_CLIENT_ADDRESS = 6,
    FIELD_CLIENT_HELO = 7,
    FIELD_ACCOUNT = 8,
    FIELD_SERVICE = 9,
    FIELD_RECEIVED = 10,
    FIELD_PREFIX = 11,
    FIELD_CONTENT = 12,
    FIELD_INDEX = 13,
    FIELD_CUT = 14,
    FIELD_FORWARDED = 15,
    FIELD_CRITICAL = 0x8000, /* who does not know the tag must not use the record */
};

struct field {
    uint16_t tag;
    struct str value;
};

/* ERR_LIMIT when the buffer is at its limit. */
MUST_CHECK enum err field_add(struct buf *out, uint16_t tag, struct str value);
/* Cuts the next field off `rest`. ERR_MORE at the end, ERR_CORRUPT when `rest` is not fields. */
MUST_CHECK enum err field_next(struct str *rest, struct field *out_field);

/* ---- the head of a message ---- */

struct message_head {
    struct spool_envelope envelope;
    struct spool_status *statuses; /* recipient_count of them; NULL when writing: all queued */
    struct str prefix;
    uint64_t content_size;
    uint32_t content_crc;
};

MUST_CHECK enum err message_head_write(struct buf *out, const struct message_head *head);
/* Borrows from `in`; arrays are made in the arena. ERR_CORRUPT. */
MUST_CHECK enum err message_head_read(struct str in, struct arena *arena,
                                      struct message_head *out_head);

/* ---- changes of recipients' statuses ---- */

MUST_CHECK enum err changes_write(struct buf *out, const struct spool_change *changes,
                                  size_t count);
/* Applies every change of the head to `statuses`. ERR_CORRUPT when one is not understood or names
 * a recipient beyond `count`; those before it were applied. */
MUST_CHECK enum err changes_apply(struct str head, struct spool_status *statuses, uint32_t count);

#endif
