/* Through the real queue and spool, in bad weather: connections break at random bytes for an hour.
 * Everybody gets every message; most get it once. */
#include "deliver/deliver.h"
#include "fiber/loop.h"
#include "peer.h"
#include "test.h"

#define MESSAGES   60
#define RECIPIENTS 3

struct journey {
    struct clock clock;
    struct loop *loop;
    struct disk *disk;
    struct spool *spool;
    struct trace *trace;
    struct queue *queue;
    struct route_table *routes;
    struct random random;
    struct network *network;
    struct listener *listener;
    struct blocking_pool *pool;
    struct fiber_group main, services, conversations, deliveries;
    struct deliver_options options;
    struct peer peer;
    const char *maildir; /* instead of a server */
};

struct start {
    struct journey *journey;
    void *what;
};

static void spawn(struct journey *journey, struct fiber_group *group, const char *name,
                  void (*run)(void *), void *what)
{
    struct start *start = malloc(sizeof *start);
    *start = (struct start){journey, what};
    fiber_spawn(group, name, run, start);
}

static struct start take(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    return start;
}

static void serve(void *argument)
{
    struct start start = take(argument);
    peer_serve(&start.journey->peer, start.what);
}

static void accept_all(void *argument)
{
    struct journey *journey = argument;
    struct stream *stream;
    while (listener_accept(journey->listener, DEADLINE_NEVER, &stream) == OK)
        spawn(journey, &journey->conversations, "peer", serve, stream);
}

static void run_slot(void *argument)
{
    struct start start = take(argument);
    deliver_slot(&start.journey->options, start.what);
}

static void start_slot(void *context, struct queue_slot *slot)
{
    struct journey *journey = context;
    spawn(journey, &journey->deliveries, "delivery", run_slot, slot);
}

static void run_timers(void *argument) { queue_run_timers(((struct journey *)argument)->queue); }

static void add_message(struct journey *journey)
{
    struct spool_recipient list[RECIPIENTS] = {{.address = STR("a@b.example")},
                                               {.address = STR("b@b.example")},
                                               {.address = STR("c@b.example")}};
    struct spool_envelope envelope = {.sender = STR("me@here.example"),
                                      .recipients = list,
                                      .recipient_count = RECIPIENTS,
                                      .received_us = clock_wall_us(&journey->clock)};
    struct spool_draft *draft;
    REQUIRE(spool_draft_begin(journey->spool, &draft) == OK);
    REQUIRE(spool_draft_write(draft, journey->peer.message) == OK);
    REQUIRE(spool_draft_commit(draft, &envelope, STR_EMPTY, NULL) == OK);
}

/* An hour of it, with a message each minute. */
static void make_weather(struct journey *journey)
{
    for (int i = 0; i < 6 * MESSAGES; i++) {
        if (i % 6 == 0)
            add_message(journey);
        network_memory_set_faults(
            journey->network,
            (struct network_faults){.delay_max_ms = 200,
                                    .piece_max_bytes = 100,
                                    .break_after_bytes = random_below(&journey->random, 1000),
                                    .break_is_silent = random_below(&journey->random, 8) == 0});
        CHECK(fiber_sleep_until(loop_now_ms() + 10000) == OK);
    }
    network_memory_set_faults(journey->network,
                              (struct network_faults){.break_after_bytes = UINT64_MAX});
}

static void open_spool(struct journey *journey)
{
    struct spool_recovery recovery;
    CHECK(disk_mkdir(journey->disk, "/spool", 0700) == OK);
    CHECK(disk_mkdir(journey->disk, "/trace", 0700) == OK);
    REQUIRE(trace_open(&(struct trace_options){.disk = journey->disk,
                                               .clock = &journey->clock,
                                               .directory = "/trace",
                                               .inline_writes = true},
                       &journey->trace) == OK);
    journey->queue = queue_new(&(struct queue_options){
        .clock = &journey->clock,
        .trace = journey->trace,
        .routes = journey->routes,
        .random = random_seeded(7),
        .connections_per_destination = 4,
        .schedule = {.first = 60, .max = 600, .warn = 86400, .expire = 5 * 86400},
        .start = start_slot,
        .start_context = journey});
    REQUIRE(spool_open(&(struct spool_options){.disk = journey->disk,
                                               .clock = &journey->clock,
                                               .directory = "/spool",
                                               .segment_bytes = 1 << 20,
                                               .inline_commits = true,
                                               .files = journey->pool,
                                               .announce = queue_announce,
                                               .announce_context = journey->queue},
                       &journey->spool, &recovery) == OK);
    queue_set_spool(journey->queue, journey->spool);
    journey->options = (struct deliver_options){.clock = &journey->clock,
                                                .network = journey->network,
                                                .random = &journey->random,
                                                .tls = tls_context_simulated(),
                                                .disk = journey->disk,
                                                .maildir_pool = journey->pool,
                                                .spool = journey->spool,
                                                .queue = journey->queue,
                                                .trace = journey->trace,
                                                .hostname = STR("here.example"),
                                                .timeouts = deliver_timeouts_default()};
}

