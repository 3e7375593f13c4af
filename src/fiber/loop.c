#include "fiber/loop.h"

#include "base/mem.h"
#include "fiber/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_BYTES ((size_t)256 * 1024) /* sanitizers make frames several times as large */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STACK_BYTES ((size_t)256 * 1024)
#endif
#endif
#ifndef STACK_BYTES
#define STACK_BYTES ((size_t)64 * 1024)
#endif

#define FIBERS_MAX     30000
#define EVENTS_AT_ONCE 256

static _Thread_local struct loop *current_loop;

struct loop *loop_current(void) { return current_loop; }

struct clock *loop_clock(struct loop *loop) { return loop->clock; }

uint64_t loop_now_ms(void) { return current_loop->now_ms; }

size_t loop_fiber_count(const struct loop *loop) { return loop->fiber_count; }

/* ---- life ---- */

static void watch_wake_fd(struct loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) != 0)
        abort(); /* no descriptors at start: nothing can be served */
}

struct loop *loop_new(const struct loop_options *options)
{
    struct loop *loop = NEW(struct loop);
    loop->clock = options->clock;
    loop->now_ms = clock_now_ms(loop->clock);
    loop->fibers_max = options->fibers_max ? options->fibers_max : FIBERS_MAX;
    loop->epoll_fd = loop->wake_fd = -1;
    list_init(&loop->runnable);
    stack_pool_init(&loop->stacks,
                    options->stack_size_bytes ? options->stack_size_bytes : STACK_BYTES);
    if (!loop->clock->is_virtual)
        watch_wake_fd(loop);
    return loop;
}

void loop_free(struct loop *loop)
{
    assert(loop->fiber_count == 0);
    stack_pool_done(&loop->stacks);
    heap_done(&loop->timers);
    if (loop->epoll_fd >= 0) {
        close(loop->epoll_fd);
        close(loop->wake_fd);
    }
    mem_free(loop);
}

void loop_stop(struct loop *loop) { loop->stopping = true; }

/* ---- running fibers ---- */

void loop_make_runnable(struct fiber *fiber, enum err outcome)
{
    assert(fiber->state == FIBER_PARKED);
    heap_remove(&fiber->loop->timers, &fiber->timer);
    fiber->outcome = outcome;
    fiber->state = FIBER_RUNNABLE;
    list_remove(&fiber->in_queue); /* of waiters, if it was among any */
    list_push_back(&fiber->loop->runnable, &fiber->in_queue);
}

void loop_switch_away(struct fiber *fiber)
{
    context_switch(&fiber->context, &fiber->loop->scheduler);
}

static void bury(struct loop *loop)
{
    struct fiber *fiber = loop->ended;
    if (!fiber)
        return;
    loop->ended = NULL;
    loop->fiber_count--;
    char *stack = fiber->context.stack;
    context_done(&fiber->context);
    stack_give(&loop->stacks, stack);
}

/* Runs what is runnable now; what becomes runnable meanwhile waits for the next turn, so that
 * sockets and timers get theirs. */
static void run_fibers(struct loop *loop)
{
    struct list now;
    list_init(&now);
    list_move_all(&now, &loop->runnable);
    struct list *link;
    while ((link = list_pop_front(&now))) {
        struct fiber *fiber = CONTAINER_OF(link, struct fiber, in_queue);
        fiber->state = FIBER_RUNNING;
        loop->current = fiber;
        context_switch(&loop->scheduler, &fiber->context);
        loop->current = NULL;
        bury(loop);
    }
}

static void run_timers(struct loop *loop)
{
    struct heap_node *top;
    while ((top = heap_top(&loop->timers)) && top->key <= loop->now_ms)
        loop_make_runnable(CONTAINER_OF(top, struct fiber, timer), ERR_TIMEOUT);
}

/* ---- other threads ---- */

/* The inbox is a stack that threads push to and the loop takes whole. `asleep` spares the system
 * call when the loop is awake and will look anyway: the loop sets it, looks once more, and only
 * then waits; a sender pushes, then takes the flag. */
void loop_post(struct loop *loop, struct loop_task *task)
{
    struct loop_task *head = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
    do
        task->next = head;
    while (!atomic_compare_exchange_weak(&loop->inbox, &head, task));
    if (atomic_load(&loop->asleep) && atomic_exchange(&loop->asleep, false)) {
        uint64_t one = 1;
        if (write(loop->wake_fd, &one, sizeof one) < 0)
            assert(errno == EAGAIN);
    }
}

