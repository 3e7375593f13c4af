/* When to try again. Pure. */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include "queue/queue.h"

/* With defaults where nothing is set: 1 min, 4 h, never warn, 5 d. */
struct queue_schedule queue_schedule_complete(struct queue_schedule schedule);
/* Seconds from the failure number `failures` (1: the first) until the next attempt: `first`,
 * doubled with each failure up to `max`, +-20 %. At least 1. */
uint32_t queue_schedule_pause_s(const struct queue_schedule *schedule, uint32_t failures,
                                struct random *random);
bool queue_schedule_is_expired(const struct queue_schedule *schedule, int64_t arrived_s,
                               int64_t now_s);
/* Whether the sender is to be told that it takes longer. */
bool queue_schedule_wants_warning(const struct queue_schedule *schedule, int64_t arrived_s,
                                  int64_t now_s);
/* The wall second of the attempt after `attempts`; the last one comes when the time is over, not up
 * to `max` later. */
int64_t queue_schedule_due_s(const struct queue_schedule *schedule, int64_t arrived_s,
                             int64_t now_s, uint32_t attempts, struct random *random);

#endif
