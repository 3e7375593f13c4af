#include "fiber/blocking.h"

#include "fiber/loop.h"
#include "test.h"

#include <pthread.h>
#include <semaphore.h>

struct scene {
    struct clock clock;
    struct loop *loop;
    struct fiber_group group;
    struct blocking_pool *pool;
    pthread_t worker;
    int done;
    int refused;
    sem_t gate; /* a turnstile: once posted, everyone passes */
};

static void play(struct scene *scene, size_t threads, size_t queue_max, void (*start)(void *))
{
    scene->loop = loop_new(&(struct loop_options){.clock = &scene->clock});
    scene->pool = blocking_pool_new("test", threads, queue_max);
    fiber_group_init(&scene->group, scene->loop);
    CHECK_INT(loop_run(scene->loop, start, scene), OK);
    blocking_pool_free(scene->pool);
    loop_free(scene->loop);
}

static void remember_thread(void *argument) { ((struct scene *)argument)->worker = pthread_self(); }
static void run_some(void *argument)
{
    struct scene *scene = argument;
    for (int i = 0; i < 100; i++)
        CHECK_INT(blocking_run(scene->pool, remember_thread, scene), OK);
    if (++scene->done == 10)
        loop_stop(scene->loop);
}
static void start_ten(void *argument)
{
    for (int i = 0; i < 10; i++)
        fiber_spawn(&((struct scene *)argument)->group, "caller", run_some, argument);
}

TEST(work_runs_on_another_thread)
{
    struct scene scene = {.clock = clock_system()};
    play(&scene, 1, 100, start_ten);
    CHECK_INT(scene.done, 10);
    CHECK(!pthread_equal(scene.worker, pthread_self()));
}

TEST(a_pool_without_threads_runs_work_inline)
{
    struct scene scene = {.clock = clock_virtual(0)};
    play(&scene, 0, 0, start_ten);
    CHECK_INT(scene.done, 10);
    CHECK(pthread_equal(scene.worker, pthread_self()));
}

static void pass_gate(void *argument)
{
    struct scene *scene = argument;
    while (sem_wait(&scene->gate) != 0)
        continue;
    sem_post(&scene->gate);
}
static void try_it(void *argument)
{
    struct scene *scene = argument;
    if (blocking_run(scene->pool, pass_gate, scene) == ERR_BUSY)
        scene->refused++;
    else
        scene->done++;
    if (scene->done + scene->refused == 4)
        loop_stop(scene->loop);
}
static void open_gate(void *argument)
{
    struct scene *scene = argument;
    while (scene->refused < 2)
        fiber_yield();
    sem_post(&scene->gate);
}
static void occupy_then_try(void *argument)
{
    struct scene *scene = argument;
    fiber_spawn(&scene->group, "open_gate", open_gate, scene);
    for (int i = 0; i < 4; i++)
        fiber_spawn(&scene->group, "try", try_it, scene);
}
static void start_crowd(void *argument)
{
    fiber_spawn(&((struct scene *)argument)->group, "crowd", occupy_then_try, argument);
}

TEST(work_beyond_the_queue_is_refused_at_once)
{
    struct scene scene = {.clock = clock_system()};
    sem_init(&scene.gate, 0, 0);
    /* One on the thread, which stands at the gate, one in the queue: at least two find no room. */
    play(&scene, 1, 1, start_crowd);
    CHECK_INT(scene.done + scene.refused, 4);
    CHECK(scene.refused >= 2);
    sem_destroy(&scene.gate);
}

int main(void)
{
    RUN(work_runs_on_another_thread);
    RUN(a_pool_without_threads_runs_work_inline);
    RUN(work_beyond_the_queue_is_refused_at_once);
    return test_summary();
}
