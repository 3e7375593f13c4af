/* The three parts of a report. Internal to dsn.c. */
#ifndef REPORT_DSN_PARTS_H
#define REPORT_DSN_PARTS_H

#include "report/dsn.h"
#include "report/lines.h"

/* For people. */
void dsn_print_text(struct lines *lines, const struct dsn *dsn);
/* For programs: message/delivery-status, RFC 3464 section 2. */
void dsn_print_fields(struct lines *lines, const struct dsn *dsn);

/* An address as it may stand in the report: where that has to be ASCII, written by RFC 6533 section
 * 3 if it is UTF-8. */
struct str dsn_address(const struct lines *lines, struct str address);

/* How the original is returned. */
struct dsn_returned {
    const char *type;   /* of its part */
    struct str content; /* of its part */
};
/* RFC 6522 section 3, RFC 6533 sections 4 and 5. The content borrows from the original or lives in
 * `arena`. */
struct dsn_returned dsn_return_original(const struct dsn *dsn, struct arena *arena);

#endif
