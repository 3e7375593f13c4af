/* The committer: one thread that makes things durable and tidies up between. */
#include "spool/draft.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

void committer_wake(struct spool *spool)
{
    if (!spool->inline_commits)
        pthread_cond_signal(&spool->wanted);
}

static bool content_may_go(const struct spool *spool)
{
    return spool->doomed_count && spool->doomed[0].sequence == 0;
}

/* When no segment could be made, the next attempt waits for room or for time to pass. */
static uint64_t next_attempt_ms(const struct spool *spool)
{
    if (spool->messages.next && spool->statuses.next)
        return UINT64_MAX;
    return spool->tried_full_ms ? spool->tried_full_ms + FULL_RETRY_MS : 0;
}

static bool chores_wanted(const struct spool *spool)
{
    return spool->look_for_unneeded || content_may_go(spool) ||
           next_attempt_ms(spool) <= clock_now_ms(spool->clock);
}

void committer_chores(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    bool look = spool->look_for_unneeded;
    bool remove = content_may_go(spool);
    bool prepare = look || next_attempt_ms(spool) <= clock_now_ms(spool->clock);
    spool->look_for_unneeded = false;
    pthread_mutex_unlock(&spool->lock);
    if (look)
        store_drop_unneeded(spool);
    if (prepare)
        store_prepare_next(spool);
    if (remove)
        content_remove_doomed(spool, 0);
}

/* Sleeps until it is woken or that moment has come. With the lock. */
static void wait_until(struct spool *spool, uint64_t moment_ms)
{
    if (moment_ms == UINT64_MAX) {
        pthread_cond_wait(&spool->wanted, &spool->lock);
        return;
    }
    uint64_t now_ms = clock_now_ms(spool->clock);
    uint64_t wait_ms = moment_ms > now_ms ? moment_ms - now_ms : 0;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t nanoseconds = (uint64_t)until.tv_nsec + wait_ms % 1000 * 1000000;
    until.tv_sec += (time_t)(wait_ms / 1000 + nanoseconds / 1000000000);
    until.tv_nsec = (long)(nanoseconds % 1000000000);
    pthread_cond_timedwait(&spool->wanted, &spool->lock, &until);
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* One round. False: there was nothing to do. With the lock, which it lets go of. */
static bool work(struct spool *spool)
{
    struct spool_draft *drafts = spool->waiting_first;
    spool->waiting_first = spool->waiting_last = NULL;
    bool sync = status_due_ms(spool) <= clock_now_ms(spool->clock);
    bool chores = chores_wanted(spool);
    if (!drafts && !sync && !chores)
        return false;
    pthread_mutex_unlock(&spool->lock);
    if (drafts)
        group_commit_all(spool, drafts);
    if (sync) {
        enum err later = status_sync(spool); /* who waited was told; the rest stays due */
        UNUSED(later);
    }
    if (chores)
        committer_chores(spool);
    pthread_mutex_lock(&spool->lock);
    return true;
}

static void *run(void *argument)
{
    struct spool *spool = argument;
    pthread_mutex_lock(&spool->lock);
    for (;;) {
        if (work(spool))
            continue;
        if (spool->stopping)
            break;
        wait_until(spool, earlier(status_due_ms(spool), next_attempt_ms(spool)));
    }
    pthread_mutex_unlock(&spool->lock);
    return NULL;
}

void committer_start(struct spool *spool)
{
    if (spool->inline_commits)
        return;
    if (pthread_create(&spool->thread, NULL, run, spool) != 0)
        abort(); /* at start: nothing can be served without it */
    pthread_setname_np(spool->thread, "spool");
}

void committer_stop(struct spool *spool)
{
    if (spool->inline_commits)
        return;
    pthread_mutex_lock(&spool->lock);
    spool->stopping = true;
    committer_wake(spool);
    pthread_mutex_unlock(&spool->lock);
    pthread_join(spool->thread, NULL);
}
