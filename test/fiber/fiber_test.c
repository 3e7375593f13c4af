#include "fiber/fiber.h"

#include "fiber/loop.h"
#include "test.h"

#include <string.h>

/* Most scenarios run under a virtual clock: no waiting, and a forgotten wake-up shows as ERR_BUSY.
 */
struct scene {
    struct clock clock;
    struct loop *loop;
    struct fiber_group group;
    struct fiber_waiters waiters;
    struct fiber *fiber;
    enum err outcome;
    enum err second_outcome;
    uint64_t at_ms;
    char story[64];
};

static void note(struct scene *scene, const char *what)
{
    {
        size_t len = strlen(scene->story);
        snprintf(scene->story + len, sizeof scene->story - len, "%s", what);
    }
}

static enum err play(struct scene *scene, void (*start)(void *))
{
    scene->clock = clock_virtual(0);
    scene->loop = loop_new(&(struct loop_options){.clock = &scene->clock});
    fiber_group_init(&scene->group, scene->loop);
    fiber_waiters_init(&scene->waiters);
    enum err err = loop_run(scene->loop, start, scene);
    if (!err)
        loop_free(scene->loop);
    return err;
}

static void say_a_yield_c(void *argument)
{
    note(argument, "a");
    fiber_yield();
    note(argument, "c");
}
static void say_b(void *argument) { note(argument, "b"); }
static void start_two(void *argument)
{
    struct scene *scene = argument;
    fiber_spawn(&scene->group, "first", say_a_yield_c, scene);
    fiber_spawn(&scene->group, "second", say_b, scene);
}

TEST(fibers_take_turns_in_order)
{
    struct scene scene = {0};
    CHECK_INT(play(&scene, start_two), OK);
    CHECK_STR(str_of(scene.story), STR("abc"));
}

static void sleep_7s(void *argument)
{
    struct scene *scene = argument;
    scene->outcome = fiber_sleep_until(loop_now_ms() + 7000);
    scene->at_ms = loop_now_ms();
}
static void start_sleeper(void *argument)
{
    struct scene *scene = argument;
    fiber_spawn(&scene->group, "sleeper", sleep_7s, scene);
}

TEST(a_virtual_clock_jumps_to_the_next_timer)
{
    struct scene scene = {0};
    CHECK_INT(play(&scene, start_sleeper), OK);
    CHECK_INT(scene.outcome, OK);
    CHECK_INT(scene.at_ms, 7000);
}

static void park_until_5s(void *argument)
{
    struct scene *scene = argument;
    scene->fiber = fiber_current();
    scene->outcome = fiber_park(5000);
    scene->at_ms = loop_now_ms();
    scene->second_outcome = fiber_park(loop_now_ms() + 1000);
}
static void wake_it_after_1s(void *argument)
{
    struct scene *scene = argument;
    CHECK_INT(fiber_sleep_until(1000), OK);
    fiber_wake(scene->fiber);
    fiber_wake(scene->fiber); /* the second finds it runnable: forgotten */
}
static void start_parker_and_waker(void *argument)
{
    struct scene *scene = argument;
    fiber_spawn(&scene->group, "parker", park_until_5s, scene);
    fiber_spawn(&scene->group, "waker", wake_it_after_1s, scene);
}

TEST(a_wake_ends_a_park_and_is_not_remembered)
{
    struct scene scene = {0};
    CHECK_INT(play(&scene, start_parker_and_waker), OK);
    CHECK_INT(scene.outcome, OK);
    CHECK_INT(scene.at_ms, 1000);
    CHECK_INT(scene.second_outcome, ERR_TIMEOUT);
}

static void cancel_after_1s(void *argument)
{
    struct scene *scene = argument;
    CHECK_INT(fiber_sleep_until(1000), OK);
    fiber_group_cancel(&scene->group);
    CHECK_INT(fiber_group_join(&scene->group, DEADLINE_NEVER), OK);
    note(scene, "joined");
}
static struct fiber_group master;
static void start_parker_and_canceller(void *argument)
{
    struct scene *scene = argument;
    fiber_group_init(&master, scene->loop);
    fiber_spawn(&scene->group, "parker", park_until_5s, scene);
    fiber_spawn(&master, "canceller", cancel_after_1s, scene);
}

TEST(a_cancelled_fiber_never_waits_again)
{
    struct scene scene = {0};
    CHECK_INT(play(&scene, start_parker_and_canceller), OK);
    CHECK_INT(scene.outcome, ERR_CANCELLED);
    CHECK_INT(scene.at_ms, 1000);
    CHECK_INT(scene.second_outcome, ERR_CANCELLED);
    CHECK_STR(str_of(scene.story), STR("joined"));
}

static void park_then_say_goodbye(void *argument)
{
    struct scene *scene = argument;
    scene->outcome = fiber_park(DEADLINE_NEVER);
    CHECK(fiber_is_cancelled());
    fiber_shield_begin();
    CHECK(!fiber_is_cancelled());
    scene->second_outcome = fiber_sleep_until(loop_now_ms() + 500);
    scene->at_ms = loop_now_ms();
    fiber_shield_end();
}
static void start_goodbye(void *argument)
{
    struct scene *scene = argument;
    fiber_group_init(&master, scene->loop);
    fiber_spawn(&scene->group, "goodbye", park_then_say_goodbye, scene);
    fiber_spawn(&master, "canceller", cancel_after_1s, scene);
}

