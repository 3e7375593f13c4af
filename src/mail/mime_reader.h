/* The outline of a message: its parts and theirs, as the bytes come (RFC 2045, 2046). Nothing is
 * kept but where it is, so memory is bounded whatever the message is.
 *
 * Laws: the bytes of all events, one after the other, are the message; any split of the message
 * gives the same events but for where the pieces of fields and bodies are cut.
 *
 * As in mail/header.h only CRLF ends a line and only an empty line ends a header. A delimiter is a
 * line of "--", the boundary, perhaps "--", and blanks. Where readers of mail would differ, the
 * part is of MIME_UNKNOWN, or the whole outline is doubtful. */
#ifndef MAIL_MIME_READER_H
#define MAIL_MIME_READER_H

#include "mail/mime.h"

#define MIME_DEPTH_MAX      32   /* parts within parts; deeper ones are unknown */
#define MIME_PARTS_MAX      1000 /* further ones are unknown */
#define MIME_FIELD_MAX      4096 /* of the fields that are understood; longer: the part is unknown */
#define MIME_LINE_MAX_BYTES 512  /* no longer line is a delimiter */

#define MIME_NO_PART MIME_PARTS_MAX

/* A part with its header; the message itself is the first. */
struct mime_part {
    size_t number;       /* in the order of their headers; MIME_NO_PART: there are too many */
    size_t parent;       /* its number; MIME_NO_PART: none */
    enum mime_kind kind; /* known at the end of the header */
    enum mime_encoding encoding;              /* 7bit when nothing is said */
    bool is_message;                          /* the whole, or what is in a message/rfc822 */
    bool has_version, has_type, has_encoding; /* the fields MIME-Version, Content-… */
    bool is_signed;                           /* as a whole: DKIM-Signature, ARC-… */
};

enum mime_event_kind {
    MIME_EVENT_FIELD,      /* a piece of the header */
    MIME_EVENT_ENCODING,   /* the Content-Transfer-Encoding field, all of it */
    MIME_EVENT_HEADER_END, /* the empty line; no bytes where the header ends without one */
    MIME_EVENT_BODY,       /* a piece of the body of a part that was not entered */
    MIME_EVENT_FRAME, /* delimiters, their line ends, and what stands before and behind parts */
};

struct mime_event {
    enum mime_event_kind kind;
    struct str bytes;
    const struct mime_part *part; /* of FRAME: of the part before it */
};

typedef void mime_take(void *context, const struct mime_event *event);

/* Private: a part that was entered. */
struct mime_level {
    size_t number;
    bool is_digest;
    bool is_closed;                /* its last delimiter was seen */
    struct mime_boundary boundary; /* empty: a message */
};

enum mime_place { MIME_IN_HEADER, MIME_IN_BODY, MIME_IN_FRAME };

struct mime_reader {
    /* A line that is a delimiter to some readers and none to others was seen. */
    bool is_doubtful;
    /* private: */
    mime_take *take;
    void *context;
    enum mime_place place;
    struct mime_part part;
    size_t parts; /* begun so far */
    struct mime_level levels[MIME_DEPTH_MAX];
    size_t depth;
    char line[MIME_LINE_MAX_BYTES + 2]; /* the beginning of a line, until it is understood */
    size_t line_len;
    bool is_in_line;  /* within a line whose beginning was understood */
    struct str held;  /* a CR that may end such a line; the CRLF that may belong to a delimiter */
    bool has_field;   /* a fold may follow */
    size_t field_row; /* which field is gathered; beyond the table: none */
    char field[MIME_FIELD_MAX];
    size_t field_len;
    bool is_malformed; /* the header of the part */
    struct mime_type type;
};

/* Large: put it where there is room. */
void mime_reader_begin(struct mime_reader *reader, mime_take *take, void *context);
void mime_reader_add(struct mime_reader *reader, struct str bytes);
/* Nothing follows. */
void mime_reader_end(struct mime_reader *reader);

#endif
