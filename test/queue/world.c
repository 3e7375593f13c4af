#include "world.h"

#include "base/log.h"
#include "base/mem.h"

#define RECIPIENTS_MAX 1000

struct world world;

static struct arena list_arena;

/* ---- the loop ---- */

static void start_slot(void *context, struct queue_slot *slot)
{
    UNUSED(context);
    assert(world.granted_count < WORLD_SLOTS);
    world.granted[world.granted_count++] = slot;
}

struct run {
    void (*body)(void);
    bool opens;
};

static void run_fiber(void *argument)
{
    const struct run *run = argument;
    if (run->opens)
        world_open();
    run->body();
    if (run->opens)
        world_close();
    loop_stop(world.loop);
}

static void start_run(void *argument)
{
    fiber_group_init(&world.group, world.loop);
    fiber_spawn(&world.group, "test", run_fiber, argument);
}

static void add_route(const char *pattern, struct route_way way)
{
    CHECK_INT(route_table_add_route(world.routes, str_of(pattern), &way), OK);
}

static void make_routes(void)
{
    world.routes = route_table_new();
    add_route(
        "a.test",
        (struct route_way){.via = ROUTE_SMTP, .name = STR("smtp:a"), .host = STR("a"), .port = 25});
    add_route(
        "a2.test",
        (struct route_way){.via = ROUTE_SMTP, .name = STR("smtp:a"), .host = STR("a"), .port = 25});
    add_route(
        "b.test",
        (struct route_way){.via = ROUTE_SMTP, .name = STR("smtp:b"), .host = STR("b"), .port = 25});
    add_route("strict.example",
              (struct route_way){.via = ROUTE_MX, .name = STR("mx"), .tls = ROUTE_TLS_VERIFY});
    add_route("held.test", (struct route_way){.via = ROUTE_HOLD, .name = STR("hold")});
}

static void run(const struct run *run)
{
    log_init(LOG_ERROR, -1);
    world = (struct world){.clock = clock_virtual((int64_t)WORLD_START_S * 1000000)};
    world.disk = disk_memory_new((uint64_t)1 << 30);
    CHECK_INT(disk_mkdir(world.disk, "spool", 0700), OK);
    CHECK_INT(disk_sync_directory(world.disk, "."), OK);
    make_routes();
    world.options = (struct queue_options){
        .clock = &world.clock,
        .routes = world.routes,
        .random = random_seeded(1),
        .schedule = {.first = 60, .max = 3600, .warn = 4 * 3600, .expire = 86400},
        .start = start_slot,
    };
    struct loop_options loop = {.clock = &world.clock};
    world.loop = loop_new(&loop);
    CHECK_INT(loop_run(world.loop, start_run, (void *)(uintptr_t)run), OK);
    loop_free(world.loop);
    route_table_free(world.routes);
    disk_memory_free(world.disk);
    arena_reset(&list_arena);
}

void world_run(void (*body)(void)) { run(&(struct run){body, true}); }
void world_run_closed(void (*body)(void)) { run(&(struct run){body, false}); }

/* ---- life ---- */

static void run_timers(void *argument) { queue_run_timers(argument); }

static void announce(void *context, const struct spool_announcement *announcement)
{
    world.announced++;
    queue_announce(context, announcement);
}

static struct fiber_group timers;

void world_open(void)
{
    world.announced = world.granted_count = 0;
    world.queue = queue_new(&world.options);
    struct spool_options options = {
        .disk = world.disk,
        .clock = &world.clock,
        .directory = "spool",
        .segment_bytes = 4 << 20,
        .inline_commits = true,
        .announce = announce,
        .announce_context = world.queue,
    };
    struct spool_recovery recovery;
    CHECK_INT(spool_open(&options, &world.spool, &recovery), OK);
    queue_set_spool(world.queue, world.spool);
    fiber_group_init(&timers, world.loop);
    fiber_spawn(&timers, "timers", run_timers, world.queue);
    queue_begin(world.queue);
    fiber_yield();
}

void world_end_all_granted(void)
{
    queue_drain(world.queue);
    for (struct queue_slot *slot; (slot = world_slot());)
        queue_slot_end(slot);
}

void world_close(void)
{
    world_end_all_granted();
    fiber_group_drain(&timers);
    CHECK_INT(fiber_group_join(&timers, DEADLINE_NEVER), OK);
    fiber_yield(); /* tasks on their way arrive */
    queue_free(world.queue);
    spool_close(world.spool);
}

void world_reopen(void)
{
    world_close();
    world_open();
}

