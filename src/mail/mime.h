/* The fields that say what a part of a message is: Content-Type (RFC 2045 section 5) and
 * Content-Transfer-Encoding (section 6). Lenient, where every reader is: comments, folds,
 * boundaries without the quotes that they need. What could be read in two ways is said to be
 * unknown. */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "base/err.h"
#include "base/str.h"

#define MIME_BOUNDARY_MAX_BYTES 200 /* RFC 2046 section 5.1.1 allows 70 */

/* What a part is to somebody who wants to encode it. */
enum mime_kind {
    MIME_TEXT,        /* text, or nothing is said */
    MIME_DATA,        /* every other single thing */
    MIME_MULTIPART,   /* parts between boundaries */
    MIME_MESSAGE,     /* message/rfc822: header and body */
    MIME_SEALED,      /* signed or encrypted: no byte of it may change */
    MIME_UNENCODABLE, /* message/delivery-status and other messages that must stay as they are */
    MIME_UNKNOWN,     /* what it says cannot be relied on */
};

struct mime_boundary {
    char at[MIME_BOUNDARY_MAX_BYTES];
    size_t len;
};

struct mime_type {
    enum mime_kind kind;
    bool is_digest;                /* multipart/digest: its parts are messages */
    struct mime_boundary boundary; /* of MIME_MULTIPART; never empty */
};

/* Reads the value of a Content-Type field. One that breaks the grammar is text (RFC 2045 section
 * 5.2); a multipart without a boundary, or with more than one, is unknown. */
struct mime_type mime_type_parse(struct str value);

enum mime_encoding {
    MIME_7BIT,
    MIME_8BIT,
    MIME_BINARY,
    MIME_QUOTED_PRINTABLE,
    MIME_BASE64,
    MIME_OTHER_ENCODING, /* RFC 2045 section 6.4: it cannot be decoded */
};

/* Reads the value of a Content-Transfer-Encoding field. */
enum mime_encoding mime_encoding_parse(struct str value);

/* The bytes are the thing itself. */
static inline bool mime_encoding_is_identity(enum mime_encoding encoding)
{
    return encoding <= MIME_BINARY;
}

#endif
