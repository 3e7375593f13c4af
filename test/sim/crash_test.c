/* The machine, or only the process, dies again and again, at any call of the disk or any moment
 * between, and starts again on what the disk then holds. The weather is mixed. */
#include "test.h"
#include "world.h"

#define DEATHS 6

/* Each life is cut short, most of them while the disk is being written to. */
static void live_and_die(struct world *world, enum life_end how)
{
    struct server *server = &world->server;
    for (int i = 0; i < DEATHS; i++) {
        server_start(server);
        uint64_t call = world_roll(world, 3) ? 1 + world_roll(world, 400) : 0;
        uint64_t deadline_ms = loop_now_ms() + world_roll(world, MINUTE);
        server_await_death(server, how, call, deadline_ms);
        world_sleep(world_roll(world, 30 * SECOND)); /* nobody is there */
        server_bury(server);
    }
}

static void light_weather(struct world *world)
{
    struct sink_moods moods = {.for_now = 20, .for_good = 10, .hangs = 2, .dies = 5, .slow = 20};
    world_set_moods(world, moods);
    network_memory_set_faults(world->network,
                              (struct network_faults){.delay_max_ms = world_roll(world, 300),
                                                      .piece_max_bytes = world_roll(world, 2000),
                                                      .break_after_bytes = UINT64_MAX});
}

static void deaths(struct world *world, enum life_end how)
{
    light_weather(world);
    world_spawn_senders(world, 5, 6, 40 * SECOND);
    live_and_die(world, how);
    server_start(&world->server);
    world_set_moods(world, (struct sink_moods){0});
    world_calm_network(world);
    world_join_senders(world);
    EXPECT(world, server_await_empty(&world->server, DAY));
}

static void power_cuts(struct world *world) { deaths(world, LIFE_POWER_CUT); }
TEST(power_cuts_lose_nothing) { CHECK_INT(world_play_seeds(power_cuts, 20), 0); }

static void kills(struct world *world) { deaths(world, LIFE_KILLED); }
TEST(process_kills_lose_nothing) { CHECK_INT(world_play_seeds(kills, 20), 0); }

/* Nobody dies: what is under way is finished or goes back, and there is no excuse for a second
 * copy but an answer that never came. */
static void stops(struct world *world)
{
    light_weather(world);
    world_spawn_senders(world, 5, 6, 40 * SECOND);
    for (int i = 0; i < DEATHS; i++) {
        server_start(&world->server);
        world_sleep(world_roll(world, MINUTE));
        server_stop(&world->server);
    }
    server_start(&world->server);
    world_set_moods(world, (struct sink_moods){0});
    world_join_senders(world);
    EXPECT(world, server_await_empty(&world->server, DAY));
}
TEST(orderly_restarts_lose_nothing) { CHECK_INT(world_play_seeds(stops, 15), 0); }

int main(void)
{
    RUN(power_cuts_lose_nothing);
    RUN(process_kills_lose_nothing);
    RUN(orderly_restarts_lose_nothing);
    return test_summary();
}
