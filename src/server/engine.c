#include "server/engine.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/interfaces.h"
#include "report/report.h"
#include "server/certificates.h"
#include "server/own_addresses.h"
#include "server/recipients.h"
#include "server/state.h"
#include "server/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define WORKERS_MAX        16
#define FILE_THREADS       4
#define MAILDIR_THREADS    8
#define PASSWORD_THREADS   2
#define PASSWORD_QUEUE_MAX 64
#define SIGNING_THREADS    4
#define SIGNING_QUEUE_MAX  1000   /* about a second's work */
#define FILE_QUEUE_MAX     100000 /* one for each session at most: never the limit that bites */
#define FIBERS_BESIDE      1000   /* control, timers, look-ups */
#define SLOTS_MAX          500
/* Programs of this host have a door of their own: they cannot shut out those who come by network.
 */
#define LOCAL_CONNECTIONS_MAX     500
#define LOCAL_CONNECTIONS_PER_UID 250 /* nor does one user shut out the others */

struct engine {
    const struct engine_plan *plan;
    const struct config *config;
    struct arena arena;
    struct clock clock;
    struct route_table *routes;
    struct accounts *accounts;
    struct certificates certificates;
    struct receive_domains *domains;
    struct keyring *keyring; /* NULL: no domain has a key */
    struct blocking_pool *files, *maildirs, *passwords, *signing;
    struct trace *trace;
    struct queue *queue;
    struct report report; /* complete once the spool is open */
    struct spool *spool;
    struct receive_gate *gate;
    struct receive_gate *local_gate;
    struct receive_service *services;
    struct worker_port *ports;
    size_t port_count;
    struct control control;
    struct worker_common common;
    struct worker workers[WORKERS_MAX];
    size_t worker_count;
    struct recipients recipients; /* complete once there are workers */
    atomic_size_t next_worker;
    int signal_fd;
};

/* ---- who we are ---- */

/* The engine must not outlive its parent, which holds what it stands on. */
static bool die_with_parent(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool become_engine(struct engine *engine)
{
    raise_descriptor_limit();
    enum err err = privileges_drop(&engine->plan->privileges);
    if (err) {
        log_event(LOG_ERROR, "server", "cannot become the engine's user: %s", err_text(err));
        return false;
    }
    /* A change of user clears the death signal, so it is asked for afterwards. */
    if (!die_with_parent(engine->plan->parent))
        return false;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    engine->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return engine->signal_fd >= 0;
}

/* ---- what the configuration asks for ---- */

static bool make_accounts(struct engine *engine)
{
    size_t line;
    struct str problem;
    if (!engine->config->accounts.text.at)
        return true;
    if (accounts_parse(engine->config->accounts.text, &engine->arena, &engine->accounts, &line,
                       &problem) == OK)
        return true;
    log_event(LOG_ERROR, "server", "accounts, line %zu: %.*s", line, STR_FMT(problem));
    return false;
}

static void make_domains(struct engine *engine)
{
    const struct config *config = engine->config;
    engine->domains = receive_domains_new();
    for (size_t i = 0; i < config->domain_count; i++)
        receive_domains_add(engine->domains, config->domains[i].name, config->domains[i].dmarc);
}

static bool add_keys(struct engine *engine, const struct config_domain *domain)
{
    for (size_t i = 0; i < domain->dkim_count; i++) {
        const struct config_dkim *dkim = &domain->dkims[i];
        if (!engine->keyring)
            engine->keyring = keyring_new();
        enum err err = keyring_add(engine->keyring, domain->name, dkim->selector, dkim->key_pem);
        if (err) {
            log_event(LOG_ERROR, "server", "DKIM key %.*s: %s", STR_FMT(dkim->key_file),
                      err_text(err));
            return false;
        }
    }
    return true;
}

static bool make_keyring(struct engine *engine)
{
    const struct config *config = engine->config;
    for (size_t i = 0; i < config->domain_count; i++)
        if (!add_keys(engine, &config->domains[i]))
            return false;
    return true;
}

/* What is the same for every service. */
static struct receive_service make_any_service(struct engine *engine)
{
    const struct config *config = engine->config;
    struct receive_service service = {
        .hostname = config->hostname,
        .received_full = config->received_full,
        .routes = engine->routes,
        .domains = engine->domains,
        .keyring = engine->keyring,
        .signing_pool = engine->signing,
        .verifier = {recipients_ask, &engine->recipients},
        .accept_everything = engine->plan->sandbox,
        .spool = engine->spool,
        .trace = engine->trace,
        .message_size_max_bytes = config->limits.message_size_bytes,
        .recipients_max = config->limits.recipients,
        .messages_max = config->limits.messages_per_session,
        .timeouts = receive_timeouts_default(),
    };
    service.timeouts.command = config->limits.command_timeout_s * 1000;
    return service;
}

static struct receive_service make_service(struct engine *engine,
                                           const struct config_listener *listener)
{
    const struct config *config = engine->config;
    bool submission = listener->service == CONFIG_SERVICE_SUBMISSION;
    struct receive_service service = make_any_service(engine);
    service.kind = submission ? RECEIVE_SUBMISSION : RECEIVE_MX;
    service.tls = listener->tls;
    service.name = listener->name;
    service.tls_context = engine->certificates.server;
    service.auth_in_clear = listener->auth_in_clear;
    service.senders = config->accounts.senders;
    service.accounts = engine->accounts;
    service.password_pool = engine->passwords;
    service.relay_from = config->relay_from;
    service.relay_from_count = config->relay_from_count;
    service.proxy_from = listener->proxy;
    service.proxy_from_count = listener->proxy_count;
    service.xclient_from = listener->xclient;
    service.xclient_from_count = listener->xclient_count;
    return service;
}

/* For `sendmail`. A list of recipients may hold any number that are refused. */
static struct receive_service make_local_service(struct engine *engine)
{
    const struct config *config = engine->config;
    struct receive_service service = make_any_service(engine);
    service.kind = RECEIVE_LOCAL;
    service.name = STR("submit");
    service.home = config->domain_count ? config->domains[0].name : config->hostname;
    service.senders = RECEIVE_SENDERS_ANY;
    service.errors_max = UINT32_MAX;
    return service;
}

static void make_services(struct engine *engine)
{
    const struct config *config = engine->config;
    const struct engine_plan *plan = engine->plan;
    engine->gate = receive_gate_new(config->limits.connections, config->limits.connections_per_ip);
    engine->local_gate = receive_gate_new(LOCAL_CONNECTIONS_MAX, LOCAL_CONNECTIONS_PER_UID);
    engine->services =
        ARENA_ARRAY(&engine->arena, struct receive_service, config->listener_count + 1);
    size_t ports = plan->submit_count;
    for (size_t i = 0; i < config->listener_count; i++)
        ports += config->listeners[i].bind_count;
    engine->ports = ARENA_ARRAY(&engine->arena, struct worker_port, ports);
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        engine->services[i] = make_service(engine, listener);
        for (size_t j = 0; j < listener->bind_count; j++)
            engine->ports[engine->port_count++] =
                (struct worker_port){&engine->services[i], engine->gate,
                                     listener_set_find(plan->listeners, &listener->binds[j])};
    }
    struct receive_service *local = &engine->services[config->listener_count];
    *local = make_local_service(engine);
    for (size_t i = 0; i < plan->submit_count; i++)
        engine->ports[engine->port_count++] =
            (struct worker_port){local, engine->local_gate, plan->submit_fds[i]};
}

