/* What administrators see and do. */
#include "world.h"

#include <stdio.h>

static struct queue_filter any(void) { return (struct queue_filter){.state = -1}; }

static struct queue_filter by_id(spool_id id, uint32_t recipient)
{
    return (struct queue_filter){.state = -1,
                                 .by_id = true,
                                 .id = id,
                                 .by_recipient = recipient > 0,
                                 .recipient = recipient};
}

/* Returns how many were changed. */
static uint64_t act_counting(enum queue_action action, struct queue_filter filter,
                             uint64_t *out_busy)
{
    uint64_t changed = UINT64_MAX;
    CHECK_INT(queue_act(world.queue, action, &filter, STR("root"), &changed, out_busy), OK);
    return changed;
}

static uint64_t act(enum queue_action action, struct queue_filter filter)
{
    uint64_t busy = 0;
    uint64_t changed = act_counting(action, filter, &busy);
    CHECK_INT(busy, 0);
    return changed;
}

/* The disk loses what was not synced. */
static void power_fails(void)
{
    world_end_all_granted();
    disk_memory_crash(world.disk, 0);
    world_reopen();
}

static size_t list_count(struct queue_filter filter)
{
    struct arena arena = arena_make();
    struct queue_view *views;
    size_t count;
    queue_list(world.queue, &filter, &(struct queue_page){0, 0, 10000}, &arena, &views, &count);
    arena_reset(&arena);
    return count;
}

/* Makes a deferral of everything that is ready. */
static void defer_all(void)
{
    for (struct queue_slot *slot; (slot = world_slot());) {
        for (const struct queue_job *job; (job = queue_slot_take(slot, 100));)
            world_finish(slot, job, QUEUE_DEFERRED, true);
        queue_slot_end(slot);
    }
}

/* ---- acting ---- */

static void hold_release(void)
{
    spool_id id = world_send("s@x.test", "1@a.test 2@a.test 3@b.test");
    CHECK_INT(act(QUEUE_HOLD, by_id(id, 0)), 3);
    CHECK_INT(queue_statistics(world.queue).held, 3);
    power_fails();
    CHECK_INT(queue_statistics(world.queue).held, 3);
    CHECK_INT(world_view(id)->status.reason, SPOOL_REASON_ADMIN);
    CHECK_STR(world_view(id)->words, STR("held by hand"));
    CHECK_INT(world_deliver_all(), 0);
    CHECK_INT(act(QUEUE_HOLD, by_id(id, 0)), 0);  /* they are */
    CHECK_INT(act(QUEUE_RETRY, by_id(id, 0)), 0); /* held mail is not retried */
    CHECK_INT(act(QUEUE_RELEASE, by_id(id, 2)), 1);
    CHECK_INT(world_deliver_all(), 1);
    CHECK_INT(act(QUEUE_RELEASE, any()), 2);
    power_fails();
    CHECK_INT(queue_statistics(world.queue).held, 0);
    CHECK_INT(world_deliver_all(), 2);
    world_reopen();
    CHECK_INT(world.announced, 0);
}
TEST(held_mail_stays_until_it_is_released) { world_run(hold_release); }

static void drop(void)
{
    spool_id id = world_send("s@x.test", "1@a.test 2@a.test 3@b.test");
    CHECK_INT(act(QUEUE_DROP, by_id(id, 1)), 1);
    CHECK_INT(queue_statistics(world.queue).recipients, 2);
    CHECK_INT(act(QUEUE_DROP, by_id(id, 1)), 0);
    power_fails();
    CHECK_INT(queue_statistics(world.queue).recipients, 2);
    CHECK_INT(act(QUEUE_HOLD, by_id(id, 2)), 1);
    CHECK_INT(act(QUEUE_DROP, by_id(id, 0)), 2);
    CHECK_INT(queue_statistics(world.queue).messages, 0);
    power_fails();
    CHECK_INT(world.announced, 0);
}
TEST(dropped_mail_does_not_come_back) { world_run(drop); }

static void retry(void)
{
    spool_id id = world_send("s@x.test", "1@a.test 2@a.test");
    spool_id other = world_send("s@x.test", "r@b.test");
    defer_all();
    CHECK_INT(queue_statistics(world.queue).waiting, 3);
    CHECK_INT(act(QUEUE_RETRY, by_id(id, 2)), 1);
    struct queue_slot *slot = world_slot();
    REQUIRE(slot);
    const struct queue_job *job = queue_slot_take(slot, 100);
    REQUIRE(job && job->recipient_count == 1);
    CHECK(job->id == id && job->recipients[0] == 1 && job->attempt == 2);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
    CHECK(world_view(other)->state == QUEUE_VIEW_WAITING);
    CHECK_INT(act(QUEUE_RETRY, any()), 2);
    CHECK_INT(world_deliver_all(), 2);
}
TEST(a_retry_comes_at_once) { world_run(retry); }