static void stop(struct journey *journey)
{
    queue_drain(journey->queue);
    fiber_group_drain(&journey->deliveries);
    CHECK(fiber_group_join(&journey->deliveries, DEADLINE_NEVER) == OK);
    fiber_group_drain(&journey->services);
    CHECK(fiber_group_join(&journey->services, DEADLINE_NEVER) == OK);
    fiber_group_cancel(&journey->conversations);
    CHECK(fiber_group_join(&journey->conversations, DEADLINE_NEVER) == OK);
    spool_close(journey->spool);
    queue_free(journey->queue);
    trace_close(journey->trace);
}

static void wait_until_empty(struct journey *journey)
{
    uint64_t give_up_ms = loop_now_ms() + 24 * 3600 * 1000;
    while (queue_statistics(journey->queue).recipients && loop_now_ms() < give_up_ms)
        CHECK(fiber_sleep_until(loop_now_ms() + 1000) == OK);
}

static void travel(void *argument)
{
    struct journey *journey = argument;
    struct net_address at;
    REQUIRE(net_address_parse(STR("127.0.0.1:2526"), 0, &at) == OK);
    REQUIRE(listener_open_memory(journey->network, &at, &journey->listener) == OK);
    open_spool(journey);
    fiber_spawn(&journey->services, "accept", accept_all, journey);
    fiber_spawn(&journey->services, "timers", run_timers, journey);
    queue_begin(journey->queue);
    if (!journey->maildir)
        make_weather(journey);
    for (int i = 0; i < MESSAGES && journey->maildir; i++)
        add_message(journey);
    wait_until_empty(journey);
    struct queue_statistics statistics = queue_statistics(journey->queue);
    CHECK_INT(statistics.recipients, 0);
    CHECK_INT(statistics.delivered, MESSAGES * RECIPIENTS);
    CHECK_INT(statistics.bounced, 0);
    stop(journey);
    listener_close(journey->listener);
    loop_stop(journey->loop);
}

static void start_journey(void *argument)
{
    struct journey *journey = argument;
    struct fiber_group *groups[] = {&journey->main, &journey->services, &journey->conversations,
                                    &journey->deliveries};
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        fiber_group_init(groups[i], journey->loop);
    fiber_spawn(&journey->main, "test", travel, journey);
}

static void play(struct journey *journey, uint64_t seed, struct route_way way)
{
    journey->clock = clock_virtual(1700000000000000);
    journey->random = random_seeded(seed);
    journey->loop = loop_new(&(struct loop_options){.clock = &journey->clock});
    journey->disk = disk_memory_new(256 << 20);
    journey->network = network_memory_new(&journey->random);
    journey->pool = blocking_pool_new("test", 0, 100);
    journey->routes = route_table_new();
    CHECK(route_table_add_route(journey->routes, STR("*"), &way) == OK);
    CHECK_INT(loop_run(journey->loop, start_journey, journey), OK);
    route_table_free(journey->routes);
    blocking_pool_free(journey->pool);
    network_memory_free(journey->network);
    loop_free(journey->loop);
}

TEST(nobody_is_lost_in_an_hour_of_breaking_connections)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct journey journey = {
            .peer = {.script = "",
                     .extensions = seed % 2 ? "PIPELINING" : "CHUNKING STARTTLS",
                     .tls = tls_context_simulated(),
                     .message = STR("Subject: far\r\n\r\n.and away\r\n")}};
        play(&journey, seed,
             (struct route_way){.via = ROUTE_SMTP,
                                .name = STR("smtp"),
                                .host = STR("127.0.0.1"),
                                .port = 2526,
                                .tls = ROUTE_TLS_MAY});
        for (size_t i = 0; i < RECIPIENTS; i++)
            CHECK(journey.peer.copies[i] >= MESSAGES);
        CHECK(journey.peer.connections > MESSAGES);
        CHECK_INT(journey.peer.wrong_contents, 0);
        disk_memory_free(journey.disk);
    }
}

static void count_name(void *context, const char *name)
{
    UNUSED(name);
    ++*(unsigned *)context;
}

TEST(mailboxes_get_each_message_once)
{
    struct journey journey = {
        .peer = {.script = "", .extensions = "", .message = STR("Subject: near\r\n\r\nby\r\n")},
        .maildir = "/mail"};
    play(&journey, 1,
         (struct route_way){.via = ROUTE_MAILDIR,
                            .name = STR("maildir"),
                            .maildir = STR("/mail/%{domain}/%{user}")});
    static const char *const boxes[] = {"/mail/b.example/a/new", "/mail/b.example/b/new",
                                        "/mail/b.example/c/new"};
    for (size_t i = 0; i < ARRAY_LEN(boxes); i++) {
        unsigned count = 0;
        CHECK(disk_list(journey.disk, boxes[i], count_name, &count) == OK);
        CHECK_INT(count, MESSAGES);
    }
    disk_memory_free(journey.disk);
}

int main(void)
{
    RUN(nobody_is_lost_in_an_hour_of_breaking_connections);
    RUN(mailboxes_get_each_message_once);
    return test_summary();
}
