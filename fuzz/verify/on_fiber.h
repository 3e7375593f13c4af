/* Runs a piece of a fuzz target in a fiber, on a loop with a virtual clock. */
#ifndef FUZZ_VERIFY_ON_FIBER_H
#define FUZZ_VERIFY_ON_FIBER_H

#include "fiber/fiber.h"
#include "fiber/loop.h"

struct on_fiber {
    struct fiber_group group;
    struct loop *loop;
    void (*run)(void *context);
    void *context;
};

static void on_fiber_main(void *argument)
{
    struct on_fiber *self = argument;
    self->run(self->context);
    loop_stop(self->loop);
}

static void on_fiber_start(void *argument)
{
    struct on_fiber *self = argument;
    fiber_group_init(&self->group, self->loop);
    fiber_spawn(&self->group, "fuzz", on_fiber_main, self);
}

static inline void on_fiber(void (*run)(void *context), void *context)
{
    struct clock clock = clock_virtual(0);
    struct on_fiber self = {.run = run, .context = context};
    self.loop = loop_new(&(struct loop_options){.clock = &clock});
    enum err err = loop_run(self.loop, on_fiber_start, &self);
    assert(err == OK);
    loop_free(self.loop);
}

#endif
