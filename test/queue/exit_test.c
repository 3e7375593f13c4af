/* Domains whose MX are the same share connections, windows and pauses. */
#include "world.h"

#include <stdio.h>

#define DOMAINS 300

static struct queue_statistics now(void) { return queue_statistics(world.queue); }

static spool_id send_to(unsigned domain)
{
    char address[40];
    snprintf(address, sizeof address, "r@d%u.example", domain);
    return world_send("s@x.test", address);
}

/* The next job of the slot that it may do, as one for hosts named `set`. Others go back. */
static const struct queue_job *take_settled(struct queue_slot *slot, const char *set)
{
    const struct queue_job *job;
    while ((job = queue_slot_take(slot, 100)) && !job->no_attempt && !job->is_settled &&
           !queue_slot_settle(slot, str_of(set)))
        queue_job_return(slot);
    return job;
}

/* All slots granted ask for the hosts of their domains; who gets no place ends. Returns how many
 * remain, each with a job. */
static size_t settle_granted(const char *set, struct queue_slot **slots,
                             const struct queue_job **jobs, size_t max)
{
    size_t count = 0;
    for (struct queue_slot *slot; (slot = world_slot());) {
        const struct queue_job *job = take_settled(slot, set);
        if (!job) {
            queue_slot_end(slot);
            continue;
        }
        assert(count < max);
        slots[count] = slot;
        jobs[count++] = job;
    }
    return count;
}

/* A slot for the first domain, with a job and settled. */
static struct queue_slot *settled_slot(const char *set, const struct queue_job **out_job)
{
    struct queue_slot *slot = world_slot();
    assert(slot);
    *out_job = take_settled(slot, set);
    assert(*out_job);
    return slot;
}

/* ---- sharing ---- */

static void one_asks(void)
{
    for (int i = 0; i < 10; i++)
        send_to(1);
    CHECK_INT(world.granted_count, 1);
    const struct queue_job *job;
    struct queue_slot *slot = settled_slot("mx", &job);
    CHECK_INT(now().slots, 2); /* the others come step by step, as each takes its job */
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
    CHECK_INT(world_deliver_all(), 9);
    CHECK_INT(now().destinations, 0);
}
TEST(until_the_hosts_are_known_one_slot_asks_for_them) { world_run(one_asks); }

static void shared_window(void)
{
    world.options.connections_per_destination = 12;
    world_open();
    for (unsigned i = 0; i < DOMAINS; i++)
        send_to(i);
    CHECK_INT(now().slots, DOMAINS); /* none has a connection yet */
    struct queue_slot *slots[20];
    const struct queue_job *jobs[20];
    size_t count = settle_granted("mx", slots, jobs, ARRAY_LEN(slots));
    CHECK_INT(count, 5);
    CHECK_INT(now().slots, 5);
    unsigned delivered = 0;
    for (size_t most = 5; now().messages; most += most < 12)
        for (size_t i = 0; i < count; i++) {
            world_finish(slots[i], jobs[i], QUEUE_DELIVERED, true);
            delivered++;
            jobs[i] = take_settled(slots[i], "mx");
            if (!jobs[i]) {
                queue_slot_end(slots[i]);
                slots[i] = slots[--count];
                jobs[i--] = jobs[count];
            } else {
                count += settle_granted("mx", slots + count, jobs + count, 20 - count);
            }
            CHECK(now().slots <= 12);
        }
    CHECK_INT(delivered, DOMAINS);
    CHECK_INT(now().destinations, 0);
    world_close();
}
TEST(domains_of_one_set_use_no_more_connections_than_the_window)
{
    world_run_closed(shared_window);
}

static void sets_apart(void)
{
    world_send("s@x.test", "r@d1.example");
    world_send("s@x.test", "r@d2.example");
    struct queue_slot *one = world_slot_of("mx:d1.example"), *two = world_slot_of("mx:d2.example");
    REQUIRE(one && two);
    const struct queue_job *of_one = queue_slot_take(one, 1), *of_two = queue_slot_take(two, 1);
    REQUIRE(of_one && of_two);
    CHECK(queue_slot_settle(one, STR("these")));
    CHECK(queue_slot_settle(two, STR("those")));
    world_finish(one, of_one, QUEUE_DEFERRED, false);
    world_finish(two, of_two, QUEUE_DELIVERED, true);
    queue_slot_end(one);
    queue_slot_end(two);
    CHECK_INT(now().waiting, 1);
}
TEST(domains_of_different_sets_do_not_touch_each_other) { world_run(sets_apart); }

