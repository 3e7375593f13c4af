/* Runs a test's body in a fiber, on a loop of its own. */
#ifndef TEST_ON_LOOP_H
#define TEST_ON_LOOP_H

#include "fiber/fiber.h"
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

static inline void on_loop(bool is_virtual, void (*run)(void))
{
    struct clock clock = is_virtual ? clock_virtual(0) : clock_system();
    struct on_loop self = {.run = run};
    self.loop = loop_new(&(struct loop_options){.clock = &clock});
    enum err err = loop_run(self.loop, on_loop_start, &self);
    CHECK_INT(err, OK);
    loop_free(self.loop);
}

/* TEST bodies that run on a loop with a virtual clock, or with the system's. */
#define FIBER_TEST(name, is_virtual)                         \
    static void fiber_test_##name(void);                     \
    TEST(name) { on_loop((is_virtual), fiber_test_##name); } \
    static void fiber_test_##name(void)
#define TEST_VIRTUAL(name) FIBER_TEST(name, true)
#define TEST_SYSTEM(name)  FIBER_TEST(name, false)

/* A deadline that only a hanging test reaches. */
static inline uint64_t soon(void) { return loop_now_ms() + 10000; }

#endif
