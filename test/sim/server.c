#include "server.h"

#include "base/log.h"
#include "fiber/loop.h"
#include "spool/store.h"

#include <stdio.h>
#include <unistd.h>

#define SEGMENT_BYTES     (256u << 10)
#define CONNECTIONS_MAX   200
#define MESSAGE_MAX_BYTES (1u << 20)
#define STOP_MS           10000
#define AWAIT_STEP_MS     10000
#define IN_FLIGHT_BYTES   32768 /* more than that file has */

static void must(enum err err) { assert(err == OK); }

/* ---- fibers ---- */

struct start {
    struct server *server;
    void *what;
};

static void spawn(struct server *server, struct fiber_group *group, const char *name,
                  void (*run)(void *), void *what)
{
    struct start *start = NEW(struct start);
    *start = (struct start){server, what};
    fiber_spawn(group, name, run, start);
}

static struct start take(void *argument)
{
    struct start start = *(struct start *)argument;
    mem_free(argument);
    return start;
}

static void run_session(void *argument)
{
    struct start start = take(argument);
    receive_session(&start.server->service, start.server->gate, NULL, start.what);
}

static void run_listener(void *argument)
{
    struct server *server = argument;
    struct stream *stream;
    while (listener_accept(server->listener, DEADLINE_NEVER, &stream) == OK)
        spawn(server, &server->sessions, "session", run_session,
              wires_accepted(server->wires, stream));
    listener_close(server->listener);
}

static void run_timers(void *argument) { queue_run_timers(((struct server *)argument)->queue); }

static void run_slot(void *argument)
{
    struct start start = take(argument);
    deliver_slot(&start.server->deliver, start.what);
}

struct grant {
    struct loop_task task;
    struct server *server;
    struct queue_slot *slot;
};

static void begin_slot(struct loop_task *task)
{
    struct grant *grant = CONTAINER_OF(task, struct grant, task);
    spawn(grant->server, &grant->server->deliveries, "delivery", run_slot, grant->slot);
    mem_free(grant);
}

static void grant_slot(void *context, struct queue_slot *slot)
{
    struct server *server = context;
    struct grant *grant = NEW(struct grant);
    *grant = (struct grant){.task = {.run = begin_slot}, .server = server, .slot = slot};
    loop_post(loop_current(), &grant->task);
}

/* ---- the committer ---- */

/* What committer.c does for statuses, at the moments it would. It is woken by every write. */
static void run_committer(void *argument)
{
    struct server *server = argument;
    enum err err = OK;
    server->committer = fiber_current();
    while (!err || err == ERR_TIMEOUT) {
        if (status_due_ms(server->spool) <= loop_now_ms()) {
            enum err later = status_sync(server->spool);
            UNUSED(later);
        }
        committer_chores(server->spool);
        err = fiber_park_at_boundary(status_due_ms(server->spool));
    }
    server->committer = NULL;
}

/* ---- death ---- */

/* The fibers of the dead put the file in order when they end, which the dead do not. */
static void keep_in_flight(struct server *server)
{
    if (!server->in_flight_file)
        return;
    FILE *file = fopen(server->in_flight_file, "rb");
    assert(file);
    char *bytes = arena_alloc(server->ledger->arena, IN_FLIGHT_BYTES);
    server->in_flight = str_make(bytes, fread(bytes, 1, IN_FLIGHT_BYTES, file));
    assert(server->in_flight.len < IN_FLIGHT_BYTES);
    fclose(file);
}

static void die(struct server *server)
{
    bool only_process = server->disk->only_process;
    keep_in_flight(server);
    ledger_life_ends(server->ledger, only_process ? LIFE_KILLED : LIFE_POWER_CUT);
    wires_cut(server->wires, only_process ? WIRES_RESET : WIRES_SILENT);
}

/* The disk was called. */
static void disk_called(void *context)
{
    struct server *server = context;
    if (!server->disk->dead) {
        if (server->committer)
            fiber_wake(server->committer);
        return;
    }
    if (server->wires->state != WIRES_UP)
        return;
    die(server);
    if (server->watcher)
        fiber_wake(server->watcher);
}

/* ---- start ---- */

static void open_trace(struct server *server)
{
    must(trace_open(&(struct trace_options){.disk = &server->disk->base,
                                            .clock = server->clock,
                                            .directory = "/trace",
                                            .inline_writes = true},
                    &server->trace));
}

static void open_queue(struct server *server)
{
    server->report = (struct report){
        .clock = server->clock,
        .trace = server->trace,
        .routes = server->routes,
        .hostname = STR("mx.local.example"),
        .postmaster = STR("postmaster@local.example"),
        .expire_s = server->schedule.expire,
    };
    server->queue = queue_new(&(struct queue_options){
        .clock = server->clock,
        .trace = server->trace,
        .routes = server->routes,
        .random = random_seeded(random_u64(server->random)),
        .schedule = server->schedule,
        .connections_per_destination = 5,
        .slots_max = 20,
        .in_flight_file = server->in_flight_file,
        .start = grant_slot,
        .start_context = server,
        .report = report_job,
        .report_context = &server->report,
    });
}

static void open_spool(struct server *server)
{
    must(spool_open(&(struct spool_options){.disk = &server->disk->base,
                                            .clock = server->clock,
                                            .directory = "/spool",
                                            .segment_bytes = SEGMENT_BYTES,
                                            .inline_commits = true,
                                            .files = server->pool,
                                            .announce = queue_announce,
                                            .announce_context = server->queue},
                    &server->spool, &server->recovery));
    if (server->recovery.damaged_records)
        ledger_problem(server->ledger, "the spool found %llu damaged records",
                       (unsigned long long)server->recovery.damaged_records);
    queue_set_spool(server->queue, server->spool);
    server->report.spool = server->spool;
}

