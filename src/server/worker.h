/* One of the engine's threads: a loop with its sessions, its deliveries and its resolver. Worker 0
 * runs on the engine's first thread and also keeps the queue's timers and the control socket. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "deliver/callout.h"
#include "deliver/dead_addresses.h"
#include "fiber/loop.h"
#include "receive/receive.h"
#include "server/control.h"

#include <pthread.h>
#include <stdatomic.h>

#define WORKER_PROBE_MS 3000 /* for the name servers to say whether answers can be validated */

/* A listening socket and what is spoken there. */
struct worker_port {
    const struct receive_service *service;
    struct receive_gate *gate;
    int fd;
};

/* What all workers share; read-only once they run. */
struct worker_common {
    struct clock *clock;
    const struct worker_port *ports;
    size_t port_count;
    struct resolver_options resolver;
    bool with_resolver;
    bool servers_are_silent; /* at the start */
    bool probes;             /* hourly, whether answers can be validated */
    struct callout_memory *callouts;
    struct deliver_options deliver; /* `resolver` and `dead` are each worker's own */
    struct control *control;
    int control_fd;
    size_t fibers_max;
    size_t judgements_max; /* fibers that sessions have beside their own */
    /* Called once, on the worker that is the last to listen. */
    void (*ready)(void *context);
    /* Called on worker 0 when `stop_fd`, a signalfd, becomes readable. */
    void (*stop)(void *context);
    int stop_fd;
    /* Called on worker 0, in a fiber, when something has come through `renewal_fd`. */
    MAY_YIELD void (*renew)(void *context);
    int renewal_fd;
    void *context;
    atomic_size_t starting; /* workers that do not listen yet */
};

struct worker {
    struct worker_common *common;
    size_t index;
    struct loop *loop;
    pthread_t thread;
    struct deliver_options deliver;
    struct dead_addresses dead;
    struct resolver *resolver;     /* asks the next one; NULL: none is known */
    struct resolver *exchangeable; /* owned by it */
    struct callout *callout;
    bool validates;              /* the resolver does */
    struct fiber_group keepers;  /* the supervisor */
    struct fiber_group services; /* listeners, timers, control */
    struct fiber_group sessions;
    struct fiber_group deliveries;
    struct fiber *supervisor;
    struct loop_task stop_task;
    bool stopping;
};

void worker_init(struct worker *worker, struct worker_common *common, size_t index);
/* Runs until worker_stop; on the calling thread. */
void worker_run(struct worker *worker);
/* From any thread, once: accepts nothing more, ends conversations at their next boundary, after
 * 10 s wherever they are. */
void worker_stop(struct worker *worker);
/* From any thread: has the slot's deliveries done here. */
void worker_deliver(struct worker *worker, struct queue_slot *slot);
void worker_done(struct worker *worker);

#endif
