/* What the queue promises to mail, under a virtual clock. */
#include "world.h"

#include <stdio.h>

static struct queue_statistics now(void) { return queue_statistics(world.queue); }

/* The next job of a newly granted slot. */
static const struct queue_job *take(struct queue_slot **out_slot)
{
    *out_slot = world_slot();
    return *out_slot ? queue_slot_take(*out_slot, 100) : NULL;
}

/* ---- one message ---- */

static void delivered(void)
{
    spool_id id = world_send("s@x.test", "r@a.test");
    struct queue_slot *slot;
    const struct queue_job *job = take(&slot);
    REQUIRE(job);
    CHECK(job->id == id && job->attempt == 1 && !job->no_attempt);
    CHECK_INT(job->recipient_count, 1);
    CHECK_INT(job->recipients[0], 0);
    CHECK_INT(job->arrived_s, WORLD_START_S);
    CHECK_INT(now().active, 1);
    CHECK_STR(queue_slot_name(slot), STR("smtp:a"));
    CHECK_STR(job->domain, STR_EMPTY);
    CHECK_INT(world_finish(slot, job, QUEUE_DELIVERED, true).state, SPOOL_DELIVERED);
    CHECK(!queue_slot_take(slot, 100));
    queue_slot_end(slot);
    CHECK_INT(now().messages, 0);
    CHECK_INT(now().recipients, 0);
    CHECK_INT(now().delivered, 1);
    CHECK_INT(now().destinations, 0);
    CHECK_INT(now().slots, 0);
    world_reopen();
    CHECK_INT(world.announced, 0); /* its end is recorded */
}
TEST(a_delivered_message_is_recorded_and_forgotten) { world_run(delivered); }

static void by_mx(void)
{
    world_send("s@x.test", "r@Other.Test");
    world_send("s@x.test", "r@other.test");
    world_send("s@x.test", "r@third.test");
    CHECK_INT(now().destinations, 2);
    struct queue_slot *slot = world_slot_of("mx:other.test");
    REQUIRE(slot);
    CHECK_INT(queue_slot_way(slot)->via, ROUTE_MX);
    const struct queue_job *job = queue_slot_take(slot, 1);
    REQUIRE(job);
    CHECK_STR(job->domain, STR("other.test"));
    CHECK(!job->is_settled);
    queue_job_return(slot);
    queue_slot_end(slot);
    CHECK_INT(world_deliver_all(), 3);
}
TEST(domains_by_mx_are_destinations_of_their_own) { world_run(by_mx); }

static void together(void)
{
    world_send("s@x.test", "1@a.test 2@b.test 3@a2.test 4@a.test");
    CHECK_INT(world.granted_count, 2);
    struct queue_slot *slot = world_slot_of("smtp:a");
    REQUIRE(slot);
    const struct queue_job *job = queue_slot_take(slot, 100);
    REQUIRE(job && job->recipient_count == 3);
    CHECK(job->recipients[0] == 0 && job->recipients[1] == 2 && job->recipients[2] == 3);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
    CHECK_INT(now().messages, 1);
    CHECK_INT(now().recipients, 1);
    CHECK_INT(world_deliver_all(), 1);
    CHECK_INT(now().messages, 0);
    world_reopen();
    CHECK_INT(world.announced, 0);
}
TEST(recipients_behind_one_way_are_one_job) { world_run(together); }

static void split(void)
{
    world_send("s@x.test", "1@a.test 2@a.test 3@a.test 4@a.test 5@a.test");
    struct queue_slot *slot = world_slot();
    REQUIRE(slot);
    size_t sizes[] = {2, 2, 1}, seen = 0;
    for (size_t i = 0; i < 3; i++) {
        const struct queue_job *job = queue_slot_take(slot, 2);
        REQUIRE(job);
        CHECK_INT(job->recipient_count, sizes[i]);
        for (size_t n = 0; n < job->recipient_count; n++)
            seen |= (size_t)1 << job->recipients[n];
        world_finish(slot, job, QUEUE_DELIVERED, true);
    }
    CHECK_INT(seen, 31);
    queue_slot_end(slot);
    world_deliver_all();
    CHECK_INT(now().messages, 0);
}
TEST(a_job_holds_at_most_what_was_asked_for) { world_run(split); }

