#include "spool/spool.h"

#include "base/mem.h"
#include "spool/store.h"

#define SEGMENT_DEFAULT_BYTES (64u << 20)
#define BUDGET_DEFAULT_BYTES  (256u << 20)
#define DIRECTORY_MAX_BYTES   256 /* leaves room in PATH_BYTES for the names within */

static void init_locks(struct spool *spool)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&spool->wanted, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&spool->making, NULL);
    pthread_mutex_init(&spool->lock, NULL);
}

static uint64_t segment_size(uint64_t wanted_bytes)
{
    uint64_t bytes = wanted_bytes ? wanted_bytes : SEGMENT_DEFAULT_BYTES;
    bytes = bytes / SEGMENT_PAGE_BYTES * SEGMENT_PAGE_BYTES;
    bytes = bytes < SEGMENT_MIN_BYTES ? SEGMENT_MIN_BYTES : bytes;
    return bytes > SEGMENT_MAX_BYTES ? SEGMENT_MAX_BYTES : bytes;
}

static struct spool *spool_new(const struct spool_options *options)
{
    struct spool *spool = NEW(struct spool);
    size_t length = strlen(options->directory) + 1;
    spool->directory = memcpy(mem_alloc(length), options->directory, length);
    spool->disk = options->disk;
    spool->clock = options->clock;
    spool->files = options->files;
    spool->inline_commits = options->inline_commits;
    spool->node = options->node;
    spool->segment_bytes = segment_size(options->segment_bytes);
    spool->memory_budget_bytes =
        options->memory_budget_bytes ? options->memory_budget_bytes : BUDGET_DEFAULT_BYTES;
    spool->announce = options->announce;
    spool->announce_context = options->announce_context;
    /* after a failure it is written again to one segment: it must fit with room to spare */
    spool->unsynced = buf_make((size_t)spool->segment_bytes / 4);
    init_locks(spool);
    return spool;
}

static void spool_free(struct spool *spool)
{
    for (size_t i = 0; i < spool->slot_count; i++)
        if (spool->slots[i])
            segment_free(spool->slots[i]);
    pthread_mutex_destroy(&spool->lock);
    pthread_mutex_destroy(&spool->making);
    pthread_cond_destroy(&spool->wanted);
    buf_free(&spool->unsynced);
    mem_free(spool->slots);
    mem_free(spool->cuts);
    mem_free(spool->doomed);
    mem_free(spool->directory);
    mem_free(spool);
}

enum err spool_open(const struct spool_options *options, struct spool **out_spool,
                    struct spool_recovery *out_recovery)
{
    if (strlen(options->directory) > DIRECTORY_MAX_BYTES)
        return ERR_LIMIT;
    struct spool *spool = spool_new(options);
    enum err err = recovery_run(spool, out_recovery);
    if (err) {
        spool_free(spool);
        return err;
    }
    committer_start(spool);
    *out_spool = spool;
    return OK;
}

/* All in it is synced: says so, that the next start can tell damage from a torn write. */
static void mark(struct spool *spool, struct segment *segment)
{
    if (!segment || segment->failed || segment->unsynced)
        return;
    enum err err = segment_mark(segment, store_sequence(spool), spool->last_id);
    if (!err)
        err = disk_sync(segment->file);
    UNUSED(err); /* without it the next start only knows less */
}

void spool_close(struct spool *spool)
{
    committer_stop(spool);
    assert(atomic_load(&spool->draft_bytes) == 0);
    enum err unsynced =
        status_sync(spool); /* what the disk refuses now, the next start reads or not */
    UNUSED(unsynced);
    mark(spool, spool->messages.active);
    mark(spool, spool->statuses.active);
    spool_free(spool);
}

struct spool_statistics spool_statistics(struct spool *spool)
{
    struct spool_statistics statistics = {0};
    pthread_mutex_lock(&spool->lock);
    statistics.commits = spool->commits;
    statistics.groups = spool->groups;
    statistics.syncs = spool->syncs;
    statistics.bytes_written = spool->bytes_written;
    statistics.live_messages = spool->live_messages;
    for (size_t i = 0; i < spool->slot_count; i++)
        statistics.segments += spool->slots[i] != NULL;
    pthread_mutex_unlock(&spool->lock);
    statistics.draft_bytes = atomic_load(&spool->draft_bytes);
    return statistics;
}