static void retry_blocked(void)
{
    for (int i = 0; i < 5; i++)
        world_send("s@x.test", "r@a.test");
    struct queue_slot *slot = world_slot();
    REQUIRE(slot);
    const struct queue_job *job = queue_slot_take(slot, 1);
    REQUIRE(job);
    world_finish(slot, job, QUEUE_DEFERRED, false);
    queue_slot_end(slot);
    while ((slot = world_slot()))
        queue_slot_end(slot);
    CHECK_INT(queue_statistics(world.queue).waiting, 5);
    CHECK_INT(act(QUEUE_RETRY, any()), 5);
    CHECK_INT(world.granted_count, 1);
    CHECK_INT(world_deliver_all(), 5);
}
TEST(a_retry_opens_a_blocked_destination) { world_run(retry_blocked); }

static void busy(void)
{
    spool_id id = world_send("s@x.test", "1@a.test 2@b.test");
    struct queue_slot *slot = world_slot_of("smtp:a");
    REQUIRE(slot);
    const struct queue_job *job = queue_slot_take(slot, 100);
    REQUIRE(job);
    uint64_t count = 0;
    CHECK_INT(act_counting(QUEUE_DROP, by_id(id, 0), &count), 1);
    CHECK_INT(count, 1);
    CHECK_INT(queue_statistics(world.queue).recipients, 1);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
    CHECK_INT(queue_statistics(world.queue).messages, 0);
    world_reopen();
    CHECK_INT(world.announced, 0);
}
TEST(who_is_being_delivered_is_left_alone) { world_run(busy); }

static void route_hold(void)
{
    spool_id id = world_send("s@x.test", "r@held.test");
    CHECK_INT(act(QUEUE_RELEASE, by_id(id, 0)), 1); /* by the same routes it waits again */
    CHECK_INT(world.granted_count, 0);
    CHECK_INT(world_view(id)->status.reason, SPOOL_REASON_ROUTE);
    struct route_table *before = world.routes;
    struct route_table *now = route_table_new();
    struct route_way way = {.via = ROUTE_SMTP, .name = STR("smtp:a"), .host = STR("a"), .port = 25};
    CHECK_INT(route_table_add_route(now, STR("held.test"), &way), OK);
    world.options.routes = now;
    world_reopen();
    CHECK_INT(world.granted_count, 1);
    CHECK_INT(world_deliver_all(), 1);
    world.options.routes = before;
    world_reopen();
    route_table_free(now);
}
TEST(mail_of_a_hold_route_goes_by_the_present_table) { world_run(route_hold); }

static void many(void)
{
    for (int i = 0; i < 3000; i++)
        world_send(i % 3 ? "s@x.test" : "t@x.test", "r@held.test");
    struct queue_filter filter = any();
    filter.sender = STR("t@x.test");
    CHECK_INT(act(QUEUE_DROP, filter), 1000);
    power_fails();
    CHECK_INT(world.announced, 2000);
    CHECK_INT(act(QUEUE_DROP, any()), 2000);
    power_fails();
    CHECK_INT(world.announced, 0);
}
TEST(a_filter_changes_thousands_durably) { world_run(many); }

static void refused(void)
{
    spool_id id = world_send("s@x.test", "1@a.test 2@held.test");
    disk_memory_fail(world.disk, 1, ERR_IO);
    disk_memory_set_capacity(world.disk, 0);
    struct queue_filter filter = by_id(id, 0);
    uint64_t changed = 77, count = 77;
    enum err err = queue_act(world.queue, QUEUE_DROP, &filter, STR("root"), &changed, &count);
    CHECK(err != OK);
    CHECK_INT(changed, 77);
    disk_memory_set_capacity(world.disk, (uint64_t)1 << 30);
    CHECK_INT(queue_statistics(world.queue).recipients, 2);
    CHECK_INT(queue_statistics(world.queue).active, 0);
    CHECK_INT(world_deliver_all(), 1);
}
TEST(what_cannot_be_recorded_is_not_done) { world_run(refused); }

/* ---- filters ---- */