static void mixture(void)
{
    spool_id id = world_send("s@x.test", "1@a.test 2@a.test 3@a.test 4@a.test");
    struct queue_slot *slot;
    const struct queue_job *job = take(&slot);
    REQUIRE(job && job->recipient_count == 4);
    struct queue_outcome outcomes[] = {
        {.kind = QUEUE_DELIVERED, .words = STR("250 ok")},
        {.kind = QUEUE_FAILED, .reason = SPOOL_REASON_REPLY, .words = STR("550 no")},
        {.kind = QUEUE_DEFERRED, .reason = SPOOL_REASON_REPLY, .words = STR("451 later")},
        {.kind = QUEUE_HELD, .reason = SPOOL_REASON_LOCAL, .words = STR("odd")},
    };
    queue_job_finish(slot, outcomes, true);
    queue_slot_end(slot);
    uint8_t states[] = {SPOOL_DELIVERED, SPOOL_BOUNCED, SPOOL_QUEUED, SPOOL_QUEUED};
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(outcomes[i].status.state, states[i]);
    for (int round = 0; round < 2; round++) { /* the second time from the disk */
        size_t count;
        struct queue_view *views = world_list(&count);
        REQUIRE(count == 2);
        CHECK(views[0].id == id && views[0].recipient == 3 && views[0].state == QUEUE_VIEW_WAITING);
        CHECK(views[1].recipient == 4 && views[1].state == QUEUE_VIEW_HELD && views[1].status.held);
        CHECK_INT(views[0].status.attempts, 1);
        CHECK_INT(views[0].status.due_s, outcomes[2].status.due_s);
        if (round == 0)
            CHECK_STR(views[0].words, STR("451 later"));
        world_reopen();
    }
}
TEST(each_recipient_has_its_own_fate_also_after_a_restart) { world_run(mixture); }

/* ---- retries ---- */

static void retries(void)
{
    spool_id id = world_send("s@x.test", "r@a.test");
    for (unsigned attempt = 1; attempt <= 8; attempt++) {
        struct queue_slot *slot;
        const struct queue_job *job = take(&slot);
        REQUIRE(job);
        CHECK_INT(job->attempt, attempt);
        int64_t at_s = clock_wall_us(&world.clock) / 1000000;
        struct spool_status status = world_finish(slot, job, QUEUE_DEFERRED, true);
        queue_slot_end(slot);
        int64_t middle = attempt > 6 ? 3600 : 60 << (attempt - 1);
        int64_t pause = status.due_s - at_s;
        CHECK(pause >= middle * 8 / 10 && pause <= middle * 12 / 10);
        CHECK_INT(status.attempts, attempt);
        CHECK_INT(now().waiting, 1);
        world_sleep_s((uint64_t)pause - 1);
        CHECK_INT(world.granted_count, 0);
        world_sleep_s(1);
        CHECK_INT(world.granted_count, 1);
    }
    CHECK(world_view(id)->status.attempts == 8);
    CHECK_INT(now().deferred, 8);
    CHECK_INT(world_deliver_all(), 1);
}
TEST(attempts_come_on_the_schedule) { world_run(retries); }

static void expires(void)
{
    world_send("s@x.test", "r@a.test");
    unsigned attempts = 0;
    for (;;) {
        struct queue_slot *slot;
        const struct queue_job *job = take(&slot);
        REQUIRE(job && attempts < 100);
        attempts++;
        struct spool_status status = world_finish(slot, job, QUEUE_DEFERRED, true);
        queue_slot_end(slot);
        if (status.state == SPOOL_BOUNCED)
            break;
        CHECK(status.due_s <= WORLD_START_S + 86400);
        world_sleep_s((uint64_t)(status.due_s - clock_wall_us(&world.clock) / 1000000));
    }
    CHECK_INT(clock_wall_us(&world.clock) / 1000000, WORLD_START_S + 86400);
    CHECK(attempts > 20);
    CHECK_INT(now().bounced, 1);
    CHECK_INT(now().messages, 0);
    world_reopen();
    CHECK_INT(world.announced, 0);
}
TEST(who_is_deferred_to_the_end_is_bounced) { world_run(expires); }

