#include "dns/event_base.h"

#include "base/heap.h"
#include "base/mem.h"
#include "fiber/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#define TURN_MAX 64 /* callbacks before other fibers get their turn */

typedef void callback_function(int fd, short bits, void *argument);

struct event_base_fibers {
    struct ub_event_base base; /* first */
    int epoll_fd;
    struct watch watch; /* of epoll_fd */
    bool has_more;      /* sockets were ready when the turn was over */
    struct heap timers;
    struct fiber *timer_fiber;
    struct fiber_group group;
};

struct event {
    struct ub_event event; /* first */
    struct event_base_fibers *owner;
    int fd; /* -1: a timer alone */
    short bits;
    bool is_watched;
    callback_function *callback;
    void *argument;
    uint64_t timeout_ms; /* with a descriptor: of each wait */
    struct heap_node timer;
};

static struct event *event_of(struct ub_event *event) { return (struct event *)event; }

/* ---- timers ---- */
static void set_timer(struct event *event, uint64_t after_ms)
{
    struct event_base_fibers *owner = event->owner;
    heap_set(&owner->timers, &event->timer, loop_now_ms() + after_ms);
    if (heap_top(&owner->timers) == &event->timer && owner->timer_fiber)
        fiber_wake(owner->timer_fiber);
}

static uint64_t milliseconds_of(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000 + (uint64_t)(time->tv_usec + 999) / 1000;
}

/* ---- what libunbound calls ---- */
static int event_del(struct ub_event *event)
{
    struct event *self = event_of(event);
    heap_remove(&self->owner->timers, &self->timer);
    if (self->is_watched) {
        struct epoll_event ignored = {0};
        epoll_ctl(self->owner->epoll_fd, EPOLL_CTL_DEL, self->fd, &ignored);
        self->is_watched = false;
    }
    return 0;
}

static int event_add(struct ub_event *event, struct timeval *timeout)
{
    struct event *self = event_of(event);
    event_del(event);
    if (self->fd >= 0 && (self->bits & (UB_EV_READ | UB_EV_WRITE))) {
        struct epoll_event wish = {.data.ptr = self};
        wish.events = (self->bits & UB_EV_READ ? (uint32_t)EPOLLIN : 0) |
                      (self->bits & UB_EV_WRITE ? (uint32_t)EPOLLOUT : 0);
        if (epoll_ctl(self->owner->epoll_fd, EPOLL_CTL_ADD, self->fd, &wish) != 0)
            return -1;
        self->is_watched = true;
    }
    if (timeout && (self->bits & UB_EV_TIMEOUT)) {
        self->timeout_ms = milliseconds_of(timeout);
        set_timer(self, self->timeout_ms);
    }
    return 0;
}

static int event_add_timer(struct ub_event *event, struct ub_event_base *base,
                           callback_function *callback, void *argument, struct timeval *timeout)
{
    struct event *self = event_of(event);
    event_del(event);
    self->owner = (struct event_base_fibers *)base;
    self->callback = callback;
    self->argument = argument;
    set_timer(self, milliseconds_of(timeout));
    return 0;
}

/* libunbound deactivates an event before it changes it. */
static void event_add_bits(struct ub_event *event, short bits) { event_of(event)->bits |= bits; }

static void event_del_bits(struct ub_event *event, short bits)
{
    event_of(event)->bits &= (short)~bits;
}

static void event_set_fd(struct ub_event *event, int fd) { event_of(event)->fd = fd; }

static void event_free(struct ub_event *event)
{
    event_del(event);
    mem_free(event);
}

static int no_signals(struct ub_event *event, struct timeval *timeout)
{
    UNUSED(event), UNUSED(timeout);
    return -1;
}

static int no_signal(struct ub_event *event)
{
    UNUSED(event);
    return -1;
}

static struct ub_event *event_new(struct ub_event_base *base, int fd, short bits,
                                  callback_function *callback, void *argument)
{
    static struct ub_event_vmt methods = {
        .add_bits = event_add_bits,
        .del_bits = event_del_bits,
        .set_fd = event_set_fd,
        .free = event_free,
        .add = event_add,
        .del = event_del,
        .add_timer = event_add_timer,
        .del_timer = event_del,
        .add_signal = no_signals,
        .del_signal = no_signal,
    };
    struct event *self = NEW(struct event);
    self->event = (struct ub_event){UB_EVENT_MAGIC, &methods};
    self->owner = (struct event_base_fibers *)base;
    self->fd = fd;
    self->bits = bits;
    self->callback = callback;
    self->argument = argument;
    return &self->event;
}

static struct ub_event *no_new_signal(struct ub_event_base *base, int fd,
                                      callback_function *callback, void *argument)
{
    UNUSED(base), UNUSED(fd), UNUSED(callback), UNUSED(argument);
    return NULL;
}

