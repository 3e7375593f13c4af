/* Answers what receive asks about recipients: by the callout of the loop that asks. */
#ifndef SERVER_RECIPIENTS_H
#define SERVER_RECIPIENTS_H

#include "server/worker.h"

struct recipients {
    const struct worker *workers;
    size_t worker_count;
};

/* `context` is a struct recipients. See struct receive_verifier. */
MUST_CHECK MAY_YIELD enum err recipients_ask(void *context, const struct route_way *way,
                                             struct str address, uint64_t deadline_ms,
                                             struct arena *arena,
                                             struct receive_report *out_report);

#endif