static void returned(void)
{
    spool_id first = world_send("s@x.test", "r@a.test");
    world_send("s@x.test", "r@a.test");
    struct queue_slot *slot;
    const struct queue_job *job = take(&slot);
    REQUIRE(job && job->id == first);
    queue_job_return(slot);
    job = queue_slot_take(slot, 100);
    REQUIRE(job);
    CHECK(job->id == first && job->attempt == 1);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
    CHECK_INT(world_deliver_all(), 1);
}
TEST(what_was_not_tried_comes_again_in_front) { world_run(returned); }

static void restarted(void)
{
    spool_id late = world_send("s@x.test", "r@a.test");
    struct queue_slot *slot;
    const struct queue_job *job = take(&slot);
    REQUIRE(job);
    int64_t due_s = world_finish(slot, job, QUEUE_DEFERRED, true).due_s;
    queue_slot_end(slot);
    spool_id fresh = world_send("s@x.test", "r@b.test");
    world_reopen();
    CHECK_INT(world.announced, 2);
    CHECK_INT(now().waiting, 1);
    REQUIRE(world.granted_count == 1); /* of the fresh one alone */
    job = take(&slot);
    REQUIRE(job && job->id == fresh);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
    world_sleep_s((uint64_t)(due_s - clock_wall_us(&world.clock) / 1000000));
    job = take(&slot);
    REQUIRE(job && job->id == late);
    CHECK_INT(job->attempt, 2);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
}
TEST(a_restart_keeps_due_times_and_attempts) { world_run(restarted); }

static void held_back(void)
{
    world_open();
    spool_id id = world_send("s@x.test", "1@a.test 2@a.test");
    world_close();
    world.queue = queue_new(&world.options);
    struct spool_envelope envelope = {.recipients =
                                          (struct spool_recipient[]){{STR("r@a.test"), STR(""), 0}},
                                      .recipient_count = 1,
                                      .received_us = 1};
    struct spool_status status = {0};
    struct spool_announcement announcement = {.id = id, .envelope = &envelope, .statuses = &status};
    queue_announce(world.queue, &announcement); /* outside of any loop it would be the same */
    CHECK_INT(world.granted_count, 0);
    CHECK_INT(now().ready, 1);
    queue_begin(world.queue);
    CHECK_INT(world.granted_count, 1);
    world_end_all_granted();
    queue_free(world.queue);
}
TEST(nothing_is_granted_before_recovery_is_over) { world_run_closed(held_back); }

static void ends_at_once(void)
{
    /* All recipients final, the end not recorded: as a crash between two records leaves it. */
    world_send("s@x.test", "1@a.test 2@b.test");
    struct queue_slot *a = world_slot_of("smtp:a"), *b = world_slot_of("smtp:b");
    REQUIRE(a && b);
    const struct queue_job *of_a = queue_slot_take(a, 1), *of_b = queue_slot_take(b, 1);
    REQUIRE(of_a && of_b);
    struct spool_change change = {.recipient = 0, .status = {.state = SPOOL_DELIVERED}};
    CHECK_INT(spool_status_write(world.spool, of_a->id, of_a->place, &change, 1, false), OK);
    change.recipient = 1;
    CHECK_INT(spool_status_write(world.spool, of_b->id, of_b->place, &change, 1, false), OK);
    queue_job_return(a);
    queue_job_return(b);
    queue_slot_end(a);
    queue_slot_end(b);
    world_reopen();
    CHECK_INT(now().messages, 0);
    CHECK_INT(world.granted_count, 0);
    world_reopen();
    CHECK_INT(world.announced, 0);
}
TEST(a_message_found_at_its_end_is_ended) { world_run(ends_at_once); }

static void both_last(void)
{
    world_send("s@x.test", "1@a.test 2@b.test");
    struct queue_slot *a = world_slot_of("smtp:a"), *b = world_slot_of("smtp:b");
    REQUIRE(a && b);
    const struct queue_job *of_a = queue_slot_take(a, 1), *of_b = queue_slot_take(b, 1);
    REQUIRE(of_a && of_b);
    world_finish(a, of_a, QUEUE_DELIVERED, true);
    CHECK_INT(now().messages, 1);
    world_finish(b, of_b, QUEUE_DELIVERED, true);
    CHECK_INT(now().messages, 0);
    queue_slot_end(a);
    queue_slot_end(b);
    world_reopen();
    CHECK_INT(world.announced, 0);
}
TEST(the_last_of_several_slots_records_the_end) { world_run(both_last); }

