#include "world.h"

#include "base/log.h"
#include "fiber/loop.h"
#include "net/memory_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAILBOX  "/mail/local.example/box"
#define START_MS HOUR /* a time of 0 stands for "never" */

static void must(enum err err) { assert(err == OK); }

/* ---- the makings ---- */

static struct net_address address_of(const char *text)
{
    struct net_address address;
    must(net_address_parse(str_of(text), 0, &address));
    return address;
}

static void add_route(struct world *world, const char *pattern, const char *host)
{
    must(route_table_add_route(world->routes, str_of(pattern),
                               &(struct route_way){.via = ROUTE_SMTP,
                                                   .name = str_of(pattern),
                                                   .host = str_of(host),
                                                   .port = 25,
                                                   .tls = ROUTE_TLS_MAY}));
}

static void add_mx(struct world *world, const char *domain)
{
    resolver_script(world->resolver, domain, DNS_MX, "10 mx.sink1.example");
    resolver_script(world->resolver, domain, DNS_MX, "20 mx2.sink1.example");
}

/* sink1 and its twins are found by MX, the others by routes. */
static void make_routes(struct world *world)
{
    world->routes = route_table_new();
    must(route_table_add_domain(
        world->routes,
        &(struct route_domain_options){.name = STR("local.example"),
                                       .way = {.via = ROUTE_MAILDIR,
                                               .name = STR("maildir"),
                                               .maildir = STR("/mail/%{domain}/%{user}")},
                                       .users = ROUTE_USERS_ANY,
                                       .separator = '+'}));
    add_route(world, "home.example", "203.0.113.1");
    add_route(world, "sink0.example", "203.0.113.10");
    add_route(world, "sink2.example", "203.0.113.12");
    world->resolver = resolver_scripted_new();
    add_mx(world, "sink1.example");
    for (unsigned i = 0; i < WORLD_TWINS; i++) {
        char twin[32];
        snprintf(twin, sizeof twin, "twin%u.sink1.example", i);
        add_mx(world, twin);
    }
    resolver_script(world->resolver, "mx.sink1.example", DNS_A, "203.0.113.99"); /* nobody there */
    resolver_script(world->resolver, "mx2.sink1.example", DNS_A, "203.0.113.11");
}

static void make_sinks(struct world *world)
{
    static const struct {
        const char *name, *address, *extensions;
    } rows[SINK_COUNT] = {
        [SINK_HOME] = {"home.example", "203.0.113.1:25", "PIPELINING 8BITMIME"},
        [SINK_0] = {"sink0.example", "203.0.113.10:25", "8BITMIME"},
        [SINK_1] = {"sink1.example", "203.0.113.11:25", "PIPELINING STARTTLS 8BITMIME"},
        [SINK_2] = {"sink2.example", "203.0.113.12:25", "PIPELINING CHUNKING 8BITMIME"},
    };
    for (size_t i = 0; i < SINK_COUNT; i++) {
        world->sinks[i] = (struct sink){
            .name = rows[i].name,
            .address = address_of(rows[i].address),
            .extensions = rows[i].extensions,
            .random = &world->random,
            .network = world->network,
            .wires = &world->wires,
            .ledger = &world->ledger,
        };
        sink_init(&world->sinks[i]);
        sink_open(&world->sinks[i]);
    }
}

static void make_server(struct world *world)
{
    world->server = (struct server){
        .clock = &world->clock,
        .random = &world->random,
        .disk = &world->disk,
        .wires = &world->wires,
        .ledger = &world->ledger,
        .resolver = world->resolver,
        .routes = world->routes,
        .pool = world->pool,
        .address = address_of("192.0.2.25:25"),
        .schedule = {.first = 30, .max = 600, .warn = 0, .expire = 5 * 86400},
        .in_flight_file = world->in_flight_file,
    };
    must(net_range_parse(STR("198.51.100.0/24"), &world->server.clients[0]));
    server_install(&world->server);
}

