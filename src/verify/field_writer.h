/* Writes one header field, folded so that no line passes column 78 where the pieces allow it. */
#ifndef VERIFY_FIELD_WRITER_H
#define VERIFY_FIELD_WRITER_H

#include "base/buf.h"

struct field_writer {
    struct buf *buf;
    size_t begin; /* where the field begins in the buffer */
    size_t column;
    enum err err; /* the first one: ERR_LIMIT of the buffer */
};

/* Begins with the name and a colon. */
struct field_writer field_writer_make(struct buf *buf, struct str name);
/* Adds a blank, or a fold, and the piece. */
void field_writer_add(struct field_writer *writer, struct str piece);
void field_writer_printf(struct field_writer *writer, const char *format, ...) PRINTF_LIKE(2, 3);
/* Adds the piece without a blank, on a new line where it does not fit. */
void field_writer_join(struct field_writer *writer, struct str piece);
/* The same as field_writer_add, for a piece that field_writer_join_text will follow: on a new line
 * where little of this one is left. */
void field_writer_add_before_text(struct field_writer *writer, struct str piece);
/* Adds base64, or whatever else may be folded anywhere. */
void field_writer_join_text(struct field_writer *writer, struct str text);
/* The field so far. */
struct str field_writer_text(const struct field_writer *writer);
/* Adds the CRLF. */
MUST_CHECK enum err field_writer_end(struct field_writer *writer);

#endif
