/* Messages that were in flight when an engine crashed. Each is kept back until it can be tried
 * nearly alone, so that a further crash tells which one did it: see README.md for the rule.
 *
 *     kept back ──its turn──▶ released ──an attempt ends──▶ (forgiven)
 *
 * Kept back means: its recipients are WAITING in no list. The lock is held. */
#ifndef QUEUE_SUSPECTS_H
#define QUEUE_SUSPECTS_H

#include "queue/internal.h"

/* Takes what the in-flight file says, before the queue begins. */
void queue_suspects_take(struct queue *queue, const struct in_flight_verdict *verdict);
void queue_suspects_done(struct queue *queue);
/* Recovery is over: keeps back those that are queued, forgets the others. */
void queue_suspects_begin(struct queue *queue);
/* Releases those whose turn it is. Returns when to come again, or DEADLINE_NEVER. */
uint64_t queue_suspects_release(struct queue *queue, struct queue_time now,
                                struct queue_orders *orders);
bool queue_suspects_keep_back(const struct queue *queue, const struct queue_message *message);
/* An attempt at the message ended and the engine lives. */
void queue_suspects_forgive(struct queue *queue, struct queue_message *message);

#endif