/* ---- spool, queue, trace ---- */

static void grant_slot(void *context, struct queue_slot *slot)
{
    struct engine *engine = context;
    size_t turn = atomic_fetch_add(&engine->next_worker, 1);
    worker_deliver(&engine->workers[turn % engine->worker_count], slot);
}

static bool open_trace(struct engine *engine)
{
    const struct config *config = engine->config;
    struct trace_options options = {
        .disk = disk_system(),
        .clock = &engine->clock,
        .directory = state_path(&engine->arena, config->state, "trace").at,
        .max_size_bytes = config->trace.max_size_bytes,
        .keep_s = config->trace.keep_s,
    };
    enum err err = trace_open(&options, &engine->trace);
    if (err)
        log_event(LOG_ERROR, "server", "cannot open %s: %s", options.directory, err_text(err));
    return !err;
}

static void open_queue(struct engine *engine)
{
    const struct config *config = engine->config;
    struct queue_options options = {
        .clock = &engine->clock,
        .trace = engine->trace,
        .routes = engine->routes,
        .random = random_system(),
        .schedule = {config->retry.first_s, config->retry.max_s, config->retry.warn_s,
                     config->retry.expire_s},
        .connections_per_destination = config->limits.connections_per_destination,
        .slots_max = SLOTS_MAX,
        .in_flight_file = state_path(&engine->arena, config->state, "in-flight").at,
        .start = grant_slot,
        .start_context = engine,
        .report = report_job,
        .report_context = &engine->report,
    };
    engine->queue = queue_new(&options);
}

/* Somebody who has questions writes to a domain that takes mail here, if there is one. */
static void make_report(struct engine *engine)
{
    const struct config *config = engine->config;
    struct str domain = config->domain_count ? config->domains[0].name : config->hostname;
    engine->report = (struct report){
        .clock = &engine->clock,
        .spool = engine->spool,
        .trace = engine->trace,
        .routes = engine->routes,
        .hostname = config->hostname,
        .postmaster = arena_printf(&engine->arena, "postmaster@%.*s", STR_FMT(domain)),
        .keyring = engine->keyring,
        .signing_pool = engine->signing,
        .expire_s = config->retry.expire_s,
    };
}

