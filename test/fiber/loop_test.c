#include "fiber/loop.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

struct scene {
    struct clock clock;
    struct loop *loop;
    struct fiber_group group;
    int ends[2];
    long long sum;
    int tasks_run;
    enum err outcome;
};

static struct scene scene_make(void)
{
    struct scene scene = {.clock = clock_system()};
    return scene;
}

static void play(struct scene *scene, void (*start)(void *))
{
    scene->loop = loop_new(&(struct loop_options){.clock = &scene->clock});
    fiber_group_init(&scene->group, scene->loop);
    CHECK_INT(loop_run(scene->loop, start, scene), OK);
    loop_free(scene->loop);
}

/* ---- sockets ---- */

#define PING_PONGS 2000

static enum err exchange_byte(struct watch *watch, bool write_first)
{
    char byte = 'x';
    for (int step = 0; step < 2; step++) {
        bool writing = write_first == (step == 0);
        for (;;) {
            ssize_t done = writing ? write(watch->fd, &byte, 1) : read(watch->fd, &byte, 1);
            if (done == 1)
                break;
            if (done == 0)
                return ERR_CLOSED;
            if (errno != EAGAIN)
                return ERR_IO;
            enum err err =
                watch_wait(watch, writing ? WATCH_WRITE : WATCH_READ, loop_now_ms() + 10000, false);
            if (err)
                return err;
        }
    }
    return OK;
}

static void converse(struct scene *scene, int fd, bool write_first)
{
    struct watch watch;
    CHECK_INT(watch_open(&watch, fd, false), OK);
    for (int i = 0; i < PING_PONGS; i++) {
        enum err err = exchange_byte(&watch, write_first);
        if (err) {
            scene->outcome = err;
            break;
        }
        scene->sum++;
    }
    watch_close(&watch);
    close(fd);
    if (scene->sum == (long long)2 * PING_PONGS)
        loop_stop(scene->loop);
}
static void ping(void *argument) { converse(argument, ((struct scene *)argument)->ends[0], true); }
static void pong(void *argument) { converse(argument, ((struct scene *)argument)->ends[1], false); }
static void start_ping_pong(void *argument)
{
    struct scene *scene = argument;
    fiber_spawn(&scene->group, "ping", ping, scene);
    fiber_spawn(&scene->group, "pong", pong, scene);
}

TEST(two_fibers_talk_over_a_socket)
{
    struct scene scene = scene_make();
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, scene.ends) == 0);
    play(&scene, start_ping_pong);
    CHECK_INT(scene.outcome, OK);
    CHECK_INT(scene.sum, 2 * PING_PONGS);
}

static void wait_in_vain(void *argument)
{
    struct scene *scene = argument;
    struct watch watch;
    CHECK_INT(watch_open(&watch, scene->ends[0], false), OK);
    scene->outcome = watch_wait(&watch, WATCH_READ, loop_now_ms() + 20, false);
    watch_close(&watch);
    loop_stop(scene->loop);
}
static void start_vain(void *argument)
{
    fiber_spawn(&((struct scene *)argument)->group, "vain", wait_in_vain, argument);
}

TEST(a_wait_for_a_silent_socket_ends_at_its_deadline)
{
    struct scene scene = scene_make();
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, scene.ends) == 0);
    play(&scene, start_vain);
    CHECK_INT(scene.outcome, ERR_TIMEOUT);
    close(scene.ends[0]);
    close(scene.ends[1]);
}

/* ---- other threads ---- */

#define SENDERS    4
#define TASKS_EACH 5000

struct numbered_task {
    struct loop_task task;
    struct scene *scene;
    int sender;
    int number;
};
static struct numbered_task tasks[SENDERS][TASKS_EACH];
static int last_number[SENDERS];

static void count_task(struct loop_task *task)
{
    struct numbered_task *mine = CONTAINER_OF(task, struct numbered_task, task);
    CHECK(mine->number == last_number[mine->sender] + 1);
    last_number[mine->sender] = mine->number;
    if (++mine->scene->tasks_run == SENDERS * TASKS_EACH)
        loop_stop(mine->scene->loop);
}
static void *send_tasks(void *argument)
{
    struct numbered_task *mine = argument;
    for (int i = 0; i < TASKS_EACH; i++)
        loop_post(mine->scene->loop, &mine[i].task);
    return NULL;
}
static pthread_t senders[SENDERS];
static void start_senders(void *argument)
{
    struct scene *scene = argument;
    for (int s = 0; s < SENDERS; s++) {
        last_number[s] = -1;
        for (int i = 0; i < TASKS_EACH; i++)
            tasks[s][i] = (struct numbered_task){{.run = count_task}, scene, s, i};
        CHECK(pthread_create(&senders[s], NULL, send_tasks, tasks[s]) == 0);
    }
}

TEST(tasks_of_other_threads_run_once_and_in_each_senders_order)
{
    struct scene scene = scene_make();
    play(&scene, start_senders);
    for (int s = 0; s < SENDERS; s++)
        pthread_join(senders[s], NULL);
    CHECK_INT(scene.tasks_run, SENDERS * TASKS_EACH);
}

static void *finish_it(void *argument)
{
    fiber_completion_finish(argument);
    return NULL;
}
static void complete_often(void *argument)
{
    struct scene *scene = argument;
    for (int i = 0; i < 200; i++) {
        struct fiber_completion completion;
        fiber_completion_init(&completion);
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, finish_it, &completion) == 0);
        fiber_completion_wait(&completion);
        pthread_join(thread, NULL);
        scene->tasks_run++;
    }
    loop_stop(scene->loop);
}
static void start_completions(void *argument)
{
    fiber_spawn(&((struct scene *)argument)->group, "completions", complete_often, argument);
}

TEST(a_completion_finished_by_another_thread_wakes_its_fiber)
{
    struct scene scene = scene_make();
    play(&scene, start_completions);
    CHECK_INT(scene.tasks_run, 200);
}

int main(void)
{
    RUN(two_fibers_talk_over_a_socket);
    RUN(a_wait_for_a_silent_socket_ends_at_its_deadline);
    RUN(tasks_of_other_threads_run_once_and_in_each_senders_order);
    RUN(a_completion_finished_by_another_thread_wakes_its_fiber);
    return test_summary();
}