static void ways_apart(void)
{
    world_send("s@x.test", "r@d1.example");
    world_send("s@x.test", "r@d1.example");
    world_send("s@x.test", "r@strict.example");
    struct queue_slot *one = world_slot_of("mx:d1.example");
    struct queue_slot *two = world_slot_of("mx:strict.example");
    REQUIRE(one && two);
    const struct queue_job *of_one = queue_slot_take(one, 1), *of_two = queue_slot_take(two, 1);
    REQUIRE(of_one && of_two);
    CHECK(queue_slot_settle(one, STR("mx")));
    CHECK(queue_slot_settle(two, STR("mx")));
    world_finish(one, of_one, QUEUE_DELIVERED, true);
    world_finish(two, of_two, QUEUE_DEFERRED, false); /* no certificate */
    of_one = queue_slot_take(one, 1);
    REQUIRE(of_one);
    CHECK(!of_one->no_attempt);
    world_finish(one, of_one, QUEUE_DELIVERED, true);
    CHECK_INT(now().waiting, 1);
    queue_slot_end(one);
    queue_slot_end(two);
}
TEST(the_same_hosts_by_different_ways_are_different) { world_run(ways_apart); }

static void transaction_of_one(void)
{
    spool_id id = world_send("s@x.test", "1@d1.example 2@d2.example 3@d1.example 4@d2.example");
    const struct queue_job *job;
    struct queue_slot *slot = settled_slot("mx", &job);
    struct queue_slot *other = world_slot();
    REQUIRE(other);
    CHECK_INT(job->recipient_count, 2);
    CHECK_STR(job->domain, STR("d1.example"));
    CHECK(!job->is_settled);
    const struct queue_job *of_other = take_settled(other, "mx");
    REQUIRE(of_other && of_other->id == id);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
    CHECK_STR(of_other->domain, STR("d2.example"));
    CHECK_INT(of_other->recipient_count, 2);
    CHECK_STR(queue_slot_name(other), STR("mx:d2.example"));
    world_finish(other, of_other, QUEUE_DELIVERED, true);
    queue_slot_end(other);
    CHECK_INT(now().messages, 0);
    world_reopen();
    CHECK_INT(world.announced, 0);
}
TEST(a_job_is_of_one_domain) { world_run(transaction_of_one); }

static void believed(void)
{
    for (int i = 0; i < 3; i++)
        send_to(1);
    const struct queue_job *job;
    struct queue_slot *slot = settled_slot("mx", &job);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    job = queue_slot_take(slot, 1);
    REQUIRE(job);
    CHECK(job->is_settled);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    world_sleep_s(301);
    job = queue_slot_take(slot, 1);
    REQUIRE(job);
    CHECK(!job->is_settled);
    queue_job_return(slot);
    queue_slot_end(slot);
}
TEST(hosts_are_believed_for_some_minutes) { world_run(believed); }

/* ---- kept connections ---- */

static void idle_of_other_domain(void)
{
    send_to(1);
    const struct queue_job *job;
    struct queue_slot *slot = settled_slot("mx", &job);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    world_wait(slot);
    spool_id id = send_to(2);
    struct queue_slot *asking = world_slot();
    REQUIRE(asking);
    CHECK(!take_settled(asking, "mx")); /* it could open a connection, but one idles */
    queue_slot_end(asking);
    world_sleep_s(1);
    REQUIRE(world.wait_ended);
    CHECK_INT(world.wait_result, OK);
    job = queue_slot_take(slot, 1);
    REQUIRE(job && job->id == id);
    CHECK(job->is_settled);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
    CHECK_INT(now().slots, 0);
}
TEST(an_idle_connection_gets_the_work_of_another_domain) { world_run(idle_of_other_domain); }