static bool open_spool(struct engine *engine)
{
    struct spool_options options = {
        .disk = disk_system(),
        .clock = &engine->clock,
        .directory = state_path(&engine->arena, engine->config->state, "spool").at,
        .files = engine->files,
        .announce = queue_announce,
        .announce_context = engine->queue,
    };
    struct spool_recovery found;
    enum err err = spool_open(&options, &engine->spool, &found);
    if (err) {
        log_event(LOG_ERROR, "server", "cannot open %s: %s", options.directory, err_text(err));
        return false;
    }
    queue_set_spool(engine->queue, engine->spool);
    make_report(engine);
    log_event(LOG_INFO, "server", "the spool holds %llu messages",
              (unsigned long long)found.messages);
    if (found.damaged_records)
        log_event(LOG_ERROR, "server", "%llu damaged records were set aside in %s/damaged",
                  (unsigned long long)found.damaged_records, options.directory);
    return true;
}

static void make_pools(struct engine *engine)
{
    engine->files = blocking_pool_new("files", FILE_THREADS, FILE_QUEUE_MAX);
    engine->maildirs = blocking_pool_new("maildirs", MAILDIR_THREADS, FILE_QUEUE_MAX);
    engine->passwords = blocking_pool_new("passwords", PASSWORD_THREADS, PASSWORD_QUEUE_MAX);
    engine->signing = blocking_pool_new("signing", SIGNING_THREADS, SIGNING_QUEUE_MAX);
}

static bool open_all(struct engine *engine)
{
    engine->routes = NULL;
    if (certificates_make(engine->plan->config, &engine->certificates) != OK ||
        config_build_routes(engine->config, &engine->routes) != OK || !make_accounts(engine) ||
        !make_keyring(engine))
        return false;
    make_domains(engine);
    route_table_set_srs_key(engine->routes, engine->plan->srs_key);
    make_pools(engine);
    if (!open_trace(engine))
        return false;
    open_queue(engine);
    if (!open_spool(engine))
        return false;
    make_services(engine);
    return true;
}

/* ---- workers ---- */

static void say_ready(void *context)
{
    struct engine *engine = context;
    queue_begin(engine->queue);
    if (write(engine->plan->ready_fd, "r", 1) != 1)
        log_event(LOG_WARNING, "server", "the parent does not listen");
    close(engine->plan->ready_fd);
}

struct probe {
    struct fiber_group group;
    struct loop *loop;
    const struct resolver_options *options;
    enum dns_probe_result result;
    const char *reason;
};

static void run_probe(void *argument)
{
    struct probe *probe = argument;
    probe->result = dns_probe(probe->options, loop_now_ms() + WORKER_PROBE_MS, &probe->reason);
    loop_stop(probe->loop);
}

static void start_probe(void *argument)
{
    struct probe *probe = argument;
    fiber_spawn(&probe->group, "probe", run_probe, probe);
}

/* `dnssec = auto`: a forwarder that strips signatures would make every answer bogus and stop the
 * mail, so it is asked first. */
static bool validation_works(struct engine *engine, const struct resolver_options *options,
                             bool *out_are_silent)
{
    struct probe probe = {.options = options};
    probe.loop = loop_new(&(struct loop_options){.clock = &engine->clock});
    fiber_group_init(&probe.group, probe.loop);
    enum err err = loop_run(probe.loop, start_probe, &probe);
    assert(!err);
    loop_free(probe.loop);
    bool works = probe.result == DNS_PROBE_VALIDATES;
    *out_are_silent = probe.result == DNS_PROBE_SILENT;
    if (!works)
        log_event(LOG_WARNING, "dns", "answers are treated as insecure: %s", probe.reason);
    return works;
}

static void choose_resolver(struct engine *engine)
{
    const struct config *config = engine->config;
    struct worker_common *common = &engine->common;
    common->with_resolver = !engine->plan->sandbox;
    common->resolver = (struct resolver_options){
        .servers = config->resolver.servers,
        .server_count = config->resolver.server_count,
        .validate = config->resolver.dnssec == DNS_SECURITY_YES,
    };
    common->probes = common->with_resolver && config->resolver.dnssec == DNS_SECURITY_AUTO;
    if (common->probes)
        common->resolver.validate =
            validation_works(engine, &common->resolver, &common->servers_are_silent);
}

static void take_certificates(void *argument)
{
    struct engine *engine = argument;
    enum err err;
    do
        err = certificates_receive(engine->plan->config, &engine->certificates,
                                   engine->plan->renewal_fd);
    while (!err);
    if (err != ERR_BUSY)
        log_event(LOG_ERROR, "server", "new certificates did not come whole: %s", err_text(err));
}