static void make_services(struct server *server)
{
    server->gate = receive_gate_new(CONNECTIONS_MAX, CONNECTIONS_MAX);
    server->service = (struct receive_service){
        .kind = RECEIVE_MX,
        .tls = RECEIVE_TLS_STARTTLS,
        .name = STR("mx"),
        .hostname = STR("mx.local.example"),
        .tls_context = tls_context_simulated(),
        .routes = server->routes,
        .relay_from = server->clients,
        .relay_from_count = ARRAY_LEN(server->clients),
        .spool = server->spool,
        .trace = server->trace,
        .message_size_max_bytes = MESSAGE_MAX_BYTES,
        .recipients_max = 100,
        .timeouts = receive_timeouts_default(),
    };
    server->deliver = (struct deliver_options){
        .clock = server->clock,
        .network = &server->wires->network,
        .resolver = server->resolver,
        .random = server->random,
        .tls = tls_context_simulated(),
        .disk = &server->disk->base,
        .maildir_pool = server->pool,
        .spool = server->spool,
        .queue = server->queue,
        .trace = server->trace,
        .hostname = STR("mx.local.example"),
        .timeouts = deliver_timeouts_default(),
    };
}

void server_install(struct server *server)
{
    static const char *const directories[] = {"/spool", "/trace", "/mail"};
    for (size_t i = 0; i < ARRAY_LEN(directories); i++)
        must(disk_mkdir(&server->disk->base, directories[i], 0700));
    must(disk_sync_directory(&server->disk->base, "/"));
    server->disk->called = disk_called;
    server->disk->context = server;
}

void server_start(struct server *server)
{
    ledger_life_begins(server->ledger);
    open_trace(server);
    open_queue(server);
    open_spool(server);
    make_services(server);
    fiber_group_init(&server->services, loop_current());
    fiber_group_init(&server->sessions, loop_current());
    fiber_group_init(&server->deliveries, loop_current());
    must(listener_open_memory(server->wires->memory, &server->address, &server->listener));
    fiber_spawn(&server->services, "listener", run_listener, server);
    fiber_spawn(&server->services, "timers", run_timers, server);
    fiber_spawn(&server->services, "committer", run_committer, server);
    queue_begin(server->queue);
    server->is_running = true;
}

/* ---- end ---- */

static void close_all(struct server *server)
{
    spool_close(server->spool);
    queue_free(server->queue);
    trace_close(server->trace);
    receive_gate_free(server->gate);
    server->is_running = false;
}

/* A slot that was granted may still be on its way. */
static void await_last_slots(struct server *server)
{
    while (queue_statistics(server->queue).slots || server->deliveries.count) {
        fiber_group_cancel(&server->deliveries);
        must(fiber_sleep_until(loop_now_ms() + 5));
    }
}

void server_stop(struct server *server)
{
    struct fiber_group *groups[] = {&server->services, &server->sessions, &server->deliveries};
    queue_drain(server->queue);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        fiber_group_drain(groups[i]);
    uint64_t until_ms = loop_now_ms() + STOP_MS;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        if (fiber_group_join(groups[i], until_ms) == OK)
            continue;
        fiber_group_cancel(groups[i]);
        must(fiber_group_join(groups[i], loop_now_ms() + STOP_MS));
    }
    await_last_slots(server);
    ledger_life_ends(server->ledger, LIFE_STOPPED);
    close_all(server);
}

bool server_await_death(struct server *server, enum life_end how, uint64_t call,
                        uint64_t deadline_ms)
{
    struct crashing_disk *disk = server->disk;
    disk->only_process = how == LIFE_KILLED;
    disk->seed = random_below(server->random, 8) ? random_u64(server->random) : 0;
    disk->calls_left = call;
    server->watcher = fiber_current();
    enum err err = OK;
    while (!disk->dead && !err)
        err = fiber_park(deadline_ms);
    server->watcher = NULL;
    if (disk->dead)
        return true;
    disk->calls_left = 0;
    crashing_disk_fail_now(disk);
    die(server);
    return false;
}

static void restore_in_flight(struct server *server)
{
    if (!server->in_flight_file)
        return;
    FILE *file = fopen(server->in_flight_file, "wb");
    assert(file);
    size_t len = fwrite(server->in_flight.at, 1, server->in_flight.len, file);
    assert(len == server->in_flight.len);
    fclose(file);
}

void server_bury(struct server *server)
{
    struct fiber_group *groups[] = {&server->services, &server->sessions, &server->deliveries};
    queue_drain(server->queue);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        fiber_group_cancel(groups[i]);
        must(fiber_group_join(groups[i], DEADLINE_NEVER));
    }
    await_last_slots(server);
    close_all(server);
    restore_in_flight(server);
    server->disk->calls_left = 0;
    server->disk->dead = false;
    wires_mend(server->wires);
}

/* ---- for who waits ---- */

static void release_all(struct server *server)
{
    struct queue_filter filter = {.state = -1};
    uint64_t changed, busy;
    must(queue_act(server->queue, QUEUE_RELEASE, &filter, STR("operator"), &changed, &busy));
}

bool server_await_empty(struct server *server, uint64_t within_ms)
{
    uint64_t give_up_ms = loop_now_ms() + within_ms;
    while (queue_statistics(server->queue).recipients) {
        if (loop_now_ms() >= give_up_ms)
            return false;
        must(fiber_sleep_until(loop_now_ms() + AWAIT_STEP_MS));
        if (queue_statistics(server->queue).held)
            release_all(server);
    }
    return true;
}
