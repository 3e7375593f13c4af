/* Text that a report is made of, written line by line: nothing that came from elsewhere can end a
 * line, hide in control bytes, or make a line longer than LINES_MAX_BYTES.
 *
 * The first error is remembered and what follows is not written, so only the end has to be looked
 * at. */
#ifndef REPORT_LINES_H
#define REPORT_LINES_H

#include "base/arena.h"
#include "base/buf.h"

#define LINES_WIDTH     76  /* where text is broken if words allow */
#define LINES_MAX_BYTES 900 /* where it is broken whatever it is; RFC 5322 allows 998 */

struct lines {
    struct buf *buf;
    struct arena *arena;
    bool utf8; /* bytes above 127 are kept where they are UTF-8; else each becomes `?` */
    enum err err;
};

/* As it is: text of our own. */
void lines_add(struct lines *lines, struct str text);
void lines_printf(struct lines *lines, const char *format, ...) PRINTF_LIKE(2, 3);

/* A copy without control bytes, and 7-bit unless `utf8`. */
struct str lines_clean(const struct lines *lines, struct str text);

/* At most the first `max` bytes, without tearing a UTF-8 character apart. */
struct str lines_cut(struct str text, size_t max);

/* A paragraph, each line behind `indent` blanks. Several blanks in a row are one. */
void lines_text(struct lines *lines, size_t indent, struct str text);
/* "Name: value", folded. Left out when there is no value. */
void lines_field(struct lines *lines, const char *name, struct str value);
/* The same on one line, however it looks there: for values in which a blank means something. Cut
 * at LINES_MAX_BYTES. */
void lines_plain_field(struct lines *lines, const char *name, struct str value);
void lines_date_field(struct lines *lines, const char *name, int64_t wall_us);

#endif
