/* The committer's thread, several loops with many fibers, the pool of files: nothing is lost, and
 * the thread sanitizer is silent. */
#include "base/mem.h"
#include "fiber/loop.h"
#include "spool/spool.h"
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOPS    2
#define FIBERS   32
#define MESSAGES 12
#define TABLE    4096

/* What was announced, by id. */
struct told {
    spool_id id;
    struct spool_place place;
    uint16_t attempts;
};

struct scene {
    struct disk *disk;
    struct clock clock;
    struct spool *spool;
    struct blocking_pool *files;
    pthread_mutex_t lock; /* of `told` */
    struct told told[TABLE];
    size_t told_count;
    atomic_int failures;
};

struct worker {
    struct scene *scene;
    struct loop *loop;
    struct fiber_group group;
    int running;
    pthread_t thread;
};

static struct scene scene;

static void announce(void *context, const struct spool_announcement *announcement)
{
    struct scene *in = context;
    pthread_mutex_lock(&in->lock);
    assert(in->told_count < TABLE);
    in->told[in->told_count++] =
        (struct told){announcement->id, announcement->place, announcement->statuses[0].attempts};
    pthread_mutex_unlock(&in->lock);
}

static struct told find(spool_id id)
{
    struct told found = {0};
    pthread_mutex_lock(&scene.lock);
    for (size_t i = 0; i < scene.told_count; i++)
        if (scene.told[i].id == id)
            found = scene.told[i];
    pthread_mutex_unlock(&scene.lock);
    return found;
}

static void expect(bool ok)
{
    if (!ok)
        atomic_fetch_add(&scene.failures, 1);
}

static const struct spool_envelope *envelope(void)
{
    static struct spool_recipient recipient = {.address = STR("a@example.org")};
    static const struct spool_envelope one = {
        .sender = STR("s@example.org"), .recipients = &recipient, .recipient_count = 1};
    return &one;
}

/* Commits a message of that size; 0 when that failed. */
static spool_id commit(size_t size)
{
    static const char text[1000] = "x";
    struct spool_draft *draft;
    if (spool_draft_begin(scene.spool, &draft))
        return 0;
    spool_id id = spool_draft_id(draft);
    for (size_t at = 0; at < size; at += sizeof text)
        if (spool_draft_write(draft, str_make(text, sizeof text))) {
            spool_draft_abort(draft);
            return 0;
        }
    return spool_draft_commit(draft, envelope(), STR("p\r\n"), NULL) ? 0 : id;
}

static void read_back(spool_id id, struct spool_place place, size_t size)
{
    struct arena arena = arena_make();
    struct spool_message message;
    char bytes[4000];
    size_t len, total = 0;
    enum err err = spool_message_open(scene.spool, id, place, &arena, &message);
    expect(err == OK);
    if (!err) {
        while (!(err = spool_message_read(&message, total, bytes, sizeof bytes, &len)) && len)
            total += len;
        expect(err == OK && total == size + 3);
        spool_message_close(&message);
    }
    arena_reset(&arena);
}

/* Every third message stays, with one status; the others are done, half of them with a wait. */
static void converse(void *argument)
{
    struct worker *worker = argument;
    for (size_t i = 0; i < MESSAGES; i++) {
        size_t size = i == 5 ? 100000 : 3000;
        spool_id id = commit(size);
        struct told told = find(id);
        struct spool_change change = {.recipient = 0, .status = {.attempts = 1}};
        expect(id != 0 && told.id == id);
        read_back(id, told.place, size);
        bool done = i % 3 != 0;
        expect((i % 2 ? spool_status_write(scene.spool, id, told.place, &change, 1, done)
                      : spool_status_commit(scene.spool, id, told.place, &change, 1, done)) == OK);
    }
    if (--worker->running == 0)
        loop_stop(worker->loop);
}

static void spawn_all(void *argument)
{
    struct worker *worker = argument;
    fiber_group_init(&worker->group, worker->loop);
    worker->running = FIBERS;
    for (size_t i = 0; i < FIBERS; i++)
        fiber_spawn(&worker->group, "converse", converse, worker);
}

static void *run_loop(void *argument)
{
    struct worker *worker = argument;
    worker->loop = loop_new(
        &(struct loop_options){.clock = &worker->scene->clock, .stack_size_bytes = 256 << 10});
    expect(loop_run(worker->loop, spawn_all, worker) == OK);
    return NULL;
}

static enum err open_spool(const char *directory, struct spool_recovery *out_recovery)
{
    struct spool_options options = {
        .disk = scene.disk,
        .clock = &scene.clock,
        .directory = directory,
        .segment_bytes = 1 << 20,
        .files = scene.files,
        .announce = announce,
        .announce_context = &scene,
    };
    return spool_open(&options, &scene.spool, out_recovery);
}

static void run_all(struct worker *workers)
{
    for (size_t i = 0; i < LOOPS; i++) {
        workers[i] = (struct worker){.scene = &scene};
        REQUIRE(pthread_create(&workers[i].thread, NULL, run_loop, &workers[i]) == 0);
    }
    for (size_t i = 0; i < LOOPS; i++)
        pthread_join(workers[i].thread, NULL);
}

/* Runs the whole, closes, opens again and counts. */
static void play(struct disk *disk, const char *directory)
{
    struct spool_recovery recovery;
    struct worker workers[LOOPS];
    scene = (struct scene){.disk = disk, .clock = clock_system()};
    pthread_mutex_init(&scene.lock, NULL);
    scene.files = blocking_pool_new("files", 2, 1000);
    REQUIRE(open_spool(directory, &recovery) == OK);
    run_all(workers);
    struct spool_statistics statistics = spool_statistics(scene.spool);
    CHECK_INT(statistics.commits, LOOPS * FIBERS * MESSAGES);
    CHECK_INT(statistics.live_messages, LOOPS * FIBERS * MESSAGES / 3);
    CHECK(statistics.groups < statistics.commits);
    CHECK_INT(statistics.draft_bytes, 0);
    CHECK_INT(atomic_load(&scene.failures), 0);
    spool_close(scene.spool);
    scene.told_count = 0;
    REQUIRE(open_spool(directory, &recovery) == OK);
    CHECK_INT(recovery.messages, LOOPS * FIBERS * MESSAGES / 3);
    CHECK_INT(recovery.damaged_records, 0);
    CHECK_INT(recovery.torn_bytes, 0);
    for (size_t i = 0; i < scene.told_count; i++)
        CHECK_INT(scene.told[i].attempts, 1);
    spool_close(scene.spool);
    blocking_pool_free(scene.files);
    for (size_t i = 0; i < LOOPS; i++)
        loop_free(workers[i].loop); /* nobody is left who could post to it */
    pthread_mutex_destroy(&scene.lock);
}

TEST(many_fibers_on_two_loops_commit_in_groups)
{
    struct disk *disk = disk_memory_new(UINT64_C(1) << 30);
    CHECK_INT(disk_mkdir(disk, "spool", 0700), OK);
    play(disk, "spool");
    disk_memory_free(disk);
}

TEST(the_same_on_a_real_disk)
{
    char directory[] = "/tmp/postrider-spool-XXXXXX", command[100];
    REQUIRE(mkdtemp(directory) != NULL);
    play(disk_system(), directory);
    snprintf(command, sizeof command, "rm -r %s", directory);
    CHECK_INT(system(command), 0);
}

int main(void)
{
    RUN(many_fibers_on_two_loops_commit_in_groups);
    RUN(the_same_on_a_real_disk);
    return test_summary();
}
