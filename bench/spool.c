/* Commits per second and syncs per message, on a real disk, by so many fibers at once:
 *     bench_spool DIRECTORY [SECONDS] [BYTES]
 * Each message is committed, gets one status, and is done: the life of mail that is delivered at
 * once. */
#include "spool/spool.h"
#include "base/mem.h"
#include "fiber/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct bench {
    struct clock clock;
    struct loop *loop;
    struct spool *spool;
    struct fiber_group group;
    struct str content;
    uint64_t until_ms;
    size_t running, fibers;
};

/* The place of the message that was announced last, by fiber: each has its own slot of ids. */
struct commit {
    spool_id id;
    struct spool_place place;
};
static struct commit announced[1 << 16];

static void announce(void *context, const struct spool_announcement *announcement)
{
    UNUSED(context);
    announced[announcement->id >> 8 & 0xffff] =
        (struct commit){announcement->id, announcement->place};
}

static void must(enum err err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "%s: %s\n", what, err_text(err));
    exit(1);
}

static void one_message(struct bench *bench)
{
    struct spool_recipient recipient = {STR("alice@example.org"), STR(""), 0};
    struct spool_envelope envelope = {
        .sender = STR("bob@example.net"), .recipients = &recipient, .recipient_count = 1};
    struct spool_change change = {.status = {.state = SPOOL_DELIVERED}};
    struct spool_draft *draft;
    must(spool_draft_begin(bench->spool, &draft), "begin");
    spool_id id = spool_draft_id(draft);
    must(spool_draft_write(draft, bench->content), "write");
    must(spool_draft_commit(draft, &envelope, STR("Received: by bench\r\n"), NULL), "commit");
    must(spool_status_write(bench->spool, id, announced[id >> 8 & 0xffff].place, &change, 1, true),
         "status");
}

static void converse(void *argument)
{
    struct bench *bench = argument;
    while (clock_now_ms(&bench->clock) < bench->until_ms)
        one_message(bench);
    if (--bench->running == 0)
        loop_stop(bench->loop);
}

static void start(void *argument)
{
    struct bench *bench = argument;
    fiber_group_init(&bench->group, bench->loop);
    for (size_t i = 0; i < bench->fibers; i++)
        fiber_spawn(&bench->group, "bench", converse, bench);
}

static void run(const char *directory, size_t fibers, uint64_t seconds, struct str content)
{
    struct bench bench = {.clock = clock_system(), .fibers = fibers, .running = fibers};
    struct blocking_pool *files = blocking_pool_new("files", 2, 1000);
    struct spool_options options = {.disk = disk_system(),
                                    .clock = &bench.clock,
                                    .directory = directory,
                                    .files = files,
                                    .announce = announce};
    struct spool_recovery recovery;
    bench.content = content;
    must(spool_open(&options, &bench.spool, &recovery), "open");
    bench.loop = loop_new(&(struct loop_options){.clock = &bench.clock});
    uint64_t began_ms = clock_now_ms(&bench.clock);
    bench.until_ms = began_ms + seconds * 1000;
    must(loop_run(bench.loop, start, &bench), "loop");
    double took_s = (double)(clock_now_ms(&bench.clock) - began_ms) / 1000;
    struct spool_statistics statistics = spool_statistics(bench.spool);
    spool_close(bench.spool);
    blocking_pool_free(files);
    loop_free(bench.loop);
    printf("%4zu at once: %8.0f messages/s, %.3f syncs/message, %.1f messages/group, %" PRIu64
           " segments\n",
           fibers, (double)statistics.commits / took_s,
           (double)statistics.syncs / (double)statistics.commits,
           (double)statistics.commits / (double)statistics.groups, statistics.segments);
}

int main(int argc, char **argv)
{
    static const size_t fibers[] = {1, 8, 64, 256};
    if (argc < 2) {
        fprintf(stderr, "usage: %s DIRECTORY [SECONDS] [BYTES]\n", argv[0]);
        return 2;
    }
    uint64_t seconds = argc > 2 ? strtoull(argv[2], NULL, 10) : 3;
    size_t bytes = argc > 3 ? strtoull(argv[3], NULL, 10) : 10000;
    char *content = mem_zalloc(bytes);
    for (size_t i = 0; i < ARRAY_LEN(fibers); i++)
        run(argv[1], fibers[i], seconds, str_make(content, bytes));
    mem_free(content);
    return 0;
}