static void wire_arrived(void *context, struct wire *wire)
{
    struct world *world = context;
    ledger_arrived(&world->ledger, wire, world->wires.moment);
}

/* ---- one play ---- */

static void run_body(void *argument)
{
    struct world *world = argument;
    make_routes(world);
    make_sinks(world);
    make_server(world);
    world->play(world);
    world_join_senders(world);
    if (world->server.is_running)
        server_stop(&world->server);
    for (size_t i = 0; i < SINK_COUNT; i++)
        sink_done(&world->sinks[i]);
    ledger_open_mailbox(&world->ledger, world->memory, MAILBOX);
    ledger_check(&world->ledger);
    resolver_free(world->resolver);
    loop_stop(world->loop);
}

static void start_body(void *argument)
{
    struct world *world = argument;
    fiber_group_init(&world->body, world->loop);
    fiber_group_init(&world->senders, world->loop);
    fiber_spawn(&world->body, "play", run_body, world);
}

static void world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){.seed = seed, .random = random_seeded(seed * 0x9e3779b97f4a7c15u)};
    world->clock = clock_virtual(WORLD_START_US);
    world->clock.virtual_ms = START_MS;
    world->loop = loop_new(&(struct loop_options){.clock = &world->clock});
    world->memory = disk_memory_new(WORLD_DISK_BYTES);
    world->disk = crashing_disk_make(world->memory);
    world->network = network_memory_new(&world->random);
    wires_init(&world->wires, world->network, &world->arena);
    world->wires.arrived = wire_arrived;
    world->wires.context = world;
    world->wires.is_shown = getenv("SIM_WIRE");
    world->pool = blocking_pool_new("sim", 0, 1000);
    ledger_init(&world->ledger, &world->arena);
    strcpy(world->in_flight_file, "/tmp/postrider-sim-XXXXXX");
    int fd = mkstemp(world->in_flight_file);
    assert(fd >= 0);
    close(fd);
}

static void world_done(struct world *world)
{
    unlink(world->in_flight_file);
    route_table_free(world->routes);
    wires_done(&world->wires);
    blocking_pool_free(world->pool);
    network_memory_free(world->network);
    disk_memory_free(world->memory);
    loop_free(world->loop);
    ledger_done(&world->ledger);
    arena_reset(&world->arena);
}

static void print_summary(const struct world *world)
{
    const struct ledger *ledger = &world->ledger;
    printf("# seed %llu: %u mailings, %u promised, %u copies, %u again, %u reports, %zu lives, "
           "%llu s\n",
           (unsigned long long)world->seed, ledger->mailing_count, ledger_promised(ledger),
           ledger->copies, ledger->repeated, ledger->reports, ledger->life_count,
           (unsigned long long)((world->clock.virtual_ms - START_MS) / SECOND));
}

bool world_play(void (*play)(struct world *), uint64_t seed, uint64_t *out_story)
{
    bool is_shown = getenv("SIM_LOG");
    struct world *world = NEW(struct world);
    log_init(is_shown ? LOG_INFO : LOG_ERROR, is_shown ? 2 : -1);
    world_init(world, seed);
    world->play = play;
    if (loop_run(world->loop, start_body, world) != OK) {
        printf("# seed %llu: somebody waits for ever\n", (unsigned long long)seed);
        exit(1); /* the fibers left cannot be ended */
    }
    if (is_shown)
        print_summary(world);
    bool ok = world->ledger.problems == 0;
    if (out_story)
        *out_story = world->wires.story;
    world_done(world);
    mem_free(world);
    return ok;
}

/* 0: not given. */
static uint64_t from_environment(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : 0;
}