static void idle_same_domain(void)
{
    send_to(1);
    const struct queue_job *job;
    struct queue_slot *slot = settled_slot("mx", &job);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    CHECK_INT(now().destinations, 1); /* kept, as long as its slot has nothing else to do */
    world_wait(slot);
    send_to(1);
    CHECK_INT(world.granted_count, 0); /* nobody needs to ask for its hosts again */
    world_sleep_s(1);
    REQUIRE(world.wait_ended);
    job = queue_slot_take(slot, 1);
    REQUIRE(job && job->is_settled);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
    CHECK_INT(now().destinations, 0);
}
TEST(the_domain_that_a_connection_served_last_finds_it_at_once) { world_run(idle_same_domain); }

/* ---- failures ---- */

static struct queue_outcome dead(void)
{
    return (struct queue_outcome){.kind = QUEUE_DEFERRED,
                                  .reason = SPOOL_REASON_CONNECTION,
                                  .words = STR("no connection to mx.example")};
}

static void dead_set(void)
{
    spool_id last = 0;
    for (unsigned i = 0; i < DOMAINS; i++)
        last = send_to(i);
    struct queue_slot *slots[20];
    const struct queue_job *jobs[20];
    size_t count = settle_granted("mx", slots, jobs, ARRAY_LEN(slots));
    for (size_t i = 0; i < count; i++) {
        world_finish_with(slots[i], jobs[i], dead(), false);
        CHECK(!queue_slot_take(slots[i], 100));
        queue_slot_end(slots[i]);
    }
    CHECK_INT(now().waiting, DOMAINS);
    CHECK_INT(now().ready, 0);
    CHECK_INT(world.granted_count, 0);
    struct queue_view *view = world_view(last);
    REQUIRE(view);
    CHECK_INT(view->state, QUEUE_VIEW_WAITING);
    CHECK_STR(view->destination, STR("mx:d299.example"));
    CHECK_STR(view->words, STR("no connection to mx.example"));
    CHECK_INT(view->status.attempts, 0);

    send_to(DOMAINS); /* one that comes later finds out what is known */
    count = settle_granted("mx", slots, jobs, ARRAY_LEN(slots));
    CHECK_INT(count, 0);
    CHECK_INT(now().waiting, DOMAINS + 1);

    for (unsigned probe = 2; probe < 5; probe++) {
        for (unsigned s = 0; !world.granted_count && s < 3600; s++)
            world_sleep_s(1);
        REQUIRE(world.granted_count == 1); /* one probes for all of them */
        const struct queue_job *job;
        struct queue_slot *slot = settled_slot("mx", &job);
        world_finish_with(slot, job, dead(), false);
        CHECK(!queue_slot_take(slot, 100));
        queue_slot_end(slot);
    }
    for (unsigned s = 0; !world.granted_count && s < 3600; s++)
        world_sleep_s(1);
    CHECK_INT(world.granted_count, 1);
    CHECK(world_deliver_all() >= DOMAINS - 10); /* the others have due times of their own */
}
TEST(a_dead_set_blocks_all_its_domains_with_one_probe) { world_run(dead_set); }

static void dead_set_remembered(void)
{
    send_to(1);
    const struct queue_job *job;
    struct queue_slot *slot = settled_slot("mx", &job);
    world_finish_with(slot, job, dead(), false);
    queue_slot_end(slot);
    struct queue_filter all = {.state = -1};
    uint64_t changed, busy;
    CHECK_INT(queue_act(world.queue, QUEUE_DROP, &all, STR("root"), &changed, &busy), OK);
    CHECK_INT(now().destinations, 0);
    send_to(2);
    slot = world_slot();
    REQUIRE(slot);
    CHECK(!take_settled(slot, "mx"));
    queue_slot_end(slot);
    CHECK_INT(now().waiting, 1);
    world_sleep_s(73);
    CHECK_INT(world_deliver_all(), 1);
}
TEST(a_dead_set_is_remembered_without_mail) { world_run(dead_set_remembered); }