/* ---- destinations ---- */

static void windows(void)
{
    world.options.connections_per_destination = 12;
    world_open();
    for (int i = 0; i < 40; i++)
        world_send("s@x.test", "r@a.test");
    CHECK_INT(now().slots, 5);
    struct queue_slot *slots[12];
    const struct queue_job *jobs[12];
    size_t count = 0;
    for (struct queue_slot *slot; count < 12 && (slot = world_slot()); count++) {
        slots[count] = slot;
        jobs[count] = queue_slot_take(slot, 1);
        REQUIRE(jobs[count]);
    }
    CHECK_INT(count, 5);
    for (size_t i = 0; i < 7; i++) {
        world_finish(slots[0], jobs[0], QUEUE_DELIVERED, true);
        jobs[0] = queue_slot_take(slots[0], 1);
        REQUIRE(jobs[0]);
        CHECK_INT(now().slots, 6 + i);
    }
    world_finish(slots[0], jobs[0], QUEUE_DELIVERED, true);
    jobs[0] = queue_slot_take(slots[0], 1);
    CHECK_INT(now().slots, 12); /* the largest window */
    world_finish(slots[1], jobs[1], QUEUE_DEFERRED, true);
    jobs[1] = queue_slot_take(slots[1], 1);
    for (size_t i = 0; i < 5; i++) {
        world_finish(slots[i], jobs[i], QUEUE_DELIVERED, true);
        queue_slot_end(slots[i]);
    }
    while (now().messages > 1)
        REQUIRE(world_deliver_all());
    world_close();
}
TEST(windows_grow_with_success_to_their_largest) { world_run_closed(windows); }

static void blocked(void)
{
    for (int i = 0; i < 20; i++)
        world_send("s@x.test", "r@a.test");
    spool_id other = world_send("s@x.test", "r@b.test");
    struct queue_slot *slot = world_slot_of("smtp:a");
    REQUIRE(slot);
    const struct queue_job *job = queue_slot_take(slot, 100);
    REQUIRE(job);
    world_finish_with(slot, job,
                      (struct queue_outcome){.kind = QUEUE_DEFERRED,
                                             .reason = SPOOL_REASON_CONNECTION,
                                             .words = STR("a: connection refused")},
                      false);
    CHECK(!queue_slot_take(slot, 100));
    CHECK_INT(now().waiting, 20);
    CHECK_INT(now().ready, 1);
    queue_slot_end(slot);
    for (struct queue_slot *left;
         (left = world_slot_of("smtp:a"));) { /* granted before it failed */
        CHECK(!queue_slot_take(left, 100));
        queue_slot_end(left);
    }
    size_t count;
    struct queue_view *views = world_list(&count);
    REQUIRE(count == 21);
    CHECK_INT(views[7].state, QUEUE_VIEW_WAITING);
    CHECK_INT(views[7].status.reason, SPOOL_REASON_CONNECTION);
    CHECK_INT(views[7].status.attempts, 0);
    CHECK_STR(views[7].words, STR("a: connection refused"));
    slot = world_slot_of("smtp:b"); /* nobody else is delayed */
    REQUIRE(slot);
    job = queue_slot_take(slot, 1);
    REQUIRE(job && job->id == other);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);

    world_sleep_s(47);
    CHECK_INT(world.granted_count, 0);
    world_sleep_s(26);
    CHECK_INT(world.granted_count, 1); /* one probes */
    CHECK_INT(world_deliver_all(), 20);
}
TEST(a_dead_destination_waits_and_is_probed_by_one) { world_run(blocked); }

static void probes(void)
{
    for (int i = 0; i < 50; i++)
        world_send("s@x.test", "r@a.test");
    uint64_t last_ms = loop_now_ms();
    for (unsigned failure = 1; failure <= 6; failure++) {
        struct queue_slot *slot = world_slot();
        REQUIRE(slot);
        uint64_t pause_s = (loop_now_ms() - last_ms) / 1000;
        uint64_t middle = failure < 2 ? 0 : (uint64_t)60 << (failure - 2);
        CHECK(pause_s >= middle * 8 / 10 && pause_s <= middle * 12 / 10 + 1);
        last_ms = loop_now_ms();
        const struct queue_job *job = queue_slot_take(slot, 100);
        REQUIRE(job);
        world_finish(slot, job, QUEUE_DEFERRED, false);
        queue_slot_end(slot);
        while ((slot = world_slot()))
            queue_slot_end(slot);
        while (!world.granted_count && loop_now_ms() < last_ms + 4000000)
            world_sleep_s(1);
    }
}
TEST(probes_of_a_dead_destination_come_on_the_schedule) { world_run(probes); }

