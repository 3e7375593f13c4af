/* The content behind DATA, RFC 5321 section 4.5.2: a line that begins with a dot has another put
 * before it, and a line of one dot ends the content.
 *
 * 1. Only CRLF "." CRLF ends the content (or "." CRLF at its very start). No other mixture of CR,
 *    LF, NUL and blanks does; those are content, and counted as what they are.
 * 2. Any split of the input gives the same content, the same facts and the same end.
 * 3. reader(writer(x)) is x, for every x of whole CRLF lines.
 * 4. The writer never puts out a CR or LF that is not part of CRLF.
 *
 * Neither side copies: what they give are slices of their input, or constants. */
#ifndef SMTP_DATA_H
#define SMTP_DATA_H

#include "base/err.h"
#include "smtp/content.h"

enum smtp_data_state {
    SMTP_DATA_LINE_START,
    SMTP_DATA_IN_LINE,
    SMTP_DATA_AFTER_CR,     /* within a line, or at its end if LF follows */
    SMTP_DATA_AFTER_DOT,    /* the first byte of the line was a dot, which is never content */
    SMTP_DATA_AFTER_DOT_CR, /* that dot and a CR, which is content unless LF follows */
    SMTP_DATA_ENDED,
};

struct smtp_data_reader {
    enum smtp_data_state state;
    struct smtp_content content; /* complete once is_ended */
};

static inline struct smtp_data_reader smtp_data_reader_make(void)
{
    return (struct smtp_data_reader){.state = SMTP_DATA_LINE_START};
}

static inline bool smtp_data_is_ended(const struct smtp_data_reader *reader)
{
    return reader->state == SMTP_DATA_ENDED;
}

/* Reads on. Takes bytes from the start of `in` and returns how many; *out_run is the next piece of
 * content, which may be empty. Call it until `in` is used up or smtp_data_is_ended; what is left of
 * `in` then is the next command. (It may take nothing and yet give a byte that was held back.)
 *
 *     while (in.len && !smtp_data_is_ended(&reader)) {
 *         in = str_from(in, smtp_data_read(&reader, in, &run));
 *         keep(run);
 *     }
 */
size_t smtp_data_read(struct smtp_data_reader *reader, struct str in, struct str *out_run);

struct smtp_data_writer {
    bool is_in_line;
    bool holds_cr; /* a CR that waits for its LF */
};

static inline struct smtp_data_writer smtp_data_writer_make(void)
{
    return (struct smtp_data_writer){0};
}

/* Stuffs on. Takes *out_used bytes from the start of `in`; *out_run is what goes onto the wire for
 * them, and may be empty. Call it until `in` is used up. ERR_SYNTAX: the content has a bare CR or
 * LF; the connection has to be closed, since the content cannot be ended in order. */
MUST_CHECK enum err smtp_data_write(struct smtp_data_writer *writer, struct str in,
                                    size_t *out_used, struct str *out_run);
/* The end of the content: the line of one dot, behind a CRLF if the last line has none. ERR_SYNTAX
 * when the content ended in CR. */
MUST_CHECK enum err smtp_data_write_end(struct smtp_data_writer *writer, struct str *out_run);

#endif
