/* The header of a message, byte for byte: RFC 5322 sections 2.2 and 3.6.8. The reader cuts, it
 * does not judge: the raw bytes of all fields, one after the other, are the header.
 *
 * Only CRLF ends a line, and only an empty line ends the header (also for DKIM and for the server:
 * everybody reads with this one). A line that is no field, say `From alice Mon…` of an mbox file,
 * is given as a field without a name, so that nothing behind it is hidden. */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/arena.h"
#include "base/err.h"

struct mail_field {
    struct str raw;   /* all of it: name, folds, the last CRLF */
    struct str name;  /* as written, without blanks before the colon; empty: not a field */
    struct str value; /* everything behind the colon, without the last CRLF; folded */
};

/* Holds offsets only, so the bytes may move and grow between two calls. */
struct mail_header_reader {
    size_t at;      /* where the next field begins; at the end: where the body begins */
    size_t scanned; /* the end of that field lies not before this */
    size_t fields;  /* how many were given */
    bool is_at_end;
};

enum mail_header_event {
    MAIL_HEADER_FIELD,
    MAIL_HEADER_END,  /* the empty line, or the end of a message without a body */
    MAIL_HEADER_MORE, /* the bytes end within a field; what comes next may be a fold of it */
};

static inline struct mail_header_reader mail_header_reader_make(void)
{
    return (struct mail_header_reader){0};
}

/* Gives the next field. `message` is the message from its first byte as far as it is known;
 * `is_whole` says that nothing follows. Linear over all calls together. */
enum mail_header_event mail_header_next(struct mail_header_reader *reader, struct str message,
                                        bool is_whole, struct mail_field *out_field);

static inline bool mail_field_is(const struct mail_field *field, struct str name)
{
    return str_eq_nocase(field->name, name);
}

/* Of a whole message (or its whole header): the first field of that name; false when none. */
bool mail_header_find(struct str message, struct str name, struct mail_field *out_field);
size_t mail_header_count(struct str message, struct str name);
/* Length of the header with its empty line: where the body begins. */
size_t mail_header_len(struct str message);

/* A value on one line: each CRLF of a fold taken out, blanks at both ends too. In `arena` when
 * there was a fold, else a slice. */
struct str mail_field_unfold(struct arena *arena, struct str value);

/* The authserv-id that the value of an Authentication-Results field begins with (RFC 8601
 * section 2.2). ERR_SYNTAX when there is none. */
MUST_CHECK enum err mail_field_authserv_id(struct arena *arena, struct str value,
                                           struct str *out_id);

#endif