static void one_failure(void)
{
    for (int i = 0; i < 10; i++)
        world_send("s@x.test", "r@a.test");
    struct queue_slot *slots[5];
    const struct queue_job *jobs[5];
    for (size_t i = 0; i < 5; i++) {
        slots[i] = world_slot();
        REQUIRE(slots[i]);
        jobs[i] = queue_slot_take(slots[i], 1);
        REQUIRE(jobs[i]);
    }
    for (size_t i = 0; i < 5; i++) {
        world_finish(slots[i], jobs[i], QUEUE_DEFERRED, false);
        queue_slot_end(slots[i]);
    }
    world_sleep_s(73); /* one pause of 60 s and its jitter: the five were one failure */
    CHECK_INT(world.granted_count, 1);
}
TEST(connections_that_fail_together_are_one_failure) { world_run(one_failure); }

static void answers_again(void)
{
    for (int i = 0; i < 10; i++)
        world_send("s@x.test", "r@a.test");
    struct queue_slot *bad = world_slot(), *good = world_slot();
    REQUIRE(bad && good);
    const struct queue_job *of_bad = queue_slot_take(bad, 1), *of_good = queue_slot_take(good, 1);
    REQUIRE(of_bad && of_good);
    world_finish(bad, of_bad, QUEUE_DEFERRED, false);
    queue_slot_end(bad);
    CHECK_INT(now().ready, 0);
    world_finish(good, of_good, QUEUE_DELIVERED, true);
    CHECK_INT(now().ready, 8);
    REQUIRE(queue_slot_take(good, 1));
    queue_job_return(good);
    queue_slot_end(good);
}
TEST(an_answer_ends_the_pause) { world_run(answers_again); }

static void expires_behind(void)
{
    for (int i = 0; i < 30; i++)
        world_send("s@x.test", "r@a.test");
    spool_id young = 0;
    for (unsigned round = 0; now().messages > 1; round++) {
        struct queue_slot *slot = world_slot();
        REQUIRE(round < 500);
        if (!slot) {
            world_sleep_s(600);
            if (!young && clock_wall_us(&world.clock) / 1000000 > WORLD_START_S + 80000)
                young = world_send("s@x.test", "r@a.test");
            continue;
        }
        unsigned attempts = 0;
        for (const struct queue_job *job; (job = queue_slot_take(slot, 100));) {
            struct queue_outcome outcome = {.kind = QUEUE_DEFERRED,
                                            .reason = SPOOL_REASON_CONNECTION,
                                            .words = STR("no route")};
            if (job->no_attempt) {
                CHECK(attempts <= 1);
                CHECK_INT(job->reason, SPOOL_REASON_CONNECTION);
                CHECK_STR(job->words, STR("no route"));
                outcome.words = job->words;
                CHECK_INT(world_finish_with(slot, job, outcome, false).state, SPOOL_BOUNCED);
            } else {
                attempts++;
                world_finish_with(slot, job, outcome, false);
            }
        }
        CHECK(attempts <= 1);
        queue_slot_end(slot);
    }
    CHECK_INT(now().bounced, 30);
    CHECK(world_view(young));
    CHECK(clock_wall_us(&world.clock) / 1000000 < WORLD_START_S + 86400 + 2 * 4320);
}
TEST(who_expires_behind_a_dead_destination_needs_no_attempt) { world_run(expires_behind); }

static void expires_in_steps(void)
{
    /* A holder who ends his slot after a failure, without asking for what has expired. */
    for (int i = 0; i < 5; i++)
        world_send("s@x.test", "r@a.test");
    world_sleep_s(90000);
    size_t slots = 0;
    for (struct queue_slot *slot; (slot = world_slot()) && slots < 50; slots++) {
        const struct queue_job *job = queue_slot_take(slot, 100);
        if (job)
            world_finish(slot, job, QUEUE_DEFERRED, false);
        queue_slot_end(slot);
    }
    CHECK_INT(now().messages, 0);
    CHECK_INT(now().bounced, 5);
}
TEST(expired_jobs_get_slots_though_the_destination_is_blocked) { world_run(expires_in_steps); }

