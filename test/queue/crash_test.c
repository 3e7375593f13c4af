/* Engines that end without being told to, and the message that makes them: see src/queue/README.md.
 * A kill is played by keeping the in-flight file as it was while messages were being worked on. */
#include "world.h"

#include <stdio.h>
#include <unistd.h>

#define QUIET_S 10

static char path[] = "/tmp/postrider-crash-XXXXXX";
static char kept[16384];
static size_t kept_len;

static void keep_file(void)
{
    FILE *file = fopen(path, "rb");
    kept_len = file ? fread(kept, 1, sizeof kept, file) : 0;
    if (file)
        fclose(file);
}

static void put_file(void)
{
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(kept, 1, kept_len, file) == kept_len);
    if (file)
        fclose(file);
}

/* The engine ends while these slots have jobs. */
static void killed_with(struct queue_slot **slots, size_t count)
{
    keep_file();
    for (size_t i = 0; i < count; i++) {
        queue_job_return(slots[i]);
        queue_slot_end(slots[i]);
    }
    world_close();
    put_file();
    world_open();
}

/* Takes a job on each of so many slots. */
static void take_jobs(struct queue_slot **slots, spool_id *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        slots[i] = world_slot();
        const struct queue_job *job = slots[i] ? queue_slot_take(slots[i], 1) : NULL;
        if (!test_check(job != NULL, "a job", __FILE__, __LINE__))
            abort();
        ids[i] = job->id;
    }
}

static void begin(void)
{
    unlink(path);
    world.options.in_flight_file = path;
    world.options.slots_max = 50;
    world_open();
}

static void innocent(void)
{
    begin();
    spool_id ids[4];
    struct queue_slot *slots[4];
    for (int i = 0; i < 4; i++)
        world_send("s@x.test", "r@a.test");
    take_jobs(slots, ids, 4);
    killed_with(slots, 4);
    CHECK_INT(queue_statistics(world.queue).waiting, 4);
    CHECK_INT(world.granted_count, 0);
    spool_id fresh = world_send("s@x.test", "r@a.test"); /* the others go on */
    struct queue_slot *slot = world_slot();
    REQUIRE(slot);
    const struct queue_job *job = queue_slot_take(slot, 1);
    REQUIRE(job && job->id == fresh);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
    world_sleep_s(QUIET_S);
    for (int i = 0; i < 4; i++) {
        REQUIRE(world.granted_count == 1); /* one at a time */
        CHECK_INT(world_deliver_all(), 1);
        fiber_yield();
        fiber_yield();
    }
    CHECK_INT(queue_statistics(world.queue).messages, 0);
    world_close();
}
TEST(who_was_in_flight_is_tried_alone_and_delivered) { world_run_closed(innocent); }

static void killed_often(void)
{
    begin();
    for (int i = 0; i < 30; i++)
        world_send("s@x.test", "r@a.test");
    for (int kill = 0; kill < 30;
         kill++) { /* one after another, faster than the engine shows that it lives */
        struct queue_slot *slots[5];
        spool_id ids[5];
        size_t count = world.granted_count < 5 ? world.granted_count : 5;
        take_jobs(slots, ids, count);
        world_sleep_s(1);
        killed_with(slots, count);
        CHECK_INT(queue_statistics(world.queue).held, 0);
    }
    size_t delivered = 0;
    for (int i = 0; i < 200 && delivered < 30; i++) {
        delivered += world_deliver_all();
        world_sleep_s(1);
    }
    CHECK_INT(delivered, 30);
    world_close();
}
TEST(many_kills_hold_nobody) { world_run_closed(killed_often); }

