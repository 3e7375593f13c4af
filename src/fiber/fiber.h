/* Fibers: functions with a stack of their own that wait without holding a thread. A conversation
 * is a fiber and reads top to bottom like the RFC's dialogue.
 *
 * A fiber belongs to the loop (thread) that started it and never leaves it. It belongs to a group;
 * who ends a group cancels and joins its fibers. It switches only inside functions marked
 * MAY_YIELD. Two fibers of one loop never run at the same time, so what only they share needs no
 * lock, but may change across every MAY_YIELD.
 *
 * Ending: fiber_group_cancel makes the present and every later wait of each fiber return
 * ERR_CANCELLED at once. fiber_group_drain is gentler: only waits that say they stand at a
 * boundary (fiber_park_at_boundary and what builds on it) return ERR_STOPPING. */
#ifndef FIBER_FIBER_H
#define FIBER_FIBER_H

#include "base/err.h"
#include "base/list.h"

struct fiber;
struct loop;

/* Work handed to a loop from any thread: see loop_post. */
struct loop_task {
    void (*run)(struct loop_task *task);
    struct loop_task *next;
};

struct fiber_group {
    struct loop *loop;
    struct list fibers;
    struct fiber *joiner;
    size_t count;
    bool draining;
};

/* A group on the current loop. */
void fiber_group_init(struct fiber_group *group, struct loop *loop);
/* Starts `run(argument)` on the group's loop, which must be the current thread's; it first runs
 * when the caller next yields. `name` is static text for debuggers. */
void fiber_spawn(struct fiber_group *group, const char *name, void (*run)(void *), void *argument);
void fiber_group_drain(struct fiber_group *group);
void fiber_group_cancel(struct fiber_group *group);
/* Waits until every fiber of the group has ended. Not cancellable. ERR_TIMEOUT at the deadline. */
MUST_CHECK MAY_YIELD enum err fiber_group_join(struct fiber_group *group, uint64_t deadline_ms);

/* NULL outside a fiber. */
struct fiber *fiber_current(void);
struct loop *fiber_loop(const struct fiber *fiber);

/* Waits for fiber_wake. OK: woken. ERR_TIMEOUT, ERR_CANCELLED. A wake that comes while the fiber
 * is not parked is forgotten: check the condition first, then park, in a loop. */
MUST_CHECK MAY_YIELD enum err fiber_park(uint64_t deadline_ms);
/* The same, and ERR_STOPPING when the group is draining. */
MUST_CHECK MAY_YIELD enum err fiber_park_at_boundary(uint64_t deadline_ms);
/* Makes a parked fiber of the current loop runnable; harmless when it is not parked. */
void fiber_wake(struct fiber *fiber);
/* Lets the other runnable fibers of the loop run. */
MAY_YIELD void fiber_yield(void);
MUST_CHECK MAY_YIELD enum err fiber_sleep_until(uint64_t deadline_ms);

/* Closing words: within a shield, waits are not cancelled (they still end at their deadlines).
 * Nests. */
void fiber_shield_begin(void);
void fiber_shield_end(void);
/* True once the current fiber was cancelled and no shield is up. */
bool fiber_is_cancelled(void);

/* Returns the memory of the unused part of the current stack to the system. For fibers about to
 * wait long; costs a system call. */
void fiber_trim_stack(void);

/* ---- completions: waiting for another thread ----
 * Lives in the waiter's frame. The wait cannot be cancelled or time out, since the other side
 * holds the pointer: use it only for work that always ends. */
struct fiber_completion {
    struct loop_task task;
    struct fiber *fiber;
    struct loop *loop;
    bool waiting; /* both on the loop's thread only */
    bool done;
};

void fiber_completion_init(struct fiber_completion *completion);
/* From any thread, once. The completion may be gone when this returns. */
void fiber_completion_finish(struct fiber_completion *completion);
MAY_YIELD void fiber_completion_wait(struct fiber_completion *completion);

/* ---- queues of waiting fibers, on one loop ---- */
struct fiber_waiters {
    struct list waiting;
};
void fiber_waiters_init(struct fiber_waiters *waiters);
/* Parks among the waiters, first come first served. As after any park, look at the condition again.
 */
MUST_CHECK MAY_YIELD enum err fiber_waiters_wait(struct fiber_waiters *waiters,
                                                 uint64_t deadline_ms);
void fiber_waiters_wake_one(struct fiber_waiters *waiters);
void fiber_waiters_wake_all(struct fiber_waiters *waiters);

#endif