static void unknown_hosts(void)
{
    for (unsigned i = 0; i < 5; i++) {
        send_to(1);
        send_to(2);
    }
    const struct queue_job *job;
    struct queue_slot *slot = settled_slot("mx", &job);
    CHECK_STR(job->domain, STR("d1.example"));
    world_finish(slot, job, QUEUE_DELIVERED, true);
    struct queue_slot *other = world_slot_of("mx:d2.example");
    REQUIRE(other && take_settled(other, "mx"));
    queue_job_return(other);
    queue_slot_end(other);
    /* The hosts of d1 cannot be found out any more. */
    while ((job = queue_slot_take(slot, 1)) && !str_eq(job->domain, STR("d1.example")))
        world_finish(slot, job, QUEUE_DELIVERED, true);
    REQUIRE(job);
    CHECK(queue_slot_settle(slot, STR_EMPTY));
    world_finish_with(slot, job,
                      (struct queue_outcome){.kind = QUEUE_DEFERRED, .reason = SPOOL_REASON_DNS},
                      false);
    CHECK(!queue_slot_take(slot, 1));
    queue_slot_end(slot);
    CHECK_INT(now().waiting, 4); /* all of d1 */
    while (now().messages > 4)
        REQUIRE(world_deliver_all());
    world_sleep_s(73);
    while (now().messages)
        REQUIRE(world_deliver_all()); /* it is asked for again */
}
TEST(a_domain_whose_hosts_cannot_be_found_out_waits_alone) { world_run(unknown_hosts); }

static void expires_behind(void)
{
    for (unsigned i = 0; i < 50; i++)
        send_to(i);
    struct queue_slot *slots[20];
    const struct queue_job *jobs[20];
    size_t count = settle_granted("mx", slots, jobs, ARRAY_LEN(slots));
    for (size_t i = 0; i < count; i++) {
        world_finish_with(slots[i], jobs[i], dead(), false);
        queue_slot_end(slots[i]);
    }
    unsigned attempts = 0;
    for (unsigned round = 0; now().messages; round++) {
        REQUIRE(round < 20000);
        struct queue_slot *slot = world_slot();
        if (!slot) {
            world_sleep_s(20);
            continue;
        }
        for (const struct queue_job *job; (job = take_settled(slot, "mx"));) {
            attempts += !job->no_attempt;
            world_finish_with(slot, job, dead(), false);
        }
        queue_slot_end(slot);
    }
    CHECK_INT(now().bounced, 50);
    CHECK(attempts < 60); /* some thirty probes in a day, not fifty times as many */
    CHECK(clock_wall_us(&world.clock) / 1000000 < WORLD_START_S + 86400 + 2 * 4320);
}
TEST(who_expires_behind_a_dead_set_needs_no_attempt) { world_run(expires_behind); }

/* ---- moving ---- */

static void moves(void)
{
    for (unsigned i = 0; i < 6; i++)
        send_to(1);
    send_to(2);
    const struct queue_job *job;
    struct queue_slot *slot = settled_slot("old", &job);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    struct queue_slot *of_two = world_slot_of("mx:d2.example");
    REQUIRE(of_two);
    const struct queue_job *two = take_settled(of_two, "old");
    REQUIRE(two);
    world_sleep_s(301);
    job = queue_slot_take(slot, 1);
    REQUIRE(job && !job->is_settled);
    CHECK_STR(job->domain, STR("d1.example"));
    CHECK(queue_slot_settle(slot, STR("new"))); /* with all that waits for it, and the slot */
    world_finish(slot, job, QUEUE_DELIVERED, true);
    world_finish(of_two, two, QUEUE_DEFERRED, false); /* what the old hosts do is theirs */
    queue_slot_end(of_two);
    CHECK_INT(now().waiting, 1);
    for (unsigned i = 0; i < 4; i++) {
        job = queue_slot_take(slot, 1);
        REQUIRE(job && job->is_settled);
        CHECK_STR(job->domain, STR("d1.example"));
        world_finish(slot, job, QUEUE_DELIVERED, true);
    }
    CHECK(!queue_slot_take(slot, 1));
    queue_slot_end(slot);
    for (; (slot = world_slot()); queue_slot_end(slot)) /* granted meanwhile for what was there */
        CHECK(!queue_slot_take(slot, 1));
    CHECK_INT(now().messages, 1);
    CHECK_INT(now().slots, 0);
}
TEST(a_domain_whose_hosts_change_moves_with_its_mail) { world_run(moves); }

