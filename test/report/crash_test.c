/* Promise 1 of report.h: whatever moment the power fails at, there are the report and what it tells
 * of, or neither. */
#include "world.h"

#define CALLS_MAX 40 /* more than one report needs */
#define SEEDS     6

static uint64_t calls, seed;
static struct queue_outcome outcomes[3];
static bool was_reported, was_not;

/* After the crash: whether the outcomes of `id` are those of the report. */
static bool is_recorded(spool_id id)
{
    struct seen *seen = world_seen(id);
    if (!seen)
        return true;
    bool refused = seen->statuses[0].state == SPOOL_BOUNCED;
    CHECK_INT(seen->statuses[2].state == SPOOL_BOUNCED, refused);
    CHECK_INT(seen->statuses[1].state == SPOOL_DELIVERED, refused);
    return refused;
}

static void crashes_at(void)
{
    spool_id id = world_send_simple(3, 0);
    world.disk.seed = seed;
    world.disk.calls_left = calls;
    world_finish_or_die(outcomes, 3);
    world_crash_and_open(seed);
    size_t reports = world_report_count();
    CHECK(reports <= 1);
    CHECK_INT(is_recorded(id), reports == 1);
    was_reported |= reports == 1;
    was_not |= reports == 0;
    if (reports == 1)
        CHECK(world_holds(world_read(world_report(0)), "Final-Recipient: rfc822;c@remote.test"));
}

TEST(report_and_outcomes_survive_together_or_not_at_all)
{
    for (seed = 0; seed < SEEDS; seed++)
        for (calls = 1; calls < CALLS_MAX; calls++) {
            outcomes[0] = (struct queue_outcome){.kind = QUEUE_FAILED, .words = STR("550 a")};
            outcomes[1] = (struct queue_outcome){.kind = QUEUE_DELIVERED, .words = STR("250")};
            outcomes[2] = (struct queue_outcome){.kind = QUEUE_FAILED, .words = STR("550 c")};
            world_run(crashes_at);
        }
    CHECK(was_reported && was_not);
}

/* The same for a warning, which leaves the message in the queue. */
static void crashes_while_warning(void)
{
    spool_id id = world_send_simple(1, 0);
    world_sleep_s(WORLD_WARN_S);
    world.disk.seed = seed;
    world.disk.calls_left = calls;
    world_finish_or_die(outcomes, 1);
    world_crash_and_open(seed);
    struct seen *seen = world_seen(id);
    REQUIRE(seen != NULL);
    CHECK_INT(seen->statuses[0].state, SPOOL_QUEUED);
    CHECK_INT(seen->statuses[0].warned, world_report_count() == 1);
    was_reported |= seen->statuses[0].warned;
    was_not |= !seen->statuses[0].warned;
}

TEST(a_warning_and_its_record_survive_together_or_not_at_all)
{
    was_reported = was_not = false;
    for (seed = 0; seed < SEEDS; seed++)
        for (calls = 1; calls < CALLS_MAX; calls++) {
            outcomes[0] = (struct queue_outcome){.kind = QUEUE_DEFERRED, .words = STR("450 a")};
            world_run(crashes_while_warning);
        }
    CHECK(was_reported && was_not);
}

int main(void)
{
    RUN(report_and_outcomes_survive_together_or_not_at_all);
    RUN(a_warning_and_its_record_survive_together_or_not_at_all);
    return test_summary();
}
