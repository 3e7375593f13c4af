/* A stage for deliveries: a loop with a virtual clock, a disk in memory with a spool on it, a
 * network in memory with scripted peers, and a slot of a queue that only takes notes. */
#ifndef TEST_DELIVER_SCENE_H
#define TEST_DELIVER_SCENE_H

#include "deliver/deliver.h"
#include "fake_queue.h"
#include "net/memory_stream.h"
#include "peer.h"
#include "test.h"

#define SCENE_MESSAGE \
    "Received: from here\r\nSubject: dots\r\n\r\n.one dot\r\n..two\r\n.\r\nand the end\r\n"

struct scene {
    struct clock clock;
    struct loop *loop;
    struct disk *disk;
    struct spool *spool;
    struct trace *trace;
    struct random random;
    struct network *network;
    struct listener *listener;
    struct fiber_group services, conversations, deliveries, main;
    struct blocking_pool *pool;
    struct deliver_options options;
    struct peer peer;
    struct queue_slot slot;
    void (*play)(struct scene *scene);
    const void *row;
};

struct scene_arrival {
    struct scene *scene;
    struct stream *stream;
};

static void scene_serve(void *argument)
{
    struct scene_arrival arrival = *(struct scene_arrival *)argument;
    free(argument);
    peer_serve(&arrival.scene->peer, arrival.stream);
}

static void scene_accept(void *argument)
{
    struct scene *scene = argument;
    struct stream *stream;
    while (listener_accept(scene->listener, DEADLINE_NEVER, &stream) == OK) {
        struct scene_arrival *arrival = malloc(sizeof *arrival);
        *arrival = (struct scene_arrival){scene, stream};
        fiber_spawn(&scene->conversations, "peer", scene_serve, arrival);
    }
}

static void scene_announce(void *context, const struct spool_announcement *announcement)
{
    struct scene *scene = context;
    struct fake_message *message = &scene->slot.messages[scene->slot.count++];
    assert(scene->slot.count <= FAKE_MESSAGES_MAX);
    *message = (struct fake_message){.id = announcement->id,
                                     .place = announcement->place,
                                     .count = announcement->envelope->recipient_count};
    for (size_t i = 0; i < message->count; i++)
        message->recipients[i].is_ready = true;
}

/* A message to a@b.example, b@b.example and so on lies in the spool and waits in the slot. */
static void scene_add_envelope(struct scene *scene, struct spool_envelope envelope,
                               size_t recipients, struct str content)
{
    static const char *const addresses[] = {"a@b.example", "b@b.example", "c@b.example",
                                            "d@b.example", "e@b.example", "f@b.example"};
    struct spool_recipient list[ARRAY_LEN(addresses)] = {{{0}}};
    for (size_t i = 0; i < recipients; i++)
        list[i].address = str_of(addresses[i]);
    if (!envelope.recipients) {
        envelope.recipients = list;
        envelope.recipient_count = (uint32_t)recipients;
    }
    struct spool_draft *draft;
    REQUIRE(spool_draft_begin(scene->spool, &draft) == OK);
    REQUIRE(spool_draft_write(draft, content) == OK);
    REQUIRE(spool_draft_commit(draft, &envelope, STR_EMPTY, NULL) == OK);
}

static inline void scene_add(struct scene *scene, size_t recipients)
{
    struct spool_envelope envelope = {.sender = STR("me@here.example"), .body_8bit = true};
    scene_add_envelope(scene, envelope, recipients, scene->peer.message);
}

static void scene_run_slot(void *argument)
{
    struct scene *scene = argument;
    deliver_slot(&scene->options, &scene->slot);
}

/* Runs the slot to its end. */
static inline void scene_deliver(struct scene *scene)
{
    scene->slot.has_ended = false;
    fiber_spawn(&scene->deliveries, "delivery", scene_run_slot, scene);
    CHECK(fiber_group_join(&scene->deliveries, loop_now_ms() + 10 * 3600 * 1000) == OK);
    CHECK(scene->slot.has_ended);
}

/* The story of the first message. */
static inline struct str scene_story(struct scene *scene, struct arena *arena)
{
    struct trace_event *events;
    size_t count;
    if (trace_read(scene->trace, scene->slot.messages[0].id, arena, &events, &count))
        return STR("(no trace)");
    return trace_print(arena, events, count, &(struct trace_view){.is_full = true});
}