unsigned world_play_seeds(void (*play)(struct world *), unsigned rounds)
{
    uint64_t only = from_environment("SIM_SEED"), wanted = from_environment("SIM_ROUNDS");
    uint64_t first = only ? only : 1;
    uint64_t count = only ? 1 : wanted ? wanted : rounds;
    unsigned failed = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (world_play(play, seed, NULL))
            continue;
        printf("# SIM_SEED=%llu\n", (unsigned long long)seed);
        failed++;
    }
    return failed;
}

/* ---- for plays ---- */

void world_sleep(uint64_t ms) { must(fiber_sleep_until(loop_now_ms() + ms)); }

struct sender world_sender(struct world *world)
{
    char address[64];
    unsigned number = ++world->sender_count;
    snprintf(address, sizeof address, "198.51.100.%u:%u", number % 250 + 1, 1024 + number);
    return (struct sender){
        .network = world->network,
        .server = world->server.address,
        .address = address_of(address),
        .random = &world->random,
        .ledger = &world->ledger,
    };
}

struct mailing *world_send(struct world *world, size_t size_bytes, const char *const *domains,
                           size_t count)
{
    struct sender sender = world_sender(world);
    struct mailing *mailing = ledger_add(&world->ledger, size_bytes, domains, count);
    sender_send(&sender, mailing);
    return mailing;
}

struct mailing *world_send_to(struct world *world, const char *domain)
{
    return world_send(world, 1000, &domain, 1);
}

void world_send_to_shut(struct world *world, struct sender *sender, struct sink *sink)
{
    const char *domains[] = {sink->name, sink->name, sink->name};
    struct mailing *mailing = ledger_add(&world->ledger, 0, domains, 3);
    sink_shut(sink);
    world_sleep(10 * SECOND);
    sender_send(sender, mailing);
    EXPECT(world, mailing->to[0].promise == PROMISE_GIVEN);
}

struct campaign {
    struct world *world;
    unsigned mailings;
    uint64_t pause_ms;
};

static struct mailing *make_mailing(struct world *world)
{
    static const char *const domains[] = {"local.example",       "sink0.example",
                                          "sink1.example",       "sink2.example",
                                          "twin0.sink1.example", "twin1.sink1.example"};
    static const size_t sizes[] = {300, 1000, 3000, 20000};
    const char *to[MAILING_RECIPIENTS_MAX];
    size_t count = 1 + world_roll(world, MAILING_RECIPIENTS_MAX);
    for (size_t i = 0; i < count; i++)
        to[i] = domains[world_roll(world, ARRAY_LEN(domains))];
    size_t size = world_roll(world, 40) ? sizes[world_roll(world, ARRAY_LEN(sizes))] : 100000;
    return ledger_add(&world->ledger, size, to, count);
}

static void run_campaign(void *argument)
{
    struct campaign campaign = *(struct campaign *)argument;
    mem_free(argument);
    struct sender sender = world_sender(campaign.world);
    for (unsigned i = 0; i < campaign.mailings;) {
        struct mailing *mailing = make_mailing(campaign.world);
        world_sleep(world_roll(campaign.world, campaign.pause_ms + 1));
        sender_send(&sender, mailing);
        i += mailing->to[0].promise == PROMISE_GIVEN;
    }
}

void world_spawn_senders(struct world *world, unsigned senders, unsigned mailings,
                         uint64_t pause_ms)
{
    for (unsigned i = 0; i < senders; i++) {
        struct campaign *campaign = NEW(struct campaign);
        *campaign = (struct campaign){world, mailings, pause_ms};
        fiber_spawn(&world->senders, "sender", run_campaign, campaign);
    }
}

void world_join_senders(struct world *world)
{
    must(fiber_group_join(&world->senders, DEADLINE_NEVER));
}

void world_set_moods(struct world *world, struct sink_moods moods)
{
    for (size_t i = SINK_0; i < SINK_COUNT; i++)
        world->sinks[i].moods = moods;
}

void world_calm_network(struct world *world)
{
    network_memory_set_faults(world->network, network_faults_none());
}