static void hold_route(void)
{
    spool_id id = world_send("s@x.test", "r@held.test");
    CHECK_INT(world.granted_count, 0);
    world_sleep_s(200000);
    CHECK_INT(world.granted_count, 0);
    CHECK_INT(now().waiting, 1);
    struct queue_view *view = world_view(id);
    REQUIRE(view);
    CHECK_INT(view->status.reason, SPOOL_REASON_ROUTE);
    CHECK_STR(view->words, STR("its route says hold"));
    CHECK_INT(view->state, QUEUE_VIEW_HELD);
}
TEST(a_route_that_says_hold_keeps_mail_without_an_end) { world_run(hold_route); }

/* ---- fairness ---- */

static void big_sender(void)
{
    world.options.connections_per_destination = 1;
    world_open();
    for (int i = 0; i < 200; i++)
        world_send("big@x.test", "r@a.test");
    spool_id small[10];
    for (int i = 0; i < 10; i++) {
        char sender[20];
        snprintf(sender, sizeof sender, "small%d@x.test", i);
        small[i] = world_send(sender, "r@a.test");
    }
    struct queue_slot *slot = world_slot();
    REQUIRE(slot);
    unsigned early = 0;
    for (unsigned taken = 0; taken < 40; taken++) {
        const struct queue_job *job = queue_slot_take(slot, 1);
        REQUIRE(job);
        for (int i = 0; i < 10; i++)
            early += job->id == small[i];
        world_finish(slot, job, QUEUE_DELIVERED, true);
    }
    CHECK(early >= 7); /* all but those who share the big one's lane */
    queue_slot_end(slot);
    world_close();
}
TEST(a_big_sender_does_not_starve_the_others) { world_run_closed(big_sender); }

static void big_message(void)
{
    world.options.connections_per_destination = 1;
    world_open();
    char recipients[6000] = "";
    for (size_t i = 0, at = 0; i < 400; i++)
        at += (size_t)snprintf(recipients + at, sizeof recipients - at, "%s%zu@a.test",
                               i ? " " : "", i);
    world_send("big@x.test", recipients);
    spool_id other = 0;
    char sender[20];
    for (unsigned i = 0; i < 4; i++) { /* one of them surely has another lane */
        snprintf(sender, sizeof sender, "%u@x.test", i);
        other = world_send(sender, "r@a.test");
    }
    UNUSED(other);
    struct queue_slot *slot = world_slot();
    REQUIRE(slot);
    unsigned others = 0;
    for (unsigned taken = 0; taken < 8; taken++) {
        const struct queue_job *job = queue_slot_take(slot, 10);
        REQUIRE(job);
        others += job->recipient_count == 1;
        world_finish(slot, job, QUEUE_DELIVERED, true);
    }
    CHECK(others >= 2);
    queue_slot_end(slot);
    world_close();
}
TEST(a_big_message_does_not_starve_the_others) { world_run_closed(big_message); }

/* ---- slots ---- */

/* A slot for `recipient` whose fiber waits, its first job delivered. */
static void begin_wait(const char *recipient)
{
    world_send("s@x.test", recipient);
    struct queue_slot *slot = world_slot();
    const struct queue_job *job = queue_slot_take(slot, 1);
    assert(job);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    world_wait(slot);
    CHECK(!world.wait_ended);
}

static void idle_woken(void)
{
    begin_wait("r@a.test");
    world_send("s@x.test", "r@a2.test");
    CHECK_INT(world.granted_count, 0); /* no new connection is made */
    world_sleep_s(1);
    REQUIRE(world.wait_ended);
    CHECK_INT(world.wait_result, OK);
    const struct queue_job *job = queue_slot_take(world.waiting, 1);
    REQUIRE(job);
    world_finish(world.waiting, job, QUEUE_DELIVERED, true);
    queue_slot_end(world.waiting);
}
TEST(an_idle_slot_gets_the_work_first) { world_run(idle_woken); }

