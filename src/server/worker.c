#include "server/worker.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>

#define DRAIN_MS  10000
#define CANCEL_MS 5000

#define PROBE_EVERY_MS (60 * 60 * 1000)

/* ---- sessions ---- */

struct session_start {
    const struct worker_port *port;
    struct resolver *resolver;
    struct stream *stream;
};

static void run_session(void *argument)
{
    struct session_start start = *(struct session_start *)argument;
    mem_free(argument);
    receive_session(start.port->service, start.port->gate, start.resolver, start.stream);
}

static void accept_session(struct worker *worker, const struct worker_port *port,
                           struct stream *stream)
{
    if (loop_fiber_count(worker->loop) >= worker->common->fibers_max) {
        stream_abort(stream); /* the gate's limit is far below: only slots could bring us here */
        return;
    }
    struct session_start *start = NEW(struct session_start);
    *start = (struct session_start){port, worker->resolver, stream};
    fiber_spawn(&worker->sessions, "session", run_session, start);
}

struct port_start {
    struct worker *worker;
    const struct worker_port *port;
    struct listener *listener;
};

static void run_listener(void *argument)
{
    struct port_start start = *(struct port_start *)argument;
    mem_free(argument);
    struct stream *stream;
    enum err err;
    while ((err = listener_accept(start.listener, DEADLINE_NEVER, &stream)) != ERR_STOPPING &&
           err != ERR_CANCELLED) {
        if (!err)
            accept_session(start.worker, start.port, stream);
        else
            log_event(LOG_WARNING, "server", "cannot accept a connection: %s", err_text(err));
    }
    listener_close(start.listener);
}

static void open_port(struct worker *worker, const struct worker_port *port)
{
    struct port_start *start = NEW(struct port_start);
    *start = (struct port_start){.worker = worker, .port = port};
    enum err err = listener_open(port->fd, &start->listener);
    if (err) {
        log_event(LOG_ERROR, "server", "cannot watch a listening socket: %s", err_text(err));
        abort(); /* the parent starts another engine, later */
    }
    fiber_spawn(&worker->services, "listener", run_listener, start);
}

/* ---- deliveries ---- */

struct slot_start {
    struct loop_task task;
    struct worker *worker;
    struct queue_slot *slot;
};

static void run_slot(void *argument)
{
    struct slot_start start = *(struct slot_start *)argument;
    mem_free(argument);
    deliver_slot(&start.worker->deliver, start.slot);
}

static void begin_slot(struct loop_task *task)
{
    struct slot_start *start = CONTAINER_OF(task, struct slot_start, task);
    fiber_spawn(&start->worker->deliveries, "delivery", run_slot, start);
}

void worker_deliver(struct worker *worker, struct queue_slot *slot)
{
    struct slot_start *start = NEW(struct slot_start);
    *start = (struct slot_start){.task = {.run = begin_slot}, .worker = worker, .slot = slot};
    loop_post(worker->loop, &start->task);
}

/* ---- the control socket ---- */

struct control_start {
    struct worker *worker;
    struct stream *stream;
};

static void run_control_session(void *argument)
{
    struct control_start start = *(struct control_start *)argument;
    mem_free(argument);
    control_session(start.worker->common->control, start.stream);
}

static void run_control(void *argument)
{
    struct worker *worker = argument;
    struct listener *listener;
    enum err err = listener_open(worker->common->control_fd, &listener);
    if (err) {
        log_event(LOG_ERROR, "server", "cannot watch the control socket: %s", err_text(err));
        return;
    }
    struct stream *stream;
    while ((err = listener_accept(listener, DEADLINE_NEVER, &stream)) != ERR_STOPPING &&
           err != ERR_CANCELLED) {
        if (err)
            continue;
        struct control_start *start = NEW(struct control_start);
        *start = (struct control_start){worker, stream};
        fiber_spawn(&worker->sessions, "control", run_control_session, start);
    }
    listener_close(listener);
}

static void run_timers(void *argument)
{
    struct worker *worker = argument;
    queue_run_timers(worker->common->deliver.queue);
}

/* Waits for SIGTERM. Ends with the other services. */
static void run_stopper(void *argument)
{
    struct worker *worker = argument;
    struct watch watch;
    if (watch_open(&watch, worker->common->stop_fd, false) != OK)
        abort();
    enum err err = watch_wait(&watch, WATCH_READ, DEADLINE_NEVER, true);
    watch_close(&watch);
    if (!err)
        worker->common->stop(worker->common->context);
}

/* Ends with the other services. */
static void run_renewer(void *argument)
{
    struct worker *worker = argument;
    struct watch watch;
    if (watch_open(&watch, worker->common->renewal_fd, false) != OK)
        abort();
    while (watch_wait(&watch, WATCH_READ, DEADLINE_NEVER, true) == OK)
        worker->common->renew(worker->common->context);
    watch_close(&watch);
}

/* ---- the resolver ---- */

static void validate_from_now_on(struct worker *worker, struct resolver_options options)
{
    struct resolver *resolver;
    if (resolver_new(&options, &resolver) != OK)
        return;
    resolver_exchange(worker->exchangeable, resolver);
    worker->validates = options.validate;
}

/* Servers that say nothing now will speak again: only those that spoil answers make us believe
 * without proof. */