static int no_exit(struct ub_event_base *base, struct timeval *after)
{
    UNUSED(base), UNUSED(after);
    return 0;
}

/* ---- the thread's own stack ---- */
struct call {
    struct loop_task task;
    void (*work)(void *);
    void *argument;
    struct fiber *fiber;
    bool is_done;
};

static void run_call(struct loop_task *task)
{
    struct call *call = CONTAINER_OF(task, struct call, task);
    call->work(call->argument);
    call->is_done = true;
    fiber_wake(call->fiber);
}

void event_base_call(void (*work)(void *), void *argument)
{
    struct call call = {
        .task = {.run = run_call},
        .work = work,
        .argument = argument,
        .fiber = fiber_current(),
    };
    loop_post(loop_current(), &call.task);
    fiber_shield_begin();
    while (!call.is_done) {
        enum err err = fiber_park(DEADLINE_NEVER);
        assert(err == OK);
    }
    fiber_shield_end();
}

/* ---- the two fibers ---- */
static void run_due_timers(void *argument)
{
    struct event_base_fibers *self = argument;
    struct heap_node *top;
    while ((top = heap_top(&self->timers)) && top->key <= loop_now_ms()) {
        struct event *event = CONTAINER_OF(top, struct event, timer);
        event_del(&event->event);
        event->callback(event->fd, UB_EV_TIMEOUT, event->argument); /* may free it */
    }
}

static void timers_main(void *argument)
{
    struct event_base_fibers *self = argument;
    self->timer_fiber = fiber_current();
    enum err err = OK;
    while (err == OK || err == ERR_TIMEOUT) {
        if (err == ERR_TIMEOUT)
            event_base_call(run_due_timers, self);
        struct heap_node *top = heap_top(&self->timers);
        err = fiber_park(top ? top->key : DEADLINE_NEVER);
    }
    self->timer_fiber = NULL;
}

static void run_callback(struct event *event, uint32_t epoll_bits)
{
    short wanted = event->bits & (UB_EV_READ | UB_EV_WRITE);
    short bits =
        (epoll_bits & EPOLLIN ? UB_EV_READ : 0) | (epoll_bits & EPOLLOUT ? UB_EV_WRITE : 0);
    if (epoll_bits & (EPOLLERR | EPOLLHUP))
        bits = wanted;
    bool has_timeout = heap_has(&event->timer);
    if (!(event->bits & UB_EV_PERSIST))
        event_del(&event->event);
    else if (has_timeout)
        set_timer(event, event->timeout_ms);
    event->callback(event->fd, (short)(bits & wanted), event->argument); /* may free it */
}

/* One at a time, since a callback may free the events that the kernel would have told of beside
 * its own. Leaves what is more than a turn for the next. */
static void run_ready_sockets(void *argument)
{
    struct event_base_fibers *self = argument;
    struct epoll_event ready;
    int turn = 0;
    while (turn < TURN_MAX && epoll_wait(self->epoll_fd, &ready, 1, 0) == 1) {
        run_callback(ready.data.ptr, ready.events);
        turn++;
    }
    self->has_more = turn == TURN_MAX;
}

static void sockets_main(void *argument)
{
    struct event_base_fibers *self = argument;
    while (!fiber_is_cancelled()) {
        event_base_call(run_ready_sockets, self);
        if (!self->has_more && watch_wait(&self->watch, WATCH_READ, DEADLINE_NEVER, false))
            return;
    }
}

/* ---- life ---- */
enum err event_base_new(struct event_base_fibers **out_base)
{
    static struct ub_event_base_vmt methods = {
        .loopexit = no_exit,
        .new_event = event_new,
        .new_signal = no_new_signal,
    };
    struct event_base_fibers *self = NEW(struct event_base_fibers);
    self->base = (struct ub_event_base){UB_EVENT_MAGIC, &methods};
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll_fd < 0 || watch_open(&self->watch, self->epoll_fd, false)) {
        if (self->epoll_fd >= 0)
            close(self->epoll_fd);
        mem_free(self);
        return ERR_BUSY;
    }
    fiber_group_init(&self->group, loop_current());
    fiber_spawn(&self->group, "dns sockets", sockets_main, self);
    fiber_spawn(&self->group, "dns timers", timers_main, self);
    *out_base = self;
    return OK;
}

struct ub_event_base *event_base_for_unbound(struct event_base_fibers *base) { return &base->base; }

void event_base_free(struct event_base_fibers *self)
{
    fiber_group_cancel(&self->group);
    enum err err = fiber_group_join(&self->group, DEADLINE_NEVER);
    assert(err == OK);
    watch_close(&self->watch);
    close(self->epoll_fd);
    heap_done(&self->timers);
    mem_free(self);
}
