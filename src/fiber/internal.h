/* What fiber.c and loop.c share: the inside of fibers and loops. */
#ifndef FIBER_INTERNAL_H
#define FIBER_INTERNAL_H

#include "base/heap.h"
#include "fiber/context.h"
#include "fiber/loop.h"
#include "fiber/stack.h"

#include <stdatomic.h>

/*  spawn ──▶ RUNNABLE ──▶ RUNNING ──▶ ENDED
 *               ▲            │ park
 *               └── wake ── PARKED     (wake, deadline, cancel or drain; `outcome` says which) */
enum fiber_state { FIBER_RUNNABLE, FIBER_RUNNING, FIBER_PARKED, FIBER_ENDED };

/* Lies at the top of its own stack. */
struct fiber {
    struct context context;
    struct loop *loop;
    struct fiber_group *group;
    const char *name;
    void (*run)(void *);
    void *argument;
    struct list in_group;
    struct list in_queue; /* runnable list, or a fiber_waiters list while parked */
    struct heap_node timer;
    enum fiber_state state;
    enum err outcome; /* of the park that ended last */
    bool cancelled;
    bool at_boundary;
    unsigned shields;
};

struct loop {
    struct clock *clock;
    uint64_t now_ms;
    int epoll_fd; /* -1 with a virtual clock */
    int wake_fd;
    struct context scheduler;
    struct fiber *current;
    struct list runnable;
    struct heap timers;
    struct stack_pool stacks;
    size_t fiber_count;
    size_t fibers_max;
    struct fiber *ended; /* its stack is given back once we are off it */
    bool stopping;
    _Atomic(struct loop_task *) inbox; /* newest first */
    atomic_bool asleep;
};

/* Leaves the current fiber until somebody makes it runnable. */
void loop_switch_away(struct fiber *fiber);
void loop_make_runnable(struct fiber *fiber, enum err outcome);

#endif
