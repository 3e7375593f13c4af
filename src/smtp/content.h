/* What is true of a message's content as it passes: line ends, NUL, long lines, 8-bit. The content
 * of DATA (unstuffed) and of BDAT is judged by the same eyes, so neither is a way around the other.
 *
 * Law: any split of the content gives the same facts. */
#ifndef SMTP_CONTENT_H
#define SMTP_CONTENT_H

#include "base/str.h"

#define SMTP_TEXT_LINE_MAX_BYTES                                    \
    998 /* without CRLF; RFC 5321 section 4.5.3.1.6, RFC 5322 2.1.1 \
         */

struct smtp_content {
    uint64_t bytes;
    uint64_t bare_cr;    /* CR without LF behind it */
    uint64_t bare_lf;    /* LF without CR before it */
    uint64_t nul;        /* bytes of value zero */
    uint64_t long_lines; /* over 998 bytes, counted to the next CRLF */
    uint64_t line_bytes; /* of the line that is not yet ended */
    bool has_8bit;
    bool is_after_cr; /* the last byte was CR */
};

static inline struct smtp_content smtp_content_make(void) { return (struct smtp_content){0}; }
/* Takes note of the next bytes. */
void smtp_content_add(struct smtp_content *content, struct str bytes);
/* Nothing follows: a CR at the very end is bare, a long last line is long. Once. */
void smtp_content_end(struct smtp_content *content);

/* False when it must be refused or repaired: a bare CR or LF (RFC 5321 section 2.3.8), a NUL. */
static inline bool smtp_content_is_clean(const struct smtp_content *content)
{
    return content->bare_cr == 0 && content->bare_lf == 0 && content->nul == 0;
}

#endif
