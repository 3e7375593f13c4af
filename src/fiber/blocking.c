#include "fiber/blocking.h"

#include "base/mem.h"
#include "fiber/fiber.h"

#include <pthread.h>
#include <stdlib.h>

struct work {
    void (*run)(void *);
    void *argument;
    struct fiber_completion completion;
    struct work *next;
};

struct blocking_pool {
    const char *name;
    pthread_t *threads;
    size_t thread_count;
    size_t queue_max;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wanted;
    struct work *first, *last;
    size_t queued;
    bool ending;
};

/* Waits for work; NULL when the pool ends. */
static struct work *take(struct blocking_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->ending)
        pthread_cond_wait(&pool->wanted, &pool->lock);
    struct work *work = pool->first;
    if (work) {
        pool->first = work->next;
        if (!pool->first)
            pool->last = NULL;
        pool->queued--;
    }
    pthread_mutex_unlock(&pool->lock);
    return work;
}

static void *serve(void *argument)
{
    struct blocking_pool *pool = argument;
    struct work *work;
    while ((work = take(pool))) {
        work->run(work->argument);
        fiber_completion_finish(&work->completion);
    }
    return NULL;
}

struct blocking_pool *blocking_pool_new(const char *name, size_t threads, size_t queue_max)
{
    struct blocking_pool *pool = NEW(struct blocking_pool);
    pool->name = name;
    pool->thread_count = threads;
    pool->queue_max = queue_max;
    pool->threads = mem_zalloc(threads * sizeof *pool->threads);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wanted, NULL);
    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&pool->threads[i], NULL, serve, pool) != 0)
            abort(); /* at start: nothing can be served without it */
        pthread_setname_np(pool->threads[i], name);
    }
    return pool;
}

void blocking_pool_free(struct blocking_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    assert(!pool->first);
    pool->ending = true;
    pthread_cond_broadcast(&pool->wanted);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->wanted);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool->threads);
    mem_free(pool);
}

static bool put(struct blocking_pool *pool, struct work *work)
{
    pthread_mutex_lock(&pool->lock);
    bool room = pool->queued < pool->queue_max;
    if (room) {
        if (pool->last)
            pool->last->next = work;
        else
            pool->first = work;
        pool->last = work;
        pool->queued++;
        pthread_cond_signal(&pool->wanted);
    }
    pthread_mutex_unlock(&pool->lock);
    return room;
}

enum err blocking_run(struct blocking_pool *pool, void (*work_run)(void *), void *argument)
{
    if (pool->thread_count == 0) {
        work_run(argument);
        fiber_yield(); /* as with threads, the others run meanwhile */
        return OK;
    }
    struct work work = {.run = work_run, .argument = argument};
    fiber_completion_init(&work.completion);
    if (!put(pool, &work))
        return ERR_BUSY;
    fiber_completion_wait(&work.completion);
    return OK;
}
