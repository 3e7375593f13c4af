/* Bad weather: the network delivers in pieces, late, and breaks; next hosts refuse, hang and die.
 */
#include "test.h"
#include "world.h"

static struct network_faults bad_weather(struct world *world)
{
    struct network_faults faults = {.break_after_bytes = UINT64_MAX};
    if (world_roll(world, 2))
        faults.delay_max_ms = 1 + world_roll(world, 3000);
    if (world_roll(world, 2))
        faults.piece_max_bytes = 1 + world_roll(world, 500);
    if (world_roll(world, 3))
        faults.break_after_bytes = world_roll(world, world_roll(world, 2) ? 2000 : 30000);
    faults.break_is_silent = world_roll(world, 6) == 0;
    return faults;
}

static void change_name_service(struct world *world)
{
    resolver_script_forget(world->resolver, "mx2.sink1.example", DNS_A);
    if (world_roll(world, 4) == 0)
        resolver_script_failure(world->resolver, "mx2.sink1.example", DNS_A);
    else
        resolver_script(world->resolver, "mx2.sink1.example", DNS_A, "203.0.113.11");
}

static void change_a_sink(struct world *world)
{
    struct sink *sink = &world->sinks[world_roll(world, SINK_COUNT)];
    if (sink->listener && world_roll(world, 3) == 0)
        sink_shut(sink);
    else if (!sink->listener)
        sink_open(sink);
}

static void end_of_the_storm(struct world *world)
{
    world_calm_network(world);
    world_set_moods(world, (struct sink_moods){0});
    world->sinks[SINK_HOME].moods = (struct sink_moods){0};
    resolver_script_forget(world->resolver, "mx2.sink1.example", DNS_A);
    resolver_script(world->resolver, "mx2.sink1.example", DNS_A, "203.0.113.11");
    for (size_t i = 0; i < SINK_COUNT; i++)
        if (!world->sinks[i].listener)
            sink_open(&world->sinks[i]);
}

static void storm(struct world *world)
{
    struct sink_moods moods = {.for_now = 30, .for_good = 30, .hangs = 5, .dies = 20, .slow = 10};
    server_start(&world->server);
    world_set_moods(world, moods);
    moods.for_good = 0; /* a report that is refused is told to nobody */
    world->sinks[SINK_HOME].moods = moods;
    world->sinks[SINK_2].recipients_max = 1;
    world_spawn_senders(world, 6, 8, 2 * MINUTE);
    for (int i = 0; i < 60; i++) {
        network_memory_set_faults(world->network, bad_weather(world));
        change_a_sink(world);
        change_name_service(world);
        world_sleep(world_roll(world, 20 * SECOND));
    }
    end_of_the_storm(world);
    world_join_senders(world);
    EXPECT(world, server_await_empty(&world->server, DAY));
}

TEST(random_faults_lose_nothing) { CHECK_INT(world_play_seeds(storm, 30), 0); }

int main(void)
{
    RUN(random_faults_lose_nothing);
    return test_summary();
}