static const struct {
    const char *row;
    struct queue_filter filter;
    size_t matches;
} filters[] = {
    {"no filter takes all", {.state = -1}, 6},
    {"a sender is exact", {.state = -1, .sender = STR("one@x.test")}, 3},
    {"a sender's domain in any case", {.state = -1, .sender = STR("@X.TEST")}, 4},
    {"another case of the local part is another sender",
     {.state = -1, .sender = STR("One@x.test")},
     1},
    {"the null sender", {.state = -1, .sender_is_null = true}, 2},
    {"a recipient", {.state = -1, .address = STR("r@A.test")}, 2},
    {"all recipients of a domain, written as an address",
     {.state = -1, .address = STR("@a.test")},
     3},
    {"all recipients of a domain", {.state = -1, .domain = STR("A.Test")}, 3},
    {"a suffix is no domain", {.state = -1, .domain = STR("test")}, 0},
    {"a part of an address is none", {.state = -1, .address = STR("@test")}, 0},
    {"both must match", {.state = -1, .sender = STR("one@x.test"), .domain = STR("held.test")}, 1},
    {"by state: ready", {.state = QUEUE_VIEW_READY}, 4},
    {"by state: waiting", {.state = QUEUE_VIEW_WAITING}, 0},
    {"by state: held, by a route too", {.state = QUEUE_VIEW_HELD}, 2},
    {"older than it is", {.state = -1, .older_than_s = 101}, 0},
    {"as old as it is", {.state = -1, .older_than_s = 100}, 4},
};

static void filtered(void)
{
    world_send("one@x.test", "r@a.test q@a.test u@held.test");
    world_send("One@x.test", "u@held.test");
    world_sleep_s(100);
    world_send("", "r@a.test v@b.test");
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        CHECK_ROW(filters[i].row, list_count(filters[i].filter) == filters[i].matches);
}
TEST(filters_take_what_they_say) { world_run(filtered); }

static void pages(void)
{
    for (int i = 0; i < 30; i++)
        world_send("s@x.test", "1@held.test 2@held.test 3@held.test");
    struct queue_filter filter = any();
    struct arena arena = arena_make();
    spool_id after_id = 0;
    uint32_t after_recipient = 0;
    size_t seen = 0;
    for (;;) {
        struct queue_view *views;
        size_t count;
        queue_list(world.queue, &filter, &(struct queue_page){after_id, after_recipient, 7}, &arena,
                   &views, &count);
        if (count == 0)
            break;
        CHECK(count == 7 || seen + count == 90);
        for (size_t i = 0; i < count; i++) {
            CHECK(views[i].id > after_id ||
                  (views[i].id == after_id && views[i].recipient > after_recipient));
            after_id = views[i].id;
            after_recipient = views[i].recipient;
        }
        seen += count;
    }
    CHECK_INT(seen, 90);
    arena_reset(&arena);
}
TEST(pages_follow_one_another_without_gaps) { world_run(pages); }

static void shown(void)
{
    spool_id id = world_send("s@x.test", "r@a.test");
    struct queue_view *view = world_view(id);
    REQUIRE(view);
    CHECK(view->state == QUEUE_VIEW_READY && view->recipient == 1);
    CHECK_STR(view->sender, STR("s@x.test"));
    CHECK_STR(view->address, STR("r@a.test"));
    CHECK_STR(view->destination, STR("smtp:a"));
    CHECK(view->size_bytes >= 14);
    CHECK_INT(view->arrived_s, WORLD_START_S);
    struct queue_slot *slot = world_slot();
    REQUIRE(slot && queue_slot_take(slot, 1));
    CHECK_INT(world_view(id)->state, QUEUE_VIEW_ACTIVE);
    queue_job_return(slot);
    queue_slot_end(slot);
}
TEST(a_view_tells_what_is_known) { world_run(shown); }

int main(void)
{
    RUN(held_mail_stays_until_it_is_released);
    RUN(dropped_mail_does_not_come_back);
    RUN(a_retry_comes_at_once);
    RUN(a_retry_opens_a_blocked_destination);
    RUN(who_is_being_delivered_is_left_alone);
    RUN(mail_of_a_hold_route_goes_by_the_present_table);
    RUN(a_filter_changes_thousands_durably);
    RUN(what_cannot_be_recorded_is_not_done);
    RUN(filters_take_what_they_say);
    RUN(pages_follow_one_another_without_gaps);
    RUN(a_view_tells_what_is_known);
    return test_summary();
}
