/* Runs a test's body in a fiber, on a loop of its own with a virtual clock. */
#ifndef TEST_RECEIVE_ON_LOOP_H
#define TEST_RECEIVE_ON_LOOP_H

#include "fiber/loop.h"
#include "test.h"

struct on_loop {
    struct fiber_group group;
    struct loop *loop;
    void (*run)(void);
};

static void on_loop_main(void *argument)
{
    struct on_loop *self = argument;
    self->run();
    loop_stop(self->loop);
}

static void on_loop_start(void *argument)
{
    struct on_loop *self = argument;
    fiber_group_init(&self->group, self->loop);
    fiber_spawn(&self->group, "test", on_loop_main, self);
}

static inline void on_loop(void (*run)(void))
{
    struct clock clock = clock_virtual(1790000000000000);
    struct on_loop self = {.run = run};
    self.loop =
        loop_new(&(struct loop_options){.clock = &clock, .stack_size_bytes = (size_t)1024 * 1024});
    enum err err = loop_run(self.loop, on_loop_start, &self);
    CHECK_INT(err, OK);
    loop_free(self.loop);
}

/* A test whose body is a fiber. */
#define TEST_FIBER(name)                       \
    static void fiber_test_##name(void);       \
    TEST(name) { on_loop(fiber_test_##name); } \
    static void fiber_test_##name(void)

#endif