static void asks_again(void)
{
    for (unsigned i = 0; i < DOMAINS; i++)
        send_to(i);
    struct queue_slot *slots[20];
    const struct queue_job *jobs[20];
    unsigned attempts = 0, delivered = 0;
    int64_t found_s = 0;
    for (unsigned round = 0; delivered == 0; round++) {
        REQUIRE(round < 20000);
        for (struct queue_slot *slot; (slot = world_slot_of("mx:d7.example"));) {
            const struct queue_job *job = queue_slot_take(slot, 1);
            bool has_moved = clock_wall_us(&world.clock) / 1000000 > WORLD_START_S + 1800;
            if (job && queue_slot_settle(slot, has_moved ? STR("new") : STR("mx"))) {
                world_finish(slot, job, has_moved ? QUEUE_DELIVERED : QUEUE_DEFERRED, has_moved);
                delivered += has_moved;
                found_s = clock_wall_us(&world.clock) / 1000000;
            } else if (job) {
                queue_job_return(slot);
            }
            queue_slot_end(slot);
        }
        size_t count = settle_granted("mx", slots, jobs, ARRAY_LEN(slots));
        for (size_t i = 0; i < count; i++) {
            attempts++;
            world_finish_with(slots[i], jobs[i], dead(), false);
            queue_slot_end(slots[i]);
        }
        if (!world.granted_count)
            world_sleep_s(1);
    }
    CHECK(found_s >= WORLD_START_S + 3600 && found_s < WORLD_START_S + 2 * 3600 + 4320);
    CHECK(attempts <= 5 + 12); /* those under way together, then one probe at a time */
    CHECK_INT(now().messages, DOMAINS - 1);
}
TEST(a_domain_behind_dead_hosts_finds_out_that_it_has_others) { world_run(asks_again); }

static void moves_back_and_forth(void)
{
    /* Name servers that do not agree: no place is lost, and the mail gets through. */
    for (unsigned i = 0; i < 40; i++)
        send_to(i % 4);
    static const char *const sets[] = {"a", "b", "c", ""};
    unsigned steps = 0;
    for (struct queue_slot *slot; (slot = world_slot());) {
        for (const struct queue_job *job; (job = queue_slot_take(slot, 1));) {
            REQUIRE(++steps < 10000);
            if (queue_slot_settle(slot, str_of(sets[steps * 7 % 11 % 4])))
                world_finish(slot, job, QUEUE_DELIVERED, true);
            else
                queue_job_return(slot);
        }
        queue_slot_end(slot);
    }
    CHECK_INT(now().delivered, 40);
    CHECK_INT(now().messages, 0);
    CHECK_INT(now().destinations, 0);
    CHECK_INT(now().slots, 0);
}
TEST(hosts_that_change_all_the_time_lose_nothing) { world_run(moves_back_and_forth); }

static void retried(void)
{
    send_to(1);
    send_to(2);
    const struct queue_job *job;
    struct queue_slot *slot = settled_slot("mx", &job);
    world_finish_with(slot, job, dead(), false);
    queue_slot_end(slot);
    slot = world_slot();
    REQUIRE(slot);
    CHECK(!take_settled(slot, "mx"));
    queue_slot_end(slot);
    CHECK_INT(now().waiting, 2);
    struct queue_filter of_one = {.state = -1, .domain = STR("d1.example")};
    uint64_t changed, busy;
    CHECK_INT(queue_act(world.queue, QUEUE_RETRY, &of_one, STR("root"), &changed, &busy), OK);
    CHECK_INT(changed, 1);
    CHECK_INT(world_deliver_all(), 2); /* who asks for one learns whether the hosts answer */
}
TEST(a_retry_by_hand_ends_the_pause_of_the_set) { world_run(retried); }

