/* Asks the server behind a way whether it would take mail for an address, before we take any: MAIL
 * from the null sender, RCPT, and away. For domains of ours whose users only that server knows.
 *
 * One for each loop, used on that loop alone; what was learned is shared: callout_memory.h.
 *
 * 1. Whoever asks what is being asked already, on this loop, waits for the same answer.
 * 2. A server that could not be asked is left alone while that is kept, whatever the address.
 * 3. At most 8 connections to one server at once, and 100 questions that wait for it: a slow
 *    server delays no other. A question ends by itself, whether somebody still waits for it or
 *    not, and its answer is kept for who comes again. */
#ifndef DELIVER_CALLOUT_H
#define DELIVER_CALLOUT_H

#include "deliver/callout_memory.h"
#include "deliver/deliver.h"

struct callout;
/* On its loop. Of the options it needs what makes connections: clock, network, resolver, random,
 * tls, hostname. They are copied; what they point to, and the memory, outlive it. */
struct callout *callout_new(const struct deliver_options *options, struct callout_memory *memory);
/* Ends the questions that are under way. */
MAY_YIELD void callout_free(struct callout *callout);

/* `way` is by SMTP or LMTP and lives as long as the callout. The words of the answer live in
 * `arena`. ERR_CANCELLED; no answer before the deadline is CALLOUT_UNKNOWN. */
MUST_CHECK MAY_YIELD enum err callout_ask(struct callout *callout, const struct route_way *way,
                                          struct str address, uint64_t deadline_ms,
                                          struct arena *arena, struct callout_answer *out_answer);

#endif
