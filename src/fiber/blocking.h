/* Pools of threads for work that blocks or burns: file writes, password hashes, signatures.
 * Each kind of work has a pool of its own, so that one cannot starve another. */
#ifndef FIBER_BLOCKING_H
#define FIBER_BLOCKING_H

#include "base/err.h"

struct blocking_pool;

/* `threads` = 0 runs the work inline on the caller's loop (the simulation). At most `queue_max`
 * pieces wait. */
struct blocking_pool *blocking_pool_new(const char *name, size_t threads, size_t queue_max);
/* All work has ended. */
void blocking_pool_free(struct blocking_pool *pool);

/* Runs work(argument) on a thread of the pool and waits for its end. ERR_BUSY at once when the
 * queue is full: then it does not run. Not cancellable. */
MUST_CHECK MAY_YIELD enum err blocking_run(struct blocking_pool *pool, void (*work)(void *),
                                           void *argument);

#endif
