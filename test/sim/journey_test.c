/* The machine, or only the process, dies at each call of the disk in turn, from a message's first
 * byte to its last report. */
#include "test.h"
#include "world.h"

#define CALLS 60 /* more than it takes */

struct journey {
    struct world *world;
    size_t size_bytes;
};

/* One recipient of each kind: a next host takes it, one refuses it for good, which is reported, and
 * there is a mailbox. */
static void run_sender(void *argument)
{
    static const char *const domains[] = {"sink0.example", "sink2.example", "local.example"};
    const struct journey *journey = argument;
    while (world_send(journey->world, journey->size_bytes, domains, 3)->to[0].promise !=
           PROMISE_GIVEN)
        world_sleep(10 * SECOND);
}

/* The seed is the number of the call. */
static void die_within(struct world *world, enum life_end how, size_t size_bytes)
{
    struct journey journey = {world, size_bytes};
    world->sinks[SINK_2].moods.for_good = 1000;
    server_start(&world->server);
    fiber_yield(); /* its own calls at the start are over */
    fiber_spawn(&world->senders, "sender", run_sender, &journey);
    bool is_within = server_await_death(&world->server, how, world->seed, loop_now_ms() + MINUTE);
    EXPECT(world, !is_within || world->seed < CALLS);
    server_bury(&world->server);
    server_start(&world->server);
    world_join_senders(world);
    EXPECT(world, server_await_empty(&world->server, DAY));
    EXPECT(world, world->ledger.reports >= 1);
}

static void power_and_small(struct world *world) { die_within(world, LIFE_POWER_CUT, 1000); }
static void power_and_large(struct world *world) { die_within(world, LIFE_POWER_CUT, 70000); }
TEST(the_power_may_fail_at_each_call_of_a_journey)
{
    CHECK_INT(world_play_seeds(power_and_small, CALLS), 0);
    CHECK_INT(world_play_seeds(power_and_large, CALLS), 0);
}

static void kill_and_small(struct world *world) { die_within(world, LIFE_KILLED, 1000); }
static void kill_and_large(struct world *world) { die_within(world, LIFE_KILLED, 70000); }
TEST(the_process_may_end_at_each_call_of_a_journey)
{
    CHECK_INT(world_play_seeds(kill_and_small, CALLS), 0);
    CHECK_INT(world_play_seeds(kill_and_large, CALLS), 0);
}

int main(void)
{
    RUN(the_power_may_fail_at_each_call_of_a_journey);
    RUN(the_process_may_end_at_each_call_of_a_journey);
    return test_summary();
}
