/* The event loop: one per thread. It runs fibers that are runnable, then waits for sockets
 * (epoll, edge-triggered, each descriptor registered once), timers and other threads (eventfd).
 *
 * With a virtual clock the loop never waits: when nothing is runnable it moves the clock to the
 * next timer. That is the simulation. */
#ifndef FIBER_LOOP_H
#define FIBER_LOOP_H

#include "base/clock.h"
#include "base/err.h"
#include "fiber/fiber.h"

struct loop_options {
    struct clock *clock;     /* outlives the loop */
    size_t stack_size_bytes; /* 0: 64 KiB, plus a guard page */
    size_t fibers_max;       /* 0: 30,000; fiber_spawn beyond asserts: callers bound their fibers */
};

struct loop *loop_new(const struct loop_options *options);
/* All fibers have ended. */
void loop_free(struct loop *loop);
/* The loop that runs on this thread, or NULL. */
struct loop *loop_current(void);
struct clock *loop_clock(struct loop *loop);
/* Milliseconds of the loop's clock, read once per turn: cheap. */
uint64_t loop_now_ms(void);
size_t loop_fiber_count(const struct loop *loop);

/* Runs until loop_stop was called and no fiber is left. The first fiber is started by
 * `start(argument)`, called on the loop before its first turn. In a simulation it ends also when
 * nothing is runnable and no timer is set; then it returns ERR_BUSY if fibers are still parked. */
MUST_CHECK enum err loop_run(struct loop *loop, void (*start)(void *), void *argument);
/* From the loop's own thread. */
void loop_stop(struct loop *loop);

/* Runs `task->run(task)` on the loop's thread, from any thread, in the order of posting. The
 * task's memory is the sender's until it runs. `run` must not yield; it may spawn fibers. */
void loop_post(struct loop *loop, struct loop_task *task);

/* ---- descriptors ---- */
enum watch_side { WATCH_READ, WATCH_WRITE };
struct watch {
    struct loop *loop;
    int fd;
    bool ready[2];
    bool hung_up; /* the peer ended or broke the connection: a short read may not be the last */
    bool exclusive;
    struct fiber *waiting[2];
};
/* Registers a non-blocking descriptor with the current loop. `exclusive`: EPOLLEXCLUSIVE, for
 * listening sockets that several loops watch; such a watch is level-triggered. */
MUST_CHECK enum err watch_open(struct watch *watch, int fd, bool exclusive);
/* Unregisters; the descriptor stays open. No fiber may be waiting. */
void watch_close(struct watch *watch);
/* Call after the system said EAGAIN: waits until the descriptor may be ready again.
 * `at_boundary`: as fiber_park_at_boundary. */
MUST_CHECK MAY_YIELD enum err watch_wait(struct watch *watch, enum watch_side side,
                                         uint64_t deadline_ms, bool at_boundary);
#endif
