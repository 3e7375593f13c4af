/* Two loops in threads of their own, the spool's committer, the trace's thread: everybody at once,
 * for the thread sanitizer. Every message is delivered, none twice. */
#include "base/log.h"
#include "base/mem.h"
#include "fiber/loop.h"
#include "queue/queue.h"
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define LOOPS           2
#define SENDERS         4 /* on each loop */
#define MESSAGES_EACH   60
#define MESSAGES        (LOOPS * SENDERS * MESSAGES_EACH)
#define SECONDS_AT_MOST 60

struct engine {
    unsigned number;
    struct loop *loop;
    struct fiber_group group;
    struct fiber_group timers;
    pthread_t thread;
};

static struct engine engines[LOOPS];
static struct clock test_clock;
static struct queue *queue;
static struct spool *spool;
static atomic_uint next_loop, delivered, attempts, questions, ready_loops;
static atomic_bool over;

/* ---- deliveries ---- */

/* The first attempt of every seventh message is deferred; administrators will retry it. Name
 * servers say now this of a domain's hosts, now that. */
static void deliver_one(struct queue_slot *slot, const struct queue_job *job)
{
    static const char *const sets[] = {"mx1", "mx1", "mx1", "mx2", "mx2", ""};
    unsigned asked = atomic_fetch_add(&questions, 1);
    if (!job->is_settled && !queue_slot_settle(slot, str_of(sets[asked % ARRAY_LEN(sets)]))) {
        queue_job_return(slot);
        return;
    }
    struct queue_outcome outcomes[2] = {{.kind = QUEUE_DELIVERED, .words = STR("250 ok")},
                                        {.kind = QUEUE_DELIVERED, .words = STR("250 ok")}};
    unsigned number = atomic_fetch_add(&attempts, 1);
    if (job->attempt == 1 && number % 7 == 0)
        for (size_t i = 0; i < 2; i++)
            outcomes[i] = (struct queue_outcome){
                .kind = QUEUE_DEFERRED, .reason = SPOOL_REASON_REPLY, .words = STR("451 later")};
    fiber_yield();
    size_t count = job->recipient_count;
    queue_job_finish(slot, outcomes, true);
    for (size_t i = 0; i < count; i++)
        if (outcomes[i].status.state == SPOOL_DELIVERED)
            atomic_fetch_add(&delivered, 1);
}

static void run_slot(void *argument)
{
    struct queue_slot *slot = argument;
    queue_slot_begin(slot);
    do {
        const struct queue_job *job;
        while ((job = queue_slot_take(slot, 2)))
            deliver_one(slot, job);
    } while (queue_slot_wait(slot, loop_now_ms() + 5) == OK);
    queue_slot_end(slot);
}

struct start {
    struct loop_task task;
    struct engine *engine;
    struct queue_slot *slot;
};

static void start_arrived(struct loop_task *task)
{
    struct start *start = CONTAINER_OF(task, struct start, task);
    fiber_spawn(&start->engine->group, "slot", run_slot, start->slot);
    mem_free(start);
}

static void start_slot(void *context, struct queue_slot *slot)
{
    UNUSED(context);
    struct start *start = NEW(struct start);
    start->engine = &engines[atomic_fetch_add(&next_loop, 1) % LOOPS];
    start->slot = slot;
    start->task.run = start_arrived;
    loop_post(start->engine->loop, &start->task);
}

/* ---- what the others do ---- */

static void send_one(unsigned sender, unsigned i)
{
    char from[40], to[40];
    snprintf(from, sizeof from, "s%u@x.test", sender);
    snprintf(to, sizeof to, "r@d%u.test", i % 5);
    struct spool_recipient recipients[2] = {{str_of(to), STR(""), 0}, {str_of(to), STR(""), 0}};
    struct spool_envelope envelope = {.sender = str_of(from),
                                      .recipients = recipients,
                                      .recipient_count = 2,
                                      .received_us = clock_wall_us(&test_clock)};
    struct spool_draft *draft;
    CHECK_INT(spool_draft_begin(spool, &draft), OK);
    CHECK_INT(spool_draft_write(draft, STR("Subject: x\r\n\r\n")), OK);
    CHECK_INT(spool_draft_commit(draft, &envelope, STR_EMPTY, NULL), OK);
}

static void run_sender(void *argument)
{
    for (unsigned i = 0; i < MESSAGES_EACH; i++)
        send_one(*(unsigned *)argument, i);
}

static void look(void)
{
    struct queue_filter filter = {.state = -1};
    struct arena arena = arena_make();
    struct queue_view *views;
    size_t count;
    queue_list(queue, &filter, &(struct queue_page){0, 0, 50}, &arena, &views, &count);
    arena_reset(&arena);
    queue_statistics(queue);
}