static inline bool story_has(struct scene *scene, const char *text)
{
    struct arena arena = arena_make();
    bool has = str_search(scene_story(scene, &arena), str_of(text)) != SIZE_MAX;
    arena_reset(&arena);
    return has;
}

static void scene_open(struct scene *scene)
{
    CHECK(disk_mkdir(scene->disk, "/spool", 0700) == OK);
    CHECK(disk_mkdir(scene->disk, "/trace", 0700) == OK);
    struct spool_recovery recovery;
    REQUIRE(spool_open(&(struct spool_options){.disk = scene->disk,
                                               .clock = &scene->clock,
                                               .directory = "/spool",
                                               .segment_bytes = 1 << 20,
                                               .inline_commits = true,
                                               .files = scene->pool,
                                               .announce = scene_announce,
                                               .announce_context = scene},
                       &scene->spool, &recovery) == OK);
    REQUIRE(trace_open(&(struct trace_options){.disk = scene->disk,
                                               .clock = &scene->clock,
                                               .directory = "/trace",
                                               .inline_writes = true},
                       &scene->trace) == OK);
    struct net_address at;
    REQUIRE(net_address_parse(STR("127.0.0.1:2526"), 0, &at) == OK);
    REQUIRE(listener_open_memory(scene->network, &at, &scene->listener) == OK);
    scene->options = (struct deliver_options){
        .clock = &scene->clock,
        .network = scene->network,
        .random = &scene->random,
        .tls = tls_context_simulated(),
        .disk = scene->disk,
        .maildir_pool = scene->pool,
        .spool = scene->spool,
        .trace = scene->trace,
        .hostname = STR("here.example"),
        .timeouts = deliver_timeouts_default(),
    };
    scene->peer = (struct peer){.script = "",
                                .extensions = "PIPELINING",
                                .tls = scene->options.tls,
                                .message = STR(SCENE_MESSAGE)};
    scene->slot.way = (struct route_way){.via = ROUTE_SMTP,
                                         .name = STR("smtp:127.0.0.1:2526"),
                                         .host = STR("127.0.0.1"),
                                         .port = 2526,
                                         .tls = ROUTE_TLS_MAY};
}

static void scene_main(void *argument)
{
    struct scene *scene = argument;
    scene_open(scene);
    fiber_spawn(&scene->services, "accept", scene_accept, scene);
    scene->play(scene);
    fiber_group_cancel(&scene->services);
    CHECK(fiber_group_join(&scene->services, DEADLINE_NEVER) == OK);
    fiber_group_cancel(&scene->conversations);
    CHECK(fiber_group_join(&scene->conversations, DEADLINE_NEVER) == OK);
    listener_close(scene->listener);
    spool_close(scene->spool);
    trace_close(scene->trace);
    loop_stop(scene->loop);
}

static void scene_start(void *argument)
{
    struct scene *scene = argument;
    fiber_group_init(&scene->main, scene->loop);
    fiber_group_init(&scene->services, scene->loop);
    fiber_group_init(&scene->conversations, scene->loop);
    fiber_group_init(&scene->deliveries, scene->loop);
    fiber_spawn(&scene->main, "test", scene_main, scene);
}

static inline void scene_play(void (*play)(struct scene *), const void *row)
{
    static struct scene scene; /* too large for a fiber's stack */
    scene = (struct scene){.clock = clock_virtual(1700000000000000),
                           .random = random_seeded(1),
                           .play = play,
                           .row = row};
    scene.loop = loop_new(&(struct loop_options){.clock = &scene.clock});
    scene.disk = disk_memory_new(256 << 20);
    scene.network = network_memory_new(&scene.random);
    scene.pool = blocking_pool_new("test", 0, 100);
    CHECK_INT(loop_run(scene.loop, scene_start, &scene), OK);
    blocking_pool_free(scene.pool);
    network_memory_free(scene.network);
    loop_free(scene.loop);
    disk_memory_free(scene.disk);
}

/* TEST bodies that are given a scene. */
#define TEST_SCENE(name)                                \
    static void scene_test_##name(struct scene *scene); \
    TEST(name) { scene_play(scene_test_##name, NULL); } \
    static void scene_test_##name(struct scene *scene)

#endif
