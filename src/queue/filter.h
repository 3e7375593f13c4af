/* Which recipients an administrator means. The lock is held. */
#ifndef QUEUE_FILTER_H
#define QUEUE_FILTER_H

#include "queue/destination.h"

/* "a@b" means the address (its local part exactly, its domain in any case), "@b" all of a domain.
 */
bool queue_address_matches(struct str address, struct str pattern);
/* Whether any recipient of the message can match: what is the same for all of them. */
bool queue_filter_takes_message(const struct queue_filter *filter,
                                const struct queue_message *message, int64_t now_s);
bool queue_filter_takes_recipient(const struct queue_filter *filter,
                                  const struct queue_recipient *recipient);
/* As people see it: who is ready behind a blocked destination waits. FINAL is none of these. */
enum queue_view_state queue_recipient_view_state(const struct queue_recipient *recipient);

#endif