static void idle_times_out(void)
{
    begin_wait("r@a.test");
    world_sleep_s(6);
    REQUIRE(world.wait_ended);
    CHECK_INT(world.wait_result, ERR_TIMEOUT);
    queue_slot_end(world.waiting);
    CHECK_INT(now().slots, 0);
}
TEST(an_idle_slot_waits_to_its_deadline) { world_run(idle_times_out); }

static void idle_drained(void)
{
    begin_wait("r@a.test");
    queue_drain(world.queue);
    world_sleep_s(1);
    REQUIRE(world.wait_ended);
    CHECK_INT(world.wait_result, ERR_STOPPING);
    queue_slot_end(world.waiting);
    world_send("s@x.test", "r@a.test");
    CHECK_INT(world.granted_count, 0);
}
TEST(a_draining_queue_ends_idle_slots_and_grants_none) { world_run(idle_drained); }

static void idle_evicted(void)
{
    world.options.slots_max = 1;
    world_open();
    begin_wait("r@a.test");
    world_send("s@x.test", "r@b.test");
    CHECK_INT(world.granted_count, 0);
    world_sleep_s(1);
    REQUIRE(world.wait_ended);
    CHECK_INT(world.wait_result, ERR_TIMEOUT);
    queue_slot_end(world.waiting);
    CHECK_INT(world.granted_count, 1);
    CHECK_INT(world_deliver_all(), 1);
    world_close();
}
TEST(an_idle_slot_gives_way_to_another_destination) { world_run_closed(idle_evicted); }

static void ends_while_woken(void)
{
    begin_wait("r@a.test");
    world_send("s@x.test", "r@a.test"); /* the wake is on its way */
    fiber_group_cancel(&world.group);
    fiber_shield_begin();
    fiber_yield();
    REQUIRE(world.wait_ended);
    CHECK_INT(world.wait_result, ERR_CANCELLED);
    queue_slot_end(world.waiting);
    CHECK_INT(world.granted_count, 1); /* the work is not lost */
    CHECK_INT(world_deliver_all(), 1);
}
TEST(a_slot_that_ends_while_it_is_woken_passes_the_work_on) { world_run(ends_while_woken); }

static void slots_in_turn(void)
{
    world.options.slots_max = 2;
    world_open();
    for (int i = 0; i < 10; i++) {
        world_send("s@x.test", "r@a.test");
        world_send("s@x.test", "r@b.test");
        world_send("s@x.test", "r@c.test");
    }
    CHECK_INT(now().slots, 2);
    struct queue_slot *slot = world_slot();
    REQUIRE(slot);
    queue_slot_end(slot); /* somebody who cannot use it */
    CHECK_INT(now().slots, 2);
    bool saw_b = false, saw_c = false;
    for (int i = 0; i < 6; i++) {
        slot = world_slot();
        REQUIRE(slot);
        saw_b |= str_eq(queue_slot_name(slot), STR("smtp:b"));
        saw_c |= str_eq(queue_slot_name(slot), STR("mx:c.test"));
        const struct queue_job *job = queue_slot_take(slot, 1);
        REQUIRE(job);
        world_finish(slot, job, QUEUE_DELIVERED, true);
        queue_slot_end(slot);
    }
    CHECK(saw_b && saw_c);
    CHECK_INT(world_deliver_all(), 24);
    world_close();
}
TEST(scarce_slots_go_round_among_destinations) { world_run_closed(slots_in_turn); }

/* ---- recording ---- */

static void disk_heals(void *argument)
{
    UNUSED(argument);
    world_sleep_s(10);
    disk_memory_set_capacity(world.disk, (uint64_t)1 << 30);
    disk_memory_fail(world.disk, 0, OK);
}

static unsigned reports;
static enum err report_result;
static bool report_saw_warned;

static enum err report(void *context, const struct queue_job *job,
                       const struct queue_outcome *outcomes)
{
    UNUSED(context);
    CHECK(job->recipient_count == 1);
    reports++;
    report_saw_warned = outcomes[0].status.warned;
    return report_result;
}

static void report_heals(void *argument)
{
    UNUSED(argument);
    world_sleep_s(10);
    report_result = OK;
}

