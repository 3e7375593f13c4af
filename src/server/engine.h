/* The engine: everything that touches mail and the network, as the unprivileged user, forked from
 * the parent before any thread starts. Ends when it is told to (SIGTERM), and with its parent. */
#ifndef SERVER_ENGINE_H
#define SERVER_ENGINE_H

#include "server/config.h"
#include "server/listeners.h"
#include "server/privileges.h"

struct engine_plan {
    struct config *config;
    const struct listener_set *listeners;
    int control_fd;
    const int *submit_fds;
    size_t submit_count;
    int renewal_fd; /* new certificates come from there */
    int ready_fd;   /* gets one byte when every listener accepts */
    const struct srs_key *srs_key;
    struct privileges privileges;
    bool sandbox; /* every recipient is taken */
    pid_t parent;
};

/* Serves until SIGTERM. Returns the exit status: 0, or 1 when it could not start (it logged why).
 */
int engine_run(const struct engine_plan *plan);

#endif
