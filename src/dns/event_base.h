/* The event loop as libunbound sees it (unbound-event.h), made of what fibers have.
 *
 * libunbound's sockets are level-triggered in an epoll set of their own, which is one descriptor to
 * the loop. One fiber waits for that set, another for libunbound's timers. libunbound itself never
 * runs on a fiber, since it has frames of 64 KiB and more: it is called through event_base_call,
 * and its callbacks must not yield. Belongs to the loop it was made on. */
#ifndef DNS_EVENT_BASE_H
#define DNS_EVENT_BASE_H

#include "base/err.h"

#include <unbound-event.h>

struct event_base_fibers;

/* ERR_BUSY when descriptors run out. */
MUST_CHECK enum err event_base_new(struct event_base_fibers **out_base);
/* Runs work(argument) on the thread's own stack, between two fibers, and waits for its end. Not
 * cancellable. */
MAY_YIELD void event_base_call(void (*work)(void *), void *argument);
/* What ub_ctx_create_ub_event takes. Outlives the context. */
struct ub_event_base *event_base_for_unbound(struct event_base_fibers *base);
/* Ends the fibers. The context is gone already. */
MAY_YIELD void event_base_free(struct event_base_fibers *self);

#endif
