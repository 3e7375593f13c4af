/* Reports to senders: what became of a queue's job is told to whom it concerns, in one message (a
 * DSN) that enters the spool together with the outcomes it tells of.
 *
 * Promises:
 * 1. After a crash at any moment there is the report and what it tells of is final (or warned of),
 *    or there is neither. So nothing is forgotten and nothing told twice.
 * 2. One report for all recipients of a job that are to be told of.
 * 3. No report on a message without a sender, ever: reports have none. What cannot be told to
 * anyone is in the trace and the log.
 * 4. NOTIFY, RET, ENVID and ORCPT are honoured (RFC 3461); without NOTIFY, failures and delays are
 *    told.
 * 5. A report to an address of ours goes where its aliases lead; to nobody, if nobody has it.
 * 6. A report is signed with the keys of this host's domain, if it has any.
 * 7. Memory: the first 64 KiB of the original, and what a report has beside it.
 *
 * Thread-safe: nothing here changes after it was made. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "queue/queue.h"
#include "verify/keyring.h"

struct report {
    struct clock *clock;
    struct spool *spool;
    struct trace *trace;
    const struct route_table *routes;
    struct str hostname;
    struct str postmaster; /* whom readers may ask */
    uint32_t expire_s;     /* of the queue's schedule: until when a delayed message is tried; 0: not
                              told */
    const struct keyring *keyring; /* signs reports, as `hostname`; NULL: nothing is signed */
    struct blocking_pool *signing_pool;
};

/* The queue's seam: `report` is a struct report. ERR_FULL, ERR_BUSY (also: too much is being
 * signed), ERR_IO: nothing was told and nothing written; call again. A message whose envelope
 * cannot be read is OK: there is nobody to tell. */
MUST_CHECK MAY_YIELD enum err report_job(void *report, const struct queue_job *job,
                                         const struct queue_outcome *outcomes);

#endif
