/* A message made from what is given on a command line: RFC 5322, with MIME (RFC 2045, 2046) for
 * attachments. */
#ifndef CLI_COMPOSE_H
#define CLI_COMPOSE_H

#include "base/buf.h"
#include "base/err.h"

struct compose_attachment {
    struct str name; /* as shown to the reader: no directory */
    struct str content;
};

struct compose {
    struct str from;
    const struct str *to;
    size_t to_count;
    struct str subject; /* UTF-8 */
    struct str text;    /* UTF-8, LF or CRLF */
    struct str hostname;
    const struct compose_attachment *attachments;
    size_t attachment_count;
    int64_t wall_us;
    uint64_t unique; /* for Message-ID and the boundary */
};

/* Adds the message with CRLF line ends. ERR_LIMIT as buf_add. */
MUST_CHECK enum err compose_message(struct buf *buf, const struct compose *compose);
/* Adds the bytes with LF, and CR alone, turned into CRLF, and ending in CRLF. */
MUST_CHECK enum err compose_canonical(struct buf *buf, struct str bytes);

/* Adds a display name (RFC 5322 section 3.4): as it is, in quotes, or as encoded words. */
MUST_CHECK enum err compose_name(struct buf *buf, struct str name);

#endif