/* Keys take a while to read: not on the loop. */
static void renew_certificates(void *context)
{
    struct engine *engine = context;
    if (blocking_run(engine->files, take_certificates, engine) != OK)
        log_event(LOG_ERROR, "server", "new certificates cannot be read: too much is to be done");
}

static struct own_addresses own_addresses(struct engine *engine)
{
    struct net_address *interfaces = NULL;
    size_t count = 0;
    enum err err = interfaces_list(&engine->arena, &interfaces, &count);
    if (err)
        log_event(LOG_WARNING, "server", "the addresses of this machine are not known: %s",
                  err_text(err));
    return own_addresses_of(engine->config, interfaces, count, &engine->arena);
}

static void make_deliver(struct engine *engine)
{
    struct own_addresses own = own_addresses(engine);
    engine->common.deliver = (struct deliver_options){
        .clock = &engine->clock,
        .network = network_system(),
        .tls = engine->certificates.client,
        .disk = disk_system(),
        .maildir_pool = engine->maildirs,
        .spool = engine->spool,
        .queue = engine->queue,
        .trace = engine->trace,
        .routes = engine->routes,
        .own_addresses = own.at,
        .own_address_count = own.count,
        .private_targets = engine->config->resolver.private_targets,
        .hostname = engine->config->hostname,
        .timeouts = deliver_timeouts_default(),
    };
}

static void make_workers(struct engine *engine)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    engine->worker_count = processors < 1 ? 1 : min_size((size_t)processors, WORKERS_MAX);
    engine->recipients = (struct recipients){engine->workers, engine->worker_count};
    engine->control = (struct control){engine->queue, engine->spool, engine->trace, engine->files,
                                       &engine->clock};
    struct worker_common *common = &engine->common;
    common->clock = &engine->clock;
    common->ports = engine->ports;
    common->port_count = engine->port_count;
    common->control = &engine->control;
    common->control_fd = engine->plan->control_fd;
    common->fibers_max =
        engine->config->limits.connections + LOCAL_CONNECTIONS_MAX + SLOTS_MAX + FIBERS_BESIDE;
    common->judgements_max = engine->config->limits.connections;
    common->ready = say_ready;
    common->context = engine;
    common->callouts = callout_memory_new();
    make_deliver(engine);
    choose_resolver(engine);
    atomic_init(&common->starting, engine->worker_count);
    for (size_t i = 0; i < engine->worker_count; i++)
        worker_init(&engine->workers[i], common, i);
}

static void *run_worker(void *argument)
{
    worker_run(argument);
    return NULL;
}

static void stop_all(void *context)
{
    struct engine *engine = context;
    log_event(LOG_INFO, "server", "stopping: conversations end at their next boundary");
    queue_drain(engine->queue);
    for (size_t i = 0; i < engine->worker_count; i++)
        worker_stop(&engine->workers[i]);
}

static void run_workers(struct engine *engine)
{
    engine->common.stop_fd = engine->signal_fd;
    engine->common.stop = stop_all;
    engine->common.renewal_fd = engine->plan->renewal_fd;
    engine->common.renew = renew_certificates;
    for (size_t i = 1; i < engine->worker_count; i++)
        if (pthread_create(&engine->workers[i].thread, NULL, run_worker, &engine->workers[i]) != 0)
            abort(); /* the parent starts another engine, later */
    worker_run(&engine->workers[0]);
    for (size_t i = 1; i < engine->worker_count; i++)
        pthread_join(engine->workers[i].thread, NULL);
}

static void close_all(struct engine *engine)
{
    for (size_t i = 0; i < engine->worker_count; i++)
        worker_done(&engine->workers[i]);
    callout_memory_free(engine->common.callouts);
    spool_close(engine->spool);
    queue_free(engine->queue);
    trace_close(engine->trace);
    receive_gate_free(engine->gate);
    receive_gate_free(engine->local_gate);
    blocking_pool_free(engine->files);
    blocking_pool_free(engine->maildirs);
    blocking_pool_free(engine->passwords);
    blocking_pool_free(engine->signing);
    accounts_free(engine->accounts);
    keyring_free(engine->keyring);
    receive_domains_free(engine->domains);
    route_table_free(engine->routes);
    certificates_free(engine->plan->config, &engine->certificates);
    arena_reset(&engine->arena);
}

int engine_run(const struct engine_plan *plan)
{
    struct engine *engine = NEW(struct engine);
    engine->plan = plan;
    engine->config = plan->config;
    engine->clock = clock_system();
    engine->arena = arena_make();
    if (!become_engine(engine) || !open_all(engine))
        return 1;
    make_workers(engine);
    run_workers(engine);
    close_all(engine);
    mem_free(engine);
    return 0;
}