static void probe(struct worker *worker)
{
    const char *reason;
    struct resolver_options options = worker->common->resolver;
    enum dns_probe_result result = dns_probe(&options, loop_now_ms() + WORKER_PROBE_MS, &reason);
    options.validate = result == DNS_PROBE_VALIDATES;
    if (result == DNS_PROBE_SILENT || options.validate == worker->validates)
        return;
    if (worker->index == 0)
        log_event(options.validate ? LOG_INFO : LOG_WARNING, "dns", "answers are %s: %s",
                  options.validate ? "validated from now on" : "treated as insecure", reason);
    validate_from_now_on(worker, options);
}

/* Ends with the other services. */
static void run_prober(void *argument)
{
    struct worker *worker = argument;
    worker->validates = worker->common->resolver.validate;
    for (;;) {
        enum err err = fiber_park_at_boundary(loop_now_ms() + PROBE_EVERY_MS);
        if (err && err != ERR_TIMEOUT)
            return;
        fiber_shield_begin();
        probe(worker);
        fiber_shield_end();
    }
}

/* ---- life ---- */

static void open_resolver(struct worker *worker)
{
    if (!worker->common->with_resolver)
        return;
    struct resolver *resolver;
    enum err err = resolver_new(&worker->common->resolver, &resolver);
    if (err && worker->index == 0)
        log_event(LOG_WARNING, "server", "no name server is known: mail that needs one waits");
    if (err)
        return;
    worker->exchangeable = resolver_exchangeable(resolver);
    worker->deliver.resolver = worker->resolver =
        resolver_impatient(worker->exchangeable, worker->common->servers_are_silent);
    if (worker->common->probes)
        fiber_spawn(&worker->services, "prober", run_prober, worker);
}

static void open_services(struct worker *worker)
{
    for (size_t i = 0; i < worker->common->port_count; i++)
        open_port(worker, &worker->common->ports[i]);
    if (worker->index == 0) {
        fiber_spawn(&worker->services, "control", run_control, worker);
        fiber_spawn(&worker->services, "timers", run_timers, worker);
        fiber_spawn(&worker->services, "stopper", run_stopper, worker);
        fiber_spawn(&worker->services, "renewer", run_renewer, worker);
    }
    if (atomic_fetch_sub(&worker->common->starting, 1) == 1)
        worker->common->ready(worker->common->context);
}

/* Everybody is told to finish; who has not after the time given is cancelled. */
static void end_conversations(struct worker *worker)
{
    struct fiber_group *groups[] = {&worker->services, &worker->sessions, &worker->deliveries};
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        fiber_group_drain(groups[i]);
    uint64_t drain_until_ms = loop_now_ms() + DRAIN_MS;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        if (fiber_group_join(groups[i], drain_until_ms) == OK)
            continue;
        fiber_group_cancel(groups[i]);
        if (fiber_group_join(groups[i], loop_now_ms() + CANCEL_MS) != OK)
            log_event(LOG_WARNING, "server", "%zu conversations do not end", groups[i]->count);
    }
}

/* A slot granted before the queue drained may still be on its way to some worker. */
static void await_last_slots(struct worker *worker)
{
    struct queue *queue = worker->common->deliver.queue;
    while (queue_statistics(queue).slots > 0 || worker->deliveries.count) {
        fiber_group_cancel(&worker->deliveries);
        if (fiber_sleep_until(loop_now_ms() + 5) != OK)
            break;
    }
}

static void supervise(void *argument)
{
    struct worker *worker = argument;
    worker->supervisor = fiber_current();
    open_resolver(worker);
    worker->callout = callout_new(&worker->deliver, worker->common->callouts);
    open_services(worker);
    while (!worker->stopping)
        if (fiber_park(DEADLINE_NEVER) != OK)
            break;
    end_conversations(worker);
    await_last_slots(worker);
    callout_free(worker->callout);
    if (worker->resolver)
        resolver_free(worker->resolver);
    loop_stop(worker->loop);
}

static void start(void *argument)
{
    struct worker *worker = argument;
    fiber_group_init(&worker->keepers, worker->loop);
    fiber_group_init(&worker->services, worker->loop);
    fiber_group_init(&worker->sessions, worker->loop);
    fiber_group_init(&worker->deliveries, worker->loop);
    fiber_spawn(&worker->keepers, "supervisor", supervise, worker);
}

void worker_init(struct worker *worker, struct worker_common *common, size_t index)
{
    *worker = (struct worker){.common = common, .index = index, .deliver = common->deliver};
    worker->deliver.dead = &worker->dead;
    worker->loop = loop_new(&(struct loop_options){
        .clock = common->clock,
        .fibers_max = common->fibers_max + common->judgements_max + 16,
    });
}

void worker_run(struct worker *worker)
{
    enum err err = loop_run(worker->loop, start, worker);
    assert(!err);
}

static void stop(struct loop_task *task)
{
    struct worker *worker = CONTAINER_OF(task, struct worker, stop_task);
    worker->stopping = true;
    fiber_wake(worker->supervisor);
}

void worker_stop(struct worker *worker)
{
    worker->stop_task.run = stop;
    loop_post(worker->loop, &worker->stop_task);
}

void worker_done(struct worker *worker) { loop_free(worker->loop); }