static void reported(void)
{
    world.options.report = report;
    reports = 0;
    report_result = ERR_FULL;
    world_open();
    world_send("s@x.test", "r@a.test");
    struct queue_slot *slot;
    const struct queue_job *job = take(&slot);
    REQUIRE(job);
    fiber_spawn(&world.group, "heal", report_heals, NULL);
    uint64_t before_ms = loop_now_ms();
    CHECK_INT(world_finish(slot, job, QUEUE_FAILED, true).state, SPOOL_BOUNCED);
    CHECK(loop_now_ms() - before_ms >= 10000);
    CHECK(reports > 1);
    queue_slot_end(slot);
    CHECK_INT(now().messages, 0);
    world_close();
}
TEST(a_report_that_cannot_be_made_is_made_later) { world_run_closed(reported); }

static void warned(void)
{
    world.options.report = report;
    report_result = OK;
    world_open();
    spool_id id = world_send("s@x.test", "r@a.test");
    struct queue_slot *slot;
    const struct queue_job *job = take(&slot);
    REQUIRE(job);
    world_finish(slot, job, QUEUE_DEFERRED, true);
    CHECK(!report_saw_warned);
    queue_slot_end(slot);
    world_sleep_s(4 * 3600);
    job = take(&slot);
    REQUIRE(job);
    CHECK(world_finish(slot, job, QUEUE_DEFERRED, true).warned);
    CHECK(report_saw_warned);
    queue_slot_end(slot);
    world_reopen();
    CHECK(world_view(id)->status.warned);
    world_close();
}
TEST(the_delay_is_reported_once_and_that_is_kept) { world_run_closed(warned); }

static void refused(void)
{
    world_send("s@x.test", "r@a.test");
    struct queue_slot *slot;
    const struct queue_job *job = take(&slot);
    REQUIRE(job);
    disk_memory_set_capacity(world.disk, 0);
    disk_memory_fail(world.disk, 1, ERR_IO);
    fiber_spawn(&world.group, "heal", disk_heals, NULL);
    world_finish(slot, job, QUEUE_DELIVERED, true);
    queue_slot_end(slot);
    CHECK_INT(now().messages, 0);
    world_reopen();
    CHECK_INT(world.announced, 0);
}
TEST(what_the_disk_refuses_is_written_later) { world_run(refused); }

int main(void)
{
    RUN(a_delivered_message_is_recorded_and_forgotten);
    RUN(domains_by_mx_are_destinations_of_their_own);
    RUN(recipients_behind_one_way_are_one_job);
    RUN(a_job_holds_at_most_what_was_asked_for);
    RUN(each_recipient_has_its_own_fate_also_after_a_restart);
    RUN(attempts_come_on_the_schedule);
    RUN(who_is_deferred_to_the_end_is_bounced);
    RUN(what_was_not_tried_comes_again_in_front);
    RUN(a_restart_keeps_due_times_and_attempts);
    RUN(nothing_is_granted_before_recovery_is_over);
    RUN(a_message_found_at_its_end_is_ended);
    RUN(the_last_of_several_slots_records_the_end);
    RUN(windows_grow_with_success_to_their_largest);
    RUN(a_dead_destination_waits_and_is_probed_by_one);
    RUN(probes_of_a_dead_destination_come_on_the_schedule);
    RUN(connections_that_fail_together_are_one_failure);
    RUN(an_answer_ends_the_pause);
    RUN(who_expires_behind_a_dead_destination_needs_no_attempt);
    RUN(expired_jobs_get_slots_though_the_destination_is_blocked);
    RUN(a_route_that_says_hold_keeps_mail_without_an_end);
    RUN(a_big_sender_does_not_starve_the_others);
    RUN(a_big_message_does_not_starve_the_others);
    RUN(an_idle_slot_gets_the_work_first);
    RUN(an_idle_slot_waits_to_its_deadline);
    RUN(a_draining_queue_ends_idle_slots_and_grants_none);
    RUN(an_idle_slot_gives_way_to_another_destination);
    RUN(a_slot_that_ends_while_it_is_woken_passes_the_work_on);
    RUN(scarce_slots_go_round_among_destinations);
    RUN(a_report_that_cannot_be_made_is_made_later);
    RUN(the_delay_is_reported_once_and_that_is_kept);
    RUN(what_the_disk_refuses_is_written_later);
    return test_summary();
}
