/* Date and time in header fields: RFC 5322 sections 3.3 and 4.3. */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include "base/buf.h"

#define MAIL_DATE_BYTES 31 /* "Mon, 23 Nov 2026 00:03:16 +0000" */

/* Adds the time (microseconds since 1970, years 1900 to 9999, else clamped) in UTC, to the second
 * before it. ERR_LIMIT as buf_add. */
MUST_CHECK enum err mail_date_print(struct buf *buf, int64_t wall_us);

/* Parses a field's value, folded or not. Takes what is found in real mail: no or a wrong day of
 * the week, one-digit hours, no seconds, two- and three-digit years, zone names (unknown ones are
 * +0000), comments. ERR_SYNTAX, also for days and times that do not exist; a leap second is the
 * second before it. */
MUST_CHECK enum err mail_date_parse(struct str value, int64_t *out_wall_us);

#endif
