/* What a sender is to be told of an outcome, and in which codes: RFC 3461 sections 4.1 and 5.2, RFC
 * 3463. Pure. */
#ifndef REPORT_DUE_H
#define REPORT_DUE_H

#include "queue/queue.h"
#include "report/dsn.h"

/* False: nothing, whatever was asked for. Cheap: says whether to look closer. */
bool due_action(const struct queue_outcome *outcome, enum dsn_action *out_action);

/* Whether a recipient's NOTIFY (bits of enum spool_notify; 0: not given) wants that told. */
bool due_is_wanted(uint8_t notify, enum dsn_action action);

/* The remote's own status where it fits what happened, else one that says what is known. */
struct mail_status due_status(const struct queue_outcome *outcome, enum dsn_action action);

/* The words that may be told to a stranger. What went wrong on our own disk is nobody's business,
 * nor is where a mailbox lies. */
struct str due_words(const struct queue_outcome *outcome, enum dsn_action action);

/* It failed since its time was over, not since somebody refused it. */
static inline bool due_gave_up(const struct queue_outcome *outcome)
{
    return outcome->kind == QUEUE_DEFERRED && outcome->status.state == SPOOL_BOUNCED;
}

#endif
