/* What one destination or one sender does to the others: nothing. Bounds are in virtual time. */
#include "test.h"
#include "world.h"

static uint64_t wait_of(const struct mailing *mailing)
{
    return mailing->to[0].taken_ms ? mailing->to[0].taken_ms - mailing->answered_ms : UINT64_MAX;
}

static size_t queued_for(struct world *world, const char *domain)
{
    struct queue_filter filter = {.state = -1, .domain = str_of(domain)};
    struct queue_view *views;
    size_t count;
    queue_list(world->server.queue, &filter, &(struct queue_page){.limit = 10000}, &world->arena,
               &views, &count);
    return count;
}

static void bad_neighbours(struct world *world)
{
    server_start(&world->server);
    world->sinks[SINK_0].moods = (struct sink_moods){.hangs = 1000}; /* from the first byte on */
    sink_shut(&world->sinks[SINK_1]);
    for (int i = 0; i < 100; i++) {
        world_send_to(world, "sink0.example");
        world_send_to(world, "sink1.example");
        struct mailing *good = world_send_to(world, "sink2.example");
        world_send_to(world, "local.example");
        world_sleep(SECOND + world_roll(world, 5 * SECOND));
        EXPECT(world, wait_of(good) < SECOND);
        EXPECT(world, queued_for(world, "local.example") == 0);
    }
    EXPECT(world, queued_for(world, "sink0.example") == 100);
    EXPECT(world, queued_for(world, "sink1.example") == 100);
    world->sinks[SINK_0].moods = (struct sink_moods){0};
    sink_open(&world->sinks[SINK_1]);
    EXPECT(world, server_await_empty(&world->server, DAY));
}

TEST(a_slow_or_dead_destination_delays_nobody_else)
{
    CHECK_INT(world_play_seeds(bad_neighbours, 5), 0);
}

static const char *twin(struct world *world, unsigned number)
{
    return arena_printf(&world->arena, "twin%u.sink1.example", number).at;
}

static unsigned attempts_at_twins(struct world *world)
{
    struct queue_filter filter = {.state = -1};
    struct queue_view *views;
    size_t count;
    unsigned attempts = 0;
    queue_list(world->server.queue, &filter, &(struct queue_page){.limit = 10000}, &world->arena,
               &views, &count);
    EXPECT(world, count == WORLD_TWINS);
    for (size_t i = 0; i < count; i++)
        attempts += views[i].status.attempts;
    return attempts;
}

static void one_provider(struct world *world)
{
    server_start(&world->server);
    world->sinks[SINK_1].content_ms = SECOND;
    for (unsigned i = 0; i < 3 * WORLD_TWINS; i++)
        world_send_to(world, twin(world, i % WORLD_TWINS));
    EXPECT(world, server_await_empty(&world->server, HOUR));
    EXPECT(world, world->sinks[SINK_1].connections <= 5);
    world_sleep(MINUTE); /* until none is kept any more */

    sink_shut(&world->sinks[SINK_1]);
    for (unsigned i = 0; i < WORLD_TWINS; i++)
        world_send_to(world, twin(world, i));
    world_sleep(HOUR);
    unsigned attempts = attempts_at_twins(world);
    EXPECT(world, attempts >= 5 && attempts <= 20); /* as for one domain: every ten minutes in the
                                                       end, not thirty times as often */
    unsigned before = world->sinks[SINK_1].connections;
    sink_open(&world->sinks[SINK_1]);
    EXPECT(world, server_await_empty(&world->server, HOUR));
    EXPECT(world, world->sinks[SINK_1].connections - before <= 5);
}

TEST(domains_of_one_provider_are_one_neighbour) { CHECK_INT(world_play_seeds(one_provider, 5), 0); }

#define BIG   600
#define SMALL 16

static void big_sender(struct world *world)
{
    const char *domain = "sink2.example";
    struct mailing *small[SMALL];
    server_start(&world->server);
    world->sinks[SINK_2].content_ms = SECOND; /* so the big one's mail takes minutes */
    for (int i = 0; i < BIG; i++) {
        struct sender sender = world_sender(world);
        struct mailing *mailing = ledger_add(&world->ledger, 1000, &domain, 1);
        mailing->sender = STR("big@home.example");
        sender_send(&sender, mailing);
    }
    EXPECT(world, queued_for(world, domain) > BIG / 2);
    for (int i = 0; i < SMALL; i++)
        small[i] = world_send_to(world, domain);
    world_sleep(20 * SECOND);
    EXPECT(world, queued_for(world, domain) > BIG / 2);
    unsigned served = 0;
    for (int i = 0; i < SMALL; i++)
        served += wait_of(small[i]) < 15 * SECOND;
    /* Who shares the big one's lane shares its turn: one in eight, by chance. */
    EXPECT(world, served >= SMALL / 2);
    EXPECT(world, server_await_empty(&world->server, HOUR));
}

TEST(a_big_sender_does_not_starve_others) { CHECK_INT(world_play_seeds(big_sender, 3), 0); }

int main(void)
{
    RUN(a_slow_or_dead_destination_delays_nobody_else);
    RUN(domains_of_one_provider_are_one_neighbour);
    RUN(a_big_sender_does_not_starve_others);
    return test_summary();
}
