/* A command that asks the DNS: it runs as the one fiber of a loop of its own, with a resolver. */
#ifndef CLI_WITH_LOOP_H
#define CLI_WITH_LOOP_H

#include "cli/cli.h"
#include "dns/resolver.h"

struct with_loop {
    struct resolver *resolver;
    uint64_t deadline_ms; /* an evaluation has 20 seconds, all its look-ups together */
    int64_t now_s;        /* seconds since 1970 */
};

/* Runs `run(loop, context)` and returns its exit status. `resolver` is --resolver's HOST:PORT, or
 * NULL for the system's. Prints why when it cannot run: CLI_USAGE or CLI_TRY_LATER. */
int with_loop_run(const char *command, const char *resolver,
                  MAY_YIELD int (*run)(struct with_loop *loop, void *context), void *context);
/* The deadline counts from here on, not from the beginning of a slow pipe. */
void with_loop_begin_evaluation(struct with_loop *loop);

#endif
