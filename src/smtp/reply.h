/* Replies, RFC 5321 section 4.2, read from a remote server and written by ours.
 *
 * What a remote server says is hostile input: lines, their number and their length have bounds, and
 * text leaves this module only with controls replaced. */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "base/arena.h"
#include "mail/status.h"

#define SMTP_REPLY_MAX_LINE_BYTES 2048 /* without the line end */
#define SMTP_REPLY_MAX_LINES      128
#define SMTP_REPLY_MAX_BYTES      16384

struct smtp_reply {
    int code;                  /* 200 to 599 */
    struct mail_status status; /* of the first line that has one; may be none */
    size_t line_count;
    struct str raw; /* all lines with their line ends, as they came */
};

/* Parses one complete reply, all lines of it, from the start of `in`.
 * OK: `out_reply` borrows from `in`, *out_used is its length in bytes.
 * ERR_MORE: `in` ends within a reply. ERR_LIMIT: one of the bounds above. ERR_SYNTAX: no code, or
 * another code than in the line before.
 * Tolerated: LF alone as the line end, no text, no space before the text. A status whose class does
 * not fit the code counts as text. */
MUST_CHECK enum err smtp_reply_parse(struct str in, struct smtp_reply *out_reply, size_t *out_used);

/* Walks the texts of a reply's lines, without code and status, as they came: start with
 * *position = 0; false behind the last line. */
bool smtp_reply_next_text(const struct smtp_reply *reply, size_t *position, struct str *out_text);

/* The whole text for people: lines joined with a space, controls and bytes that are not UTF-8 as
 * `?`. */
struct str smtp_reply_text(struct arena *arena, const struct smtp_reply *reply);
/* Code, status and text in one line: "550 5.1.1 no such user". */
struct str smtp_reply_summary(struct arena *arena, const struct smtp_reply *reply);

static inline bool smtp_code_is_positive(int code) { return code >= 200 && code < 400; }
static inline bool smtp_code_is_transient(int code) { return code >= 400 && code < 500; }
static inline bool smtp_code_is_permanent(int code) { return code >= 500; }

/* Adds a reply of our own. `text` may hold several lines, separated by LF (or CRLF); a line that
 * would exceed the 512 bytes of RFC 5321 section 4.5.3.1.5 is continued on the next. Bytes that are
 * not printable ASCII become `?`, so text from elsewhere cannot forge a reply. The status, if there
 * is one, stands in every line. ERR_LIMIT as buf_add; then nothing was added. */
MUST_CHECK enum err smtp_reply_print(struct buf *buf, int code, struct mail_status status,
                                     struct str text);

#endif
