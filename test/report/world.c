#include "world.h"

#include "base/log.h"

struct world world;

/* ---- the loop ---- */

static void run_fiber(void *argument)
{
    void (**body)(void) = argument;
    world_open();
    (*body)();
    world_close();
    loop_stop(world.loop);
}

static void start_run(void *argument)
{
    fiber_group_init(&world.group, world.loop);
    fiber_spawn(&world.group, "test", run_fiber, argument);
}

static void add_route(const char *pattern, const char *name)
{
    struct route_way way = {
        .via = ROUTE_SMTP, .name = str_of(name), .host = str_of(name), .port = 25};
    CHECK_INT(route_table_add_route(world.routes, str_of(pattern), &way), OK);
}

static void make_routes(void)
{
    static const struct str users[] = {{"alice", 5}};
    static const struct str info[] = {{"alice@here.test", 15}, {"bob@sender.test", 15}};
    struct route_domain_options domain = {
        .name = STR("here.test"),
        .way = {.via = ROUTE_MAILDIR, .name = STR("maildir"), .maildir = STR("/mail/%{user}")},
        .users = ROUTE_USERS_LISTED,
        .user_names = users,
        .user_count = 1,
        .separator = '+',
    };
    world.routes = route_table_new();
    CHECK_INT(route_table_add_domain(world.routes, &domain), OK);
    CHECK_INT(route_table_add_alias(world.routes, STR("here.test"), STR("info"), info, 2), OK);
    add_route("remote.test", "smtp:r");
    add_route("sender.test", "smtp:s");
}

void world_run(void (*body)(void))
{
    log_init(LOG_ERROR, -1);
    world = (struct world){.clock = clock_virtual((int64_t)WORLD_START_S * 1000000),
                           .memory = disk_memory_new((uint64_t)1 << 28),
                           .arena = arena_make()};
    world.disk = crashing_disk_make(world.memory);
    CHECK_INT(disk_mkdir(world.memory, "spool", 0700), OK);
    CHECK_INT(disk_mkdir(world.memory, "trace", 0700), OK);
    CHECK_INT(disk_sync_directory(world.memory, "."), OK);
    make_routes();
    world.loop = loop_new(&(struct loop_options){.clock = &world.clock});
    CHECK_INT(loop_run(world.loop, start_run, &body), OK);
    loop_free(world.loop);
    route_table_free(world.routes);
    disk_memory_free(world.memory);
    arena_reset(&world.arena);
}

/* ---- life ---- */

static void start_slot(void *context, struct queue_slot *slot)
{
    UNUSED(context);
    assert(world.granted_count < WORLD_SLOTS);
    world.granted[world.granted_count++] = slot;
}

static void remember(const struct spool_announcement *announcement)
{
    const struct spool_envelope *envelope = announcement->envelope;
    assert(world.seen_count < WORLD_SEEN && envelope->recipient_count <= WORLD_RECIPIENTS);
    struct seen *seen = &world.seen[world.seen_count++];
    *seen =
        (struct seen){.id = announcement->id, .place = announcement->place, .envelope = *envelope};
    seen->envelope.sender = arena_copy(&world.arena, envelope->sender);
    seen->envelope.recipients =
        ARENA_ARRAY(&world.arena, struct spool_recipient, envelope->recipient_count);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        seen->envelope.recipients[i] = envelope->recipients[i];
        seen->envelope.recipients[i].address =
            arena_copy(&world.arena, envelope->recipients[i].address);
        seen->statuses[i] = announcement->statuses[i];
    }
}

static void announce(void *context, const struct spool_announcement *announcement)
{
    remember(announcement);
    queue_announce(context, announcement);
}

static void run_timers(void *argument) { queue_run_timers(argument); }

static void open_queue(void)
{
    struct queue_options options = {
        .clock = &world.clock,
        .trace = world.trace,
        .routes = world.routes,
        .random = random_seeded(1),
        .schedule = {.first = 60, .max = 3600, .warn = WORLD_WARN_S, .expire = WORLD_EXPIRE_S},
        .start = start_slot,
        .report = report_job,
        .report_context = &world.report,
    };
    world.queue = queue_new(&options);
}

static void open_spool(void)
{
    struct spool_options options = {
        .disk = &world.disk.base,
        .clock = &world.clock,
        .directory = "spool",
        .segment_bytes = 1 << 20,
        .inline_commits = true,
        .announce = announce,
        .announce_context = world.queue,
    };
    struct spool_recovery recovery;
    CHECK_INT(spool_open(&options, &world.spool, &recovery), OK);
    queue_set_spool(world.queue, world.spool);
}

void world_open(void)
{
    world.granted_count = world.seen_count = 0;
    struct trace_options trace = {
        .disk = world.memory, .clock = &world.clock, .directory = "trace", .inline_writes = true};
    CHECK_INT(trace_open(&trace, &world.trace), OK);
    open_queue();
    open_spool();
    world.report = (struct report){
        .clock = &world.clock,
        .spool = world.spool,
        .trace = world.trace,
        .routes = world.routes,
        .hostname = STR("mx.here.test"),
        .postmaster = STR("postmaster@here.test"),
        .expire_s = WORLD_EXPIRE_S,
    };
    fiber_group_init(&world.deliveries, world.loop);
    fiber_group_init(&world.timers, world.loop);
    fiber_spawn(&world.timers, "timers", run_timers, world.queue);
    queue_begin(world.queue);
    fiber_yield();
}