TEST(a_shield_lets_a_cancelled_fiber_say_goodbye)
{
    struct scene scene = {0};
    CHECK_INT(play(&scene, start_goodbye), OK);
    CHECK_INT(scene.outcome, ERR_CANCELLED);
    CHECK_INT(scene.second_outcome, OK);
    CHECK_INT(scene.at_ms, 1500);
}

static void wait_amid_then_at_boundary(void *argument)
{
    struct scene *scene = argument;
    scene->outcome = fiber_park(3000);
    scene->second_outcome = fiber_park_at_boundary(9000);
    scene->at_ms = loop_now_ms();
}
static void drain_after_1s(void *argument)
{
    struct scene *scene = argument;
    CHECK_INT(fiber_sleep_until(1000), OK);
    fiber_group_drain(&scene->group);
}
static void start_drain(void *argument)
{
    struct scene *scene = argument;
    fiber_group_init(&master, scene->loop);
    fiber_spawn(&scene->group, "worker", wait_amid_then_at_boundary, scene);
    fiber_spawn(&master, "drainer", drain_after_1s, scene);
}

TEST(draining_ends_waits_at_boundaries_only)
{
    struct scene scene = {0};
    CHECK_INT(play(&scene, start_drain), OK);
    CHECK_INT(scene.outcome, ERR_TIMEOUT);
    CHECK_INT(scene.second_outcome, ERR_STOPPING);
    CHECK_INT(scene.at_ms, 3000);
}

static void wait_in_line(void *argument)
{
    struct scene *scene = argument;
    if (fiber_waiters_wait(&scene->waiters, 2000) == OK)
        note(scene, "w");
    else
        note(scene, "t");
}
static void wake_one_after_1s(void *argument)
{
    struct scene *scene = argument;
    CHECK_INT(fiber_sleep_until(1000), OK);
    fiber_waiters_wake_one(&scene->waiters);
}
static void start_line(void *argument)
{
    struct scene *scene = argument;
    fiber_spawn(&scene->group, "first", wait_in_line, scene);
    fiber_spawn(&scene->group, "second", wait_in_line, scene);
    fiber_spawn(&scene->group, "waker", wake_one_after_1s, scene);
}

TEST(waiters_are_woken_one_by_one_or_time_out)
{
    struct scene scene = {0};
    CHECK_INT(play(&scene, start_line), OK);
    CHECK_STR(str_of(scene.story), STR("wt"));
    CHECK(list_is_empty(&scene.waiters.waiting));
}

static void park_for_ever(void *argument)
{
    struct scene *scene = argument;
    while (!fiber_is_cancelled())
        scene->outcome = fiber_park(DEADLINE_NEVER);
}
static void start_forgotten(void *argument)
{
    struct scene *scene = argument;
    fiber_spawn(&scene->group, "forgotten", park_for_ever, scene);
}
static void cancel_now(void *argument)
{
    struct scene *scene = argument;
    fiber_group_cancel(&scene->group);
}

TEST(a_simulation_in_which_nothing_can_happen_says_so)
{
    struct scene scene = {0};
    CHECK_INT(play(&scene, start_forgotten), ERR_BUSY);
    CHECK_INT(loop_run(scene.loop, cancel_now, &scene), OK);
    loop_free(scene.loop);
}

static int depth_reached;
/* NOLINTNEXTLINE(misc-no-recursion): the point is the depth */
__attribute__((noinline)) static int use_stack(int depth)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    depth_reached = depth;
    return depth ? use_stack(depth - 1) + frame[0] : 0;
}
static void use_trim_use(void *argument)
{
    UNUSED(argument);
    char kept[64];
    memset(kept, 'k', sizeof kept);
    use_stack(20);
    fiber_trim_stack();
    use_stack(20);
    CHECK(kept[0] == 'k' && kept[63] == 'k');
}
static void start_many(void *argument)
{
    struct scene *scene = argument;
    for (int i = 0; i < 2000; i++)
        fiber_spawn(&scene->group, "trimmer", use_trim_use, scene);
}

TEST(a_trimmed_stack_keeps_what_is_in_use)
{
    struct scene scene = {0};
    CHECK_INT(play(&scene, start_many), OK);
    CHECK_INT(depth_reached, 0);
}

int main(void)
{
    RUN(fibers_take_turns_in_order);
    RUN(a_virtual_clock_jumps_to_the_next_timer);
    RUN(a_wake_ends_a_park_and_is_not_remembered);
    RUN(a_cancelled_fiber_never_waits_again);
    RUN(a_shield_lets_a_cancelled_fiber_say_goodbye);
    RUN(draining_ends_waits_at_boundaries_only);
    RUN(waiters_are_woken_one_by_one_or_time_out);
    RUN(a_simulation_in_which_nothing_can_happen_says_so);
    RUN(a_trimmed_stack_keeps_what_is_in_use);
    return test_summary();
}