static void culprit(void)
{
    begin();
    spool_id ids[3], again;
    struct queue_slot *slots[3];
    for (int i = 0; i < 3; i++)
        world_send("s@x.test", "r@a.test");
    take_jobs(slots, ids, 3);
    killed_with(slots, 3);
    world_sleep_s(QUIET_S);
    world_send("s@x.test", "r@b.test");
    struct queue_slot *both[2] = {world_slot_of("smtp:a"), world_slot_of("smtp:b")};
    REQUIRE(both[0] && both[1]);
    const struct queue_job *job = queue_slot_take(both[0], 1);
    REQUIRE(job);
    again = job->id;
    REQUIRE(queue_slot_take(both[1], 1));
    killed_with(both, 2);
    for (int round = 0; round < 2; round++) {
        struct queue_view *view = world_view(again);
        REQUIRE(view);
        CHECK_INT(view->state, QUEUE_VIEW_HELD);
        CHECK_INT(view->status.reason, SPOOL_REASON_CRASH);
        CHECK_INT(queue_statistics(world.queue).held, 1);
        world_reopen(); /* it is recorded */
    }
    CHECK_INT(world_deliver_all(), 3);
    struct queue_filter filter = {.state = -1};
    uint64_t changed, busy;
    CHECK_INT(queue_act(world.queue, QUEUE_RELEASE, &filter, STR("root"), &changed, &busy), OK);
    CHECK_INT(world_deliver_all(), 1);
    world_close();
}
TEST(who_crashes_the_engine_twice_is_held_alone) { world_run_closed(culprit); }

static void orderly(void)
{
    begin();
    spool_id id;
    struct queue_slot *slot;
    world_send("s@x.test", "r@a.test");
    take_jobs(&slot, &id, 1);
    killed_with(&slot, 1);
    CHECK_INT(world.granted_count, 0);
    world_reopen();
    CHECK_INT(world.granted_count, 1); /* an end in order forgives */
    CHECK_INT(world_deliver_all(), 1);
    world_close();
}
TEST(an_end_in_order_forgives) { world_run_closed(orderly); }

static void slow(void)
{
    begin();
    spool_id ids[4];
    struct queue_slot *slots[4], *stuck;
    for (int i = 0; i < 4; i++)
        world_send("s@x.test", i == 0 ? "r@a.test" : "r@b.test");
    take_jobs(slots, ids, 4);
    killed_with(slots, 4);
    world_sleep_s(QUIET_S);
    take_jobs(&stuck, ids, 1); /* and its server does not answer for long */
    world_sleep_s(61);
    CHECK_INT(world.granted_count, 1);
    size_t delivered = 0;
    for (int i = 0; i < 5; i++) {
        delivered += world_deliver_all();
        fiber_yield();
        fiber_yield();
    }
    CHECK_INT(delivered, 3);
    queue_job_return(stuck);
    queue_slot_end(stuck);
    CHECK_INT(world_deliver_all(), 1);
    world_close();
}
TEST(a_suspect_behind_a_slow_server_does_not_keep_the_others_back) { world_run_closed(slow); }

static void dropped(void)
{
    begin();
    spool_id ids[2];
    struct queue_slot *slots[2];
    world_send("s@x.test", "r@a.test");
    world_send("s@x.test", "r@a.test");
    take_jobs(slots, ids, 2);
    killed_with(slots, 2);
    struct queue_filter filter = {.state = -1, .by_id = true, .id = ids[0]};
    uint64_t changed, busy;
    CHECK_INT(queue_act(world.queue, QUEUE_DROP, &filter, STR("root"), &changed, &busy), OK);
    CHECK_INT(changed, 1);
    filter.id = ids[1];
    CHECK_INT(queue_act(world.queue, QUEUE_HOLD, &filter, STR("root"), &changed, &busy), OK);
    world_sleep_s(QUIET_S + 1);
    CHECK_INT(world.granted_count, 0);
    CHECK_INT(queue_act(world.queue, QUEUE_RELEASE, &filter, STR("root"), &changed, &busy), OK);
    CHECK_INT(world_deliver_all(), 1);
    CHECK_INT(queue_statistics(world.queue).messages, 0);
    world_close();
}
TEST(administrators_may_do_anything_to_suspects) { world_run_closed(dropped); }

int main(void)
{
    int fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    RUN(who_was_in_flight_is_tried_alone_and_delivered);
    RUN(many_kills_hold_nobody);
    RUN(who_crashes_the_engine_twice_is_held_alone);
    RUN(an_end_in_order_forgives);
    RUN(a_suspect_behind_a_slow_server_does_not_keep_the_others_back);
    RUN(administrators_may_do_anything_to_suspects);
    unlink(path);
    return test_summary();
}
