#include "fiber/fiber.h"

#include "base/mem.h"
#include "fiber/internal.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- life ---- */

struct fiber *fiber_current(void)
{
    struct loop *loop = loop_current();
    return loop ? loop->current : NULL;
}

struct loop *fiber_loop(const struct fiber *fiber) { return fiber->loop; }

static void fiber_main(void)
{
    struct fiber *self = fiber_current();
    struct loop *loop = self->loop;
    context_arrived(&self->context, &loop->scheduler);
    self->run(self->argument);

    struct fiber_group *group = self->group;
    list_remove(&self->in_group);
    group->count--;
    if (group->count == 0 && group->joiner)
        fiber_wake(group->joiner);
    self->state = FIBER_ENDED;
    loop->ended = self;
    context_switch_last(&self->context, &loop->scheduler);
}

void fiber_spawn(struct fiber_group *group, const char *name, void (*run)(void *), void *argument)
{
    struct loop *loop = group->loop;
    assert(loop == loop_current());
    assert(loop->fiber_count < loop->fibers_max);
    char *stack = stack_take(&loop->stacks);
    if (!stack)
        abort(); /* out of memory, see base/mem.h */
    size_t room = sizeof(struct fiber) + (16 - sizeof(struct fiber) % 16) % 16;
    size_t usable = loop->stacks.stack_size - room;
    struct fiber *fiber = (struct fiber *)(void *)(stack + usable);
    *fiber = (struct fiber){
        .loop = loop, .group = group, .name = name, .run = run, .argument = argument};
    list_init(&fiber->in_queue);
    list_push_back(&group->fibers, &fiber->in_group);
    group->count++;
    loop->fiber_count++;
    context_init(&fiber->context, stack, usable, fiber_main);
    fiber->state = FIBER_PARKED;
    loop_make_runnable(fiber, OK);
}

/* ---- groups ---- */

void fiber_group_init(struct fiber_group *group, struct loop *loop)
{
    *group = (struct fiber_group){.loop = loop};
    list_init(&group->fibers);
}

void fiber_group_drain(struct fiber_group *group)
{
    group->draining = true;
    LIST_EACH (&group->fibers, link) {
        struct fiber *fiber = CONTAINER_OF(link, struct fiber, in_group);
        if (fiber->state == FIBER_PARKED && fiber->at_boundary && !fiber->shields)
            loop_make_runnable(fiber, ERR_STOPPING);
    }
}

void fiber_group_cancel(struct fiber_group *group)
{
    LIST_EACH (&group->fibers, link) {
        struct fiber *fiber = CONTAINER_OF(link, struct fiber, in_group);
        fiber->cancelled = true;
        if (fiber->state == FIBER_PARKED && !fiber->shields)
            loop_make_runnable(fiber, ERR_CANCELLED);
    }
}

enum err fiber_group_join(struct fiber_group *group, uint64_t deadline_ms)
{
    assert(!group->joiner);
    group->joiner = fiber_current();
    fiber_shield_begin();
    enum err err = OK;
    while (group->count && !err)
        err = fiber_park(deadline_ms);
    fiber_shield_end();
    group->joiner = NULL;
    return group->count ? err : OK;
}

/* ---- waiting ---- */

bool fiber_is_cancelled(void)
{
    struct fiber *self = fiber_current();
    return self->cancelled && !self->shields;
}

void fiber_shield_begin(void) { fiber_current()->shields++; }

void fiber_shield_end(void)
{
    assert(fiber_current()->shields > 0);
    fiber_current()->shields--;
}

static enum err park(uint64_t deadline_ms, bool at_boundary)
{
    struct fiber *self = fiber_current();
    assert(self);
    if (fiber_is_cancelled())
        return ERR_CANCELLED;
    if (at_boundary && self->group->draining && !self->shields)
        return ERR_STOPPING;
    if (deadline_ms <= self->loop->now_ms)
        return ERR_TIMEOUT;
    if (deadline_ms != DEADLINE_NEVER)
        heap_set(&self->loop->timers, &self->timer, deadline_ms);
    self->at_boundary = at_boundary;
    self->state = FIBER_PARKED;
    loop_switch_away(self);
    return self->outcome;
}

enum err fiber_park(uint64_t deadline_ms) { return park(deadline_ms, false); }

enum err fiber_park_at_boundary(uint64_t deadline_ms) { return park(deadline_ms, true); }

void fiber_wake(struct fiber *fiber)
{
    assert(fiber->loop == loop_current());
    if (fiber->state == FIBER_PARKED)
        loop_make_runnable(fiber, OK);
}

void fiber_yield(void)
{
    struct fiber *self = fiber_current();
    self->state = FIBER_PARKED;
    loop_make_runnable(self, OK);
    loop_switch_away(self);
}

enum err fiber_sleep_until(uint64_t deadline_ms)
{
    enum err err;
    do
        err = fiber_park(deadline_ms);
    while (!err);
    return err == ERR_TIMEOUT ? OK : err;
}

/* Noinline, so that the address of its local is the depth of the stack. */
__attribute__((noinline)) void fiber_trim_stack(void)
{
    struct fiber *self = fiber_current();
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    /* A red zone and the frames of the calls to come stay. */
    uintptr_t used_from = ((uintptr_t)__builtin_frame_address(0) - 512) / page * page;
    uintptr_t bottom = (uintptr_t)self->context.stack;
    if (used_from > bottom)
        madvise(self->context.stack, used_from - bottom, MADV_DONTNEED);
}

/* ---- completions ---- */

static void completion_arrived(struct loop_task *task)
{
    struct fiber_completion *completion = CONTAINER_OF(task, struct fiber_completion, task);
    completion->done = true;
    if (completion->waiting)
        fiber_wake(completion->fiber);
}

void fiber_completion_init(struct fiber_completion *completion)
{
    *completion = (struct fiber_completion){
        .task = {.run = completion_arrived},
        .fiber = fiber_current(),
        .loop = loop_current(),
    };
}

void fiber_completion_finish(struct fiber_completion *completion)
{
    loop_post(completion->loop, &completion->task);
}

void fiber_completion_wait(struct fiber_completion *completion)
{
    assert(completion->fiber == fiber_current());
    fiber_shield_begin();
    while (!completion->done) {
        completion->waiting = true;
        enum err err = fiber_park(DEADLINE_NEVER);
        assert(!err);
        completion->waiting = false;
    }
    fiber_shield_end();
}

/* ---- queues of waiting fibers ---- */

void fiber_waiters_init(struct fiber_waiters *waiters) { list_init(&waiters->waiting); }

enum err fiber_waiters_wait(struct fiber_waiters *waiters, uint64_t deadline_ms)
{
    struct fiber *self = fiber_current();
    list_push_back(&waiters->waiting, &self->in_queue);
    enum err err = fiber_park(deadline_ms);
    list_remove(&self->in_queue); /* still there when the park was refused at once */
    return err;
}

void fiber_waiters_wake_one(struct fiber_waiters *waiters)
{
    if (!list_is_empty(&waiters->waiting))
        fiber_wake(CONTAINER_OF(waiters->waiting.next, struct fiber, in_queue));
}

void fiber_waiters_wake_all(struct fiber_waiters *waiters)
{
    while (!list_is_empty(&waiters->waiting))
        fiber_waiters_wake_one(waiters);
}
