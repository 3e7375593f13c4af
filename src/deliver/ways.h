/* The three kinds of slots, by their way. Each works off jobs until there are none;
 * queue_slot_begin and queue_slot_end are deliver_slot's. */
#ifndef DELIVER_WAYS_H
#define DELIVER_WAYS_H

#include "deliver/deliver.h"

MAY_YIELD void way_run_remote(const struct deliver_options *options, struct queue_slot *slot);
MAY_YIELD void way_run_maildir(const struct deliver_options *options, struct queue_slot *slot);
MAY_YIELD void way_run_hold(const struct deliver_options *options, struct queue_slot *slot);

/* True when no further job should be taken: the loop's deliveries are draining, or this fiber was
 * cancelled. Does not wait. */
MAY_YIELD bool way_is_ending(void);

#endif