static void drained(void)
{
    for (unsigned i = 0; i < 20; i++)
        send_to(i);
    struct queue_slot *slots[20];
    const struct queue_job *jobs[20];
    size_t count = settle_granted("mx", slots, jobs, ARRAY_LEN(slots));
    queue_drain(world.queue);
    for (size_t i = 0; i < count; i++) {
        world_finish(slots[i], jobs[i], QUEUE_DELIVERED, true);
        CHECK(!queue_slot_take(slots[i], 100));
        queue_slot_end(slots[i]);
    }
    CHECK_INT(now().slots, 0);
    CHECK_INT(world.granted_count, 0);
    CHECK_INT(now().recipients, 20 - count);
}
TEST(a_draining_queue_ends_the_slots_of_a_set) { world_run(drained); }

/* ---- fairness ---- */

static void big_sender(void)
{
    world.options.connections_per_destination = 1;
    world_open();
    for (unsigned i = 0; i < 200; i++) {
        char address[40];
        snprintf(address, sizeof address, "r@d%u.example", i);
        world_send("big@x.test", address);
    }
    spool_id small[10];
    for (unsigned i = 0; i < 10; i++) {
        char sender[20];
        snprintf(sender, sizeof sender, "small%u@x.test", i);
        small[i] = world_send(sender, "r@d7.example");
    }
    struct queue_slot *slots[2];
    const struct queue_job *jobs[2];
    REQUIRE(settle_granted("mx", slots, jobs, 2) == 1);
    unsigned early = 0;
    for (unsigned taken = 0; taken < 40; taken++) {
        world_finish(slots[0], jobs[0], QUEUE_DELIVERED, true);
        jobs[0] = queue_slot_take(slots[0], 1);
        REQUIRE(jobs[0]);
        for (unsigned i = 0; i < 10; i++)
            early += jobs[0]->id == small[i];
    }
    CHECK(early >= 7); /* all but those who share the big one's lane */
    queue_job_return(slots[0]);
    queue_slot_end(slots[0]);
    world_close();
}
TEST(a_big_sender_to_many_domains_does_not_starve_the_others) { world_run_closed(big_sender); }

static void big_domain(void)
{
    world.options.connections_per_destination = 1;
    world_open();
    for (unsigned i = 0; i < 100; i++)
        send_to(1);
    spool_id other = send_to(2);
    struct queue_slot *slots[2];
    const struct queue_job *jobs[2];
    REQUIRE(settle_granted("mx", slots, jobs, 2) == 1);
    bool came = false;
    for (unsigned taken = 0; taken < 3; taken++) {
        world_finish(slots[0], jobs[0], QUEUE_DELIVERED, true);
        jobs[0] = queue_slot_take(slots[0], 1);
        REQUIRE(jobs[0]);
        came |= jobs[0]->id == other;
    }
    CHECK(came);
    queue_job_return(slots[0]);
    queue_slot_end(slots[0]);
    world_close();
}
TEST(domains_of_a_set_take_turns) { world_run_closed(big_domain); }

int main(void)
{
    RUN(until_the_hosts_are_known_one_slot_asks_for_them);
    RUN(domains_of_one_set_use_no_more_connections_than_the_window);
    RUN(domains_of_different_sets_do_not_touch_each_other);
    RUN(the_same_hosts_by_different_ways_are_different);
    RUN(a_job_is_of_one_domain);
    RUN(hosts_are_believed_for_some_minutes);
    RUN(an_idle_connection_gets_the_work_of_another_domain);
    RUN(the_domain_that_a_connection_served_last_finds_it_at_once);
    RUN(a_dead_set_blocks_all_its_domains_with_one_probe);
    RUN(a_dead_set_is_remembered_without_mail);
    RUN(a_domain_whose_hosts_cannot_be_found_out_waits_alone);
    RUN(who_expires_behind_a_dead_set_needs_no_attempt);
    RUN(a_domain_whose_hosts_change_moves_with_its_mail);
    RUN(a_domain_behind_dead_hosts_finds_out_that_it_has_others);
    RUN(hosts_that_change_all_the_time_lose_nothing);
    RUN(a_retry_by_hand_ends_the_pause_of_the_set);
    RUN(a_draining_queue_ends_the_slots_of_a_set);
    RUN(a_big_sender_to_many_domains_does_not_starve_the_others);
    RUN(domains_of_a_set_take_turns);
    return test_summary();
}
