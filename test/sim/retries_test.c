/* Days of trying, in moments. */
#include "fiber/loop.h"
#include "test.h"
#include "world.h"

#define LONGEST_PAUSE (4 * HOUR * 6 / 5) /* with its jitter */

static bool is_between(uint64_t ms, uint64_t first, uint64_t last)
{
    return ms >= first && ms <= last;
}

/* One destination is not there, one refuses for now, one is back on the second day. */
static void days(struct world *world)
{
    world->server.schedule = (struct queue_schedule){
        .first = 60, .max = 4 * 3600, .warn = 4 * 3600, .expire = 5 * 86400};
    server_start(&world->server);
    sink_shut(&world->sinks[SINK_0]);
    sink_shut(&world->sinks[SINK_1]);
    world->sinks[SINK_2].moods = (struct sink_moods){.for_now = 1000};
    uint64_t start_ms = loop_now_ms();
    struct addressee *gone = &world_send_to(world, "sink0.example")->to[0];
    struct addressee *back = &world_send_to(world, "sink1.example")->to[0];
    struct addressee *later = &world_send_to(world, "sink2.example")->to[0];
    gone->may_expire = later->may_expire = true;

    world_sleep(DAY + HOUR);
    struct addressee *all[] = {gone, back, later};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        EXPECT(world,
               is_between(all[i]->delayed_ms - start_ms, 4 * HOUR, 4 * HOUR + LONGEST_PAUSE));
    unsigned tries = world->sinks[SINK_2].connections;
    EXPECT(world, tries >= 12 && tries <= 20); /* 1, 2, 4 … 128 minutes, then every 4 hours */

    uint64_t back_ms = loop_now_ms();
    sink_open(&world->sinks[SINK_1]);
    world_sleep(5 * DAY);
    EXPECT(world, is_between(back->taken_ms, back_ms, back_ms + LONGEST_PAUSE));
    EXPECT(world, back->failed_ms == 0);
    EXPECT(world, is_between(gone->failed_ms - start_ms, 5 * DAY, 5 * DAY + LONGEST_PAUSE));
    EXPECT(world, is_between(later->failed_ms - start_ms, 5 * DAY, 5 * DAY + LONGEST_PAUSE));
    tries = world->sinks[SINK_2].connections - tries;
    EXPECT(world, tries >= 18 && tries <= 32);
    EXPECT(world, queue_statistics(world->server.queue).recipients == 0);
}

TEST(days_of_retries) { CHECK_INT(world_play_seeds(days, 20), 0); }

int main(void)
{
    RUN(days_of_retries);
    return test_summary();
}
