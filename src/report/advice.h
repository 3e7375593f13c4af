/* Status codes in plain words for whoever gets a report: what the code means, and what he can do.
 * RFC 3463; the codes that big receivers use. Data, not code. */
#ifndef REPORT_ADVICE_H
#define REPORT_ADVICE_H

#include "mail/status.h"

struct advice {
    const char *meaning; /* a sentence */
    const char *to_do;   /* sentences; empty when there is nothing */
};

/* For a failure (class 4 or 5). Never NULL: what is not known is told by its subject or, in the
 * end, by a word for all. */
const struct advice *advice_for(struct mail_status status);

#endif