void world_close(void)
{
    queue_drain(world.queue);
    for (size_t i = 0; i < world.granted_count; i++) {
        queue_slot_begin(world.granted[i]);
        queue_slot_end(world.granted[i]);
    }
    world.granted_count = 0;
    fiber_group_drain(&world.timers);
    CHECK_INT(fiber_group_join(&world.timers, DEADLINE_NEVER), OK);
    fiber_yield(); /* tasks on their way arrive */
    queue_free(world.queue);
    spool_close(world.spool);
    trace_close(world.trace);
}

void world_crash_and_open(uint64_t seed)
{
    world.disk.seed = seed;
    if (!world.disk.dead)
        crashing_disk_fail_now(&world.disk);
    world_close();
    world.disk.dead = false;
    world.disk.calls_left = 0;
    world_open();
}

/* ---- mail ---- */

spool_id world_send(const struct spool_envelope *envelope, struct str content)
{
    struct spool_envelope complete = *envelope;
    struct spool_draft *draft;
    complete.received_us = clock_wall_us(&world.clock);
    complete.service = STR("test");
    if (!test_check(spool_draft_begin(world.spool, &draft) == OK, "draft", __FILE__, __LINE__))
        abort();
    spool_id id = spool_draft_id(draft);
    struct str text = content.len ? content : STR("Subject: x\r\n\r\nbody\r\n");
    CHECK_INT(spool_draft_write(draft, text), OK);
    CHECK_INT(spool_draft_commit(draft, &complete, STR("Received: by us\r\n"), NULL), OK);
    return id;
}

spool_id world_send_simple(size_t recipients, uint8_t notify)
{
    struct spool_recipient list[] = {
        {STR("a@remote.test"), STR(""), notify},
        {STR("b@remote.test"), STR(""), notify},
        {STR("c@remote.test"), STR(""), notify},
    };
    assert(recipients <= ARRAY_LEN(list));
    struct spool_envelope envelope = {
        .sender = STR("alice@sender.test"),
        .recipients = list,
        .recipient_count = (uint32_t)recipients,
    };
    return world_send(&envelope, STR_EMPTY);
}

void world_sleep_s(uint64_t seconds)
{
    CHECK_INT(fiber_sleep_until(loop_now_ms() + seconds * 1000), OK);
    fiber_yield(); /* what became due at the same moment comes first */
}

/* ---- deliveries ---- */

struct queue_slot *world_slot_of(const char *destination)
{
    for (size_t i = 0; i < world.granted_count; i++) {
        struct queue_slot *slot = world.granted[i];
        if (!str_eq(queue_slot_name(slot), str_of(destination)))
            continue;
        world.granted[i] = world.granted[--world.granted_count];
        queue_slot_begin(slot);
        return slot;
    }
    return NULL;
}

void world_finish(struct queue_outcome *outcomes, size_t count, bool connection_ok)
{
    struct queue_slot *slot = world_slot_of("smtp:r");
    REQUIRE(slot != NULL);
    const struct queue_job *job = queue_slot_take(slot, 100);
    if (job) {
        CHECK_INT(job->recipient_count, count);
        queue_job_finish(slot, outcomes, connection_ok);
    }
    CHECK(job != NULL);
    queue_slot_end(slot);
}

struct finishing {
    struct queue_outcome *outcomes;
    size_t count;
};

static void run_finish(void *argument)
{
    const struct finishing *finishing = argument;
    world_finish(finishing->outcomes, finishing->count, true);
}

void world_finish_or_die(struct queue_outcome *outcomes, size_t count)
{
    struct finishing finishing = {outcomes, count};
    fiber_spawn(&world.deliveries, "finish", run_finish, &finishing);
    if (fiber_group_join(&world.deliveries, loop_now_ms() + 100000) == OK)
        return;
    queue_drain(world.queue);
    fiber_group_cancel(&world.deliveries);
    CHECK_INT(fiber_group_join(&world.deliveries, DEADLINE_NEVER), OK);
}

/* ---- what became of it ---- */

struct seen *world_seen(spool_id id)
{
    for (size_t i = 0; i < world.seen_count; i++)
        if (world.seen[i].id == id)
            return &world.seen[i];
    return NULL;
}

struct seen *world_report(size_t i)
{
    for (size_t j = 0; j < world.seen_count; j++)
        if (!world.seen[j].envelope.sender.len && i-- == 0)
            return &world.seen[j];
    return NULL;
}

size_t world_report_count(void)
{
    size_t count = 0;
    while (world_report(count))
        count++;
    return count;
}

struct str world_read(const struct seen *seen)
{
    struct spool_message message;
    enum err err = spool_message_open(world.spool, seen->id, seen->place, &world.arena, &message);
    CHECK_INT(err, OK);
    if (err)
        return STR_EMPTY;
    char *text = arena_alloc(&world.arena, (size_t)message.size_bytes + 1);
    size_t len = 0, got = 1;
    while (got && !err) {
        err = spool_message_read(&message, len, text + len, message.size_bytes - len + 1, &got);
        len += err ? 0 : got;
    }
    CHECK_INT(err, OK);
    spool_message_close(&message);
    return str_make(text, len);
}

struct str world_story(spool_id id)
{
    struct trace_event *events;
    size_t count;
    if (trace_read(world.trace, id, &world.arena, &events, &count))
        return STR_EMPTY;
    return trace_print(&world.arena, events, count, &(struct trace_view){.is_full = true});
}

bool world_holds(struct str text, const char *part)
{
    return str_search(text, str_of(part)) != SIZE_MAX;
}