/* ---- mail ---- */

static uint32_t cut_recipients(const char *text, struct spool_recipient *out)
{
    uint32_t count = 0;
    struct str rest = str_of(text), head;
    while (str_cut(rest, ' ', &head, &rest))
        out[count++] = (struct spool_recipient){.address = head, .original = STR_EMPTY};
    out[count++] = (struct spool_recipient){.address = rest, .original = STR_EMPTY};
    return count;
}

spool_id world_send(const char *sender, const char *recipients)
{
    static struct spool_recipient list[RECIPIENTS_MAX];
    struct spool_envelope envelope = {
        .sender = str_of(sender),
        .recipients = list,
        .recipient_count = cut_recipients(recipients, list),
        .service = STR("test"),
        .received_us = clock_wall_us(&world.clock),
    };
    struct spool_draft *draft;
    if (!test_check(spool_draft_begin(world.spool, &draft) == OK, "draft", __FILE__, __LINE__))
        abort();
    spool_id id = spool_draft_id(draft);
    CHECK_INT(spool_draft_write(draft, STR("Subject: x\r\n\r\n")), OK);
    CHECK_INT(spool_draft_commit(draft, &envelope, STR_EMPTY, NULL), OK);
    return id;
}

void world_sleep_s(uint64_t seconds)
{
    CHECK_INT(fiber_sleep_until(loop_now_ms() + seconds * 1000), OK);
    fiber_yield(); /* what became due at the same moment comes first */
}

/* ---- slots ---- */

static struct queue_slot *take_granted(size_t i)
{
    struct queue_slot *slot = world.granted[i];
    world.granted_count--;
    memmove(&world.granted[i], &world.granted[i + 1],
            (world.granted_count - i) * sizeof(struct queue_slot *));
    queue_slot_begin(slot);
    return slot;
}

struct queue_slot *world_slot(void) { return world.granted_count ? take_granted(0) : NULL; }

struct queue_slot *world_slot_of(const char *destination)
{
    for (size_t i = 0; i < world.granted_count; i++)
        if (str_eq(queue_slot_name(world.granted[i]), str_of(destination)))
            return take_granted(i);
    return NULL;
}

static void wait_fiber(void *argument)
{
    UNUSED(argument);
    queue_slot_begin(world.waiting);
    world.wait_result = queue_slot_wait(world.waiting, loop_now_ms() + 5000);
    world.wait_ended = true;
}

void world_wait(struct queue_slot *slot)
{
    world.waiting = slot;
    world.wait_ended = false;
    fiber_spawn(&world.group, "waiter", wait_fiber, NULL);
    fiber_yield();
}

struct spool_status world_finish_with(struct queue_slot *slot, const struct queue_job *job,
                                      struct queue_outcome outcome, bool connection_ok)
{
    static struct queue_outcome outcomes[RECIPIENTS_MAX];
    assert(job->recipient_count <= RECIPIENTS_MAX);
    for (size_t i = 0; i < job->recipient_count; i++)
        outcomes[i] = outcome;
    queue_job_finish(slot, outcomes, connection_ok);
    return outcomes[0].status;
}

struct spool_status world_finish(struct queue_slot *slot, const struct queue_job *job,
                                 enum queue_outcome_kind kind, bool connection_ok)
{
    struct queue_outcome outcome = {.kind = kind, .words = STR_EMPTY};
    if (kind != QUEUE_DELIVERED)
        outcome.reason = connection_ok ? SPOOL_REASON_REPLY : SPOOL_REASON_CONNECTION;
    return world_finish_with(slot, job, outcome, connection_ok);
}

size_t world_deliver_all(void)
{
    size_t delivered = 0;
    for (struct queue_slot *slot; (slot = world_slot());) {
        for (const struct queue_job *job; (job = queue_slot_take(slot, 100));) {
            delivered += job->recipient_count;
            world_finish(slot, job, QUEUE_DELIVERED, true);
        }
        queue_slot_end(slot);
    }
    return delivered;
}

/* ---- lists ---- */

struct queue_view *world_list(size_t *out_count)
{
    struct queue_filter filter = {.state = -1};
    struct queue_view *views;
    arena_reset(&list_arena);
    queue_list(world.queue, &filter, &(struct queue_page){0, 0, 100000}, &list_arena, &views,
               out_count);
    return views;
}

struct queue_view *world_view(spool_id id)
{
    size_t count;
    struct queue_view *views = world_list(&count);
    for (size_t i = 0; i < count; i++)
        if (views[i].id == id)
            return &views[i];
    return NULL;
}