static void run_inbox(struct loop *loop)
{
    struct loop_task *newest = atomic_exchange(&loop->inbox, NULL);
    struct loop_task *oldest = NULL;
    while (newest) {
        struct loop_task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct loop_task *next = oldest->next; /* the task may be gone after it ran */
        oldest->run(oldest);
        oldest = next;
    }
}

/* ---- waiting for the world ---- */

static int wait_ms(const struct loop *loop)
{
    if (!list_is_empty(&loop->runnable))
        return 0;
    struct heap_node *top = heap_top(&loop->timers);
    if (!top)
        return -1;
    if (top->key <= loop->now_ms)
        return 0;
    uint64_t ms = top->key - loop->now_ms;
    return ms > 60000 ? 60000 : (int)ms;
}

static void side_is_ready(struct watch *watch, enum watch_side side)
{
    watch->ready[side] = true;
    struct fiber *fiber = watch->waiting[side];
    if (fiber && fiber->state == FIBER_PARKED)
        loop_make_runnable(fiber, OK);
}

static void take_event(const struct loop *loop, const struct epoll_event *event)
{
    struct watch *watch = event->data.ptr;
    if (!watch) {
        uint64_t count;
        if (read(loop->wake_fd, &count, sizeof count) < 0)
            assert(errno == EAGAIN);
        return;
    }
    if (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        watch->hung_up = true;
    if (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        side_is_ready(watch, WATCH_READ);
    if (event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        side_is_ready(watch, WATCH_WRITE);
}

static void wait_for_events(struct loop *loop)
{
    /* The events are the thread's, not the stack's: this runs on the thread's own stack. */
    struct epoll_event events[EVENTS_AT_ONCE];
    atomic_store(&loop->asleep, true);
    int timeout = atomic_load(&loop->inbox) ? 0 : wait_ms(loop);
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE, timeout);
    atomic_store(&loop->asleep, false);
    assert(count >= 0 || errno == EINTR);
    loop->now_ms = clock_now_ms(loop->clock);
    for (int i = 0; i < count; i++)
        take_event(loop, &events[i]);
}

/* Returns false when nothing will ever happen again. */
static bool advance_virtual_clock(struct loop *loop)
{
    if (!list_is_empty(&loop->runnable) || atomic_load(&loop->inbox))
        return true;
    struct heap_node *top = heap_top(&loop->timers);
    if (!top)
        return false;
    if (top->key > loop->now_ms)
        loop->clock->virtual_ms = loop->now_ms = top->key;
    return true;
}

enum err loop_run(struct loop *loop, void (*start)(void *), void *argument)
{
    struct loop *outer = current_loop;
    enum err err = OK;
    current_loop = loop;
    context_init_thread(&loop->scheduler);
    loop->stopping = false;
    loop->now_ms = clock_now_ms(loop->clock);
    start(argument);
    while (!loop->stopping || loop->fiber_count) {
        run_inbox(loop);
        run_timers(loop);
        run_fibers(loop);
        if (loop->stopping && loop->fiber_count == 0)
            break;
        if (!loop->clock->is_virtual) {
            wait_for_events(loop);
        } else if (!advance_virtual_clock(loop)) {
            err = loop->fiber_count ? ERR_BUSY : OK;
            break;
        }
    }
    current_loop = outer;
    return err;
}

/* ---- descriptors ---- */

enum err watch_open(struct watch *watch, int fd, bool exclusive)
{
    *watch = (struct watch){.loop = current_loop, .fd = fd, .exclusive = exclusive};
    struct epoll_event event = {.data.ptr = watch};
    event.events = exclusive ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    if (epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return err_from_errno(errno);
    return OK;
}

void watch_close(struct watch *watch)
{
    assert(!watch->waiting[WATCH_READ] && !watch->waiting[WATCH_WRITE]);
    struct epoll_event ignored = {0};
    epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, &ignored);
}

enum err watch_wait(struct watch *watch, enum watch_side side, uint64_t deadline_ms,
                    bool at_boundary)
{
    assert(watch->loop == current_loop);
    assert(!watch->waiting[side]);
    enum err err = OK;
    watch->waiting[side] = fiber_current();
    while (!watch->ready[side] && !err)
        err = at_boundary ? fiber_park_at_boundary(deadline_ms) : fiber_park(deadline_ms);
    watch->waiting[side] = NULL;
    if (watch->ready[side])
        err = OK; /* also beside a cancellation: an edge comes only once */
    watch->ready[side] = false;
    return err;
}