static void run_admin(void *argument)
{
    UNUSED(argument);
    uint64_t end_ms = loop_now_ms() + SECONDS_AT_MOST * 1000;
    static const enum queue_action actions[] = {QUEUE_HOLD, QUEUE_RELEASE, QUEUE_RETRY};
    for (unsigned i = 0; atomic_load(&delivered) < 2 * MESSAGES && loop_now_ms() < end_ms; i++) {
        struct queue_filter filter = {.state = i % 3 == 2 ? QUEUE_VIEW_WAITING : -1};
        uint64_t changed, busy;
        CHECK_INT(queue_act(queue, actions[i % 3], &filter, STR("root"), &changed, &busy), OK);
        look();
        CHECK_INT(fiber_sleep_until(loop_now_ms() + 3), OK);
    }
    atomic_store(&over, true);
    queue_drain(queue);
}

static void run_timers(void *argument)
{
    UNUSED(argument);
    queue_run_timers(queue);
}

/* ---- loops ---- */

static unsigned numbers[LOOPS * SENDERS];

static void run_main(void *argument)
{
    struct engine *engine = argument;
    atomic_fetch_add(&ready_loops, 1);
    while (atomic_load(&ready_loops) < LOOPS + 1)
        CHECK_INT(fiber_sleep_until(loop_now_ms() + 1), OK);
    for (unsigned i = 0; i < SENDERS; i++)
        fiber_spawn(&engine->group, "sender", run_sender, &numbers[engine->number * SENDERS + i]);
    if (engine->number == 0)
        fiber_spawn(&engine->timers, "timers", run_timers, NULL);
    else
        fiber_spawn(&engine->group, "admin", run_admin, NULL);
    while (!atomic_load(&over))
        CHECK_INT(fiber_sleep_until(loop_now_ms() + 2), OK);
    while (queue_statistics(queue).slots) /* of any loop: they may wake one another */
        CHECK_INT(fiber_sleep_until(loop_now_ms() + 2), OK);
    fiber_group_drain(&engine->timers);
    loop_stop(engine->loop);
}

static struct fiber_group main_groups[LOOPS];

static void start_loop(void *argument)
{
    struct engine *engine = argument;
    fiber_group_init(&engine->group, engine->loop);
    fiber_group_init(&engine->timers, engine->loop);
    fiber_group_init(&main_groups[engine->number], engine->loop);
    fiber_spawn(&main_groups[engine->number], "main", run_main, engine);
}

static void *run_engine(void *argument)
{
    struct engine *engine = argument;
    CHECK_INT(loop_run(engine->loop, start_loop, engine), OK);
    return NULL;
}

static void start_engines(void)
{
    for (unsigned i = 0; i < LOOPS * SENDERS; i++)
        numbers[i] = i;
    for (unsigned i = 0; i < LOOPS; i++) {
        struct loop_options options = {.clock = &test_clock};
        engines[i] = (struct engine){.number = i, .loop = loop_new(&options)};
    }
    for (unsigned i = 0; i < LOOPS; i++)
        pthread_create(&engines[i].thread, NULL, run_engine, &engines[i]);
}

static struct trace *open_trace(struct disk *disk)
{
    struct trace_options options = {.disk = disk, .clock = &test_clock, .directory = "trace"};
    struct trace *trace = NULL;
    CHECK_INT(disk_mkdir(disk, "trace", 0700), OK);
    CHECK_INT(trace_open(&options, &trace), OK);
    return trace;
}

static void open_spool(struct disk *disk)
{
    struct spool_options options = {.disk = disk,
                                    .clock = &test_clock,
                                    .directory = "spool",
                                    .segment_bytes = 1 << 20,
                                    .announce = queue_announce,
                                    .announce_context = queue};
    struct spool_recovery recovery;
    CHECK_INT(disk_mkdir(disk, "spool", 0700), OK);
    CHECK_INT(spool_open(&options, &spool, &recovery), OK);
    queue_set_spool(queue, spool);
}

TEST(threads_deliver_everything_once)
{
    test_clock = clock_system();
    struct disk *disk = disk_memory_new((uint64_t)1 << 30);
    struct trace *trace = open_trace(disk);
    struct route_table *routes = route_table_new();
    struct queue_options options = {.clock = &test_clock,
                                    .routes = routes,
                                    .trace = trace,
                                    .random = random_seeded(1),
                                    .schedule = {.first = 1, .max = 2},
                                    .connections_per_destination = 4,
                                    .slots_max = 8,
                                    .start = start_slot};
    queue = queue_new(&options);
    open_spool(disk);
    queue_begin(queue);
    start_engines();
    atomic_fetch_add(&ready_loops, 1);
    for (unsigned i = 0; i < LOOPS; i++)
        pthread_join(engines[i].thread, NULL);
    CHECK_INT(atomic_load(&delivered), 2 * MESSAGES);
    CHECK_INT(queue_statistics(queue).messages, 0);
    CHECK_INT(queue_statistics(queue).delivered, 2 * MESSAGES);
    for (unsigned i = 0; i < LOOPS; i++)
        loop_free(engines[i].loop);
    queue_free(queue);
    spool_close(spool);
    trace_close(trace);
    route_table_free(routes);
    disk_memory_free(disk);
}

int main(void)
{
    log_init(LOG_ERROR, -1);
    RUN(threads_deliver_everything_once);
    return test_summary();
}
