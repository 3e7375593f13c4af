#include "base/mem.h"
#include "net/memory_stream.h"
#include "net/network_internal.h"
#include "net/stream_internal.h"

#define FIRST_PORT 40000 /* of clients that name no source */

struct memory_network {
    struct network network; /* first */
    struct list listeners;
    struct random *random;
    struct network_faults faults;
    uint16_t next_port;
};

struct memory_listener {
    struct listener listener; /* first */
    struct list in_network;
    struct net_address at;
    struct list backlog; /* of struct arrival */
    struct fiber *acceptor;
};

struct arrival {
    struct list in_backlog;
    struct stream *stream;
};

/* ---- listening ---- */
static enum err memory_accept(struct listener *listener, uint64_t deadline_ms,
                              struct stream **out_stream)
{
    struct memory_listener *self = (struct memory_listener *)listener;
    assert(!self->acceptor);
    enum err err = OK;
    self->acceptor = fiber_current();
    while (list_is_empty(&self->backlog) && !err)
        err = fiber_park_at_boundary(deadline_ms);
    self->acceptor = NULL;
    if (err)
        return err;
    struct arrival *arrival =
        CONTAINER_OF(list_pop_front(&self->backlog), struct arrival, in_backlog);
    *out_stream = arrival->stream;
    mem_free(arrival);
    return OK;
}

static void memory_listener_close(struct listener *listener)
{
    struct memory_listener *self = (struct memory_listener *)listener;
    struct list *link;
    while ((link = list_pop_front(&self->backlog))) {
        struct arrival *arrival = CONTAINER_OF(link, struct arrival, in_backlog);
        stream_abort(arrival->stream);
        mem_free(arrival);
    }
    list_remove(&self->in_network);
    mem_free(self);
}

static bool listens_at(const struct memory_listener *listener, const struct net_address *to)
{
    if (net_address_eq(&listener->at, to))
        return true;
    return net_address_is_any(&listener->at) &&
           listener->at.socket.any.sa_family == to->socket.any.sa_family &&
           net_address_port(&listener->at) == net_address_port(to);
}

static struct memory_listener *find_listener(struct memory_network *self,
                                             const struct net_address *to)
{
    LIST_EACH (&self->listeners, link) {
        struct memory_listener *listener = CONTAINER_OF(link, struct memory_listener, in_network);
        if (listens_at(listener, to))
            return listener;
    }
    return NULL;
}

enum err listener_open_memory(struct network *network, const struct net_address *at,
                              struct listener **out_listener)
{
    static const struct listener_methods methods = {memory_accept, memory_listener_close};
    struct memory_network *self = (struct memory_network *)network;
    if (find_listener(self, at))
        return ERR_EXISTS;
    struct memory_listener *listener = NEW(struct memory_listener);
    listener->listener.methods = &methods;
    listener->at = *at;
    list_init(&listener->backlog);
    list_push_back(&self->listeners, &listener->in_network);
    *out_listener = &listener->listener;
    return OK;
}

/* ---- connecting ---- */
static enum err travel(struct memory_network *self, uint64_t deadline_ms)
{
    if (self->faults.delay_max_ms == 0)
        return OK;
    uint64_t arrives_at_ms =
        loop_now_ms() + random_below(self->random, self->faults.delay_max_ms + 1);
    bool is_late = arrives_at_ms > deadline_ms;
    enum err err = fiber_sleep_until(is_late ? deadline_ms : arrives_at_ms);
    return !err && is_late ? ERR_TIMEOUT : err;
}

static struct net_address own_address(struct memory_network *self, const struct net_address *to)
{
    struct net_address own = *to;
    if (to->socket.any.sa_family == AF_UNIX)
        own.len = sizeof(sa_family_t);
    else
        net_address_set_port(&own, self->next_port++);
    return own;
}

static void arrive(struct memory_listener *listener, struct stream *stream)
{
    struct arrival *arrival = NEW(struct arrival);
    arrival->stream = stream;
    list_push_back(&listener->backlog, &arrival->in_backlog);
    if (listener->acceptor)
        fiber_wake(listener->acceptor);
}

static enum err memory_connect(struct network *network, const struct net_address *to,
                               const struct net_address *source, uint64_t deadline_ms,
                               struct stream **out_stream)
{
    struct memory_network *self = (struct memory_network *)network;
    enum err err = travel(self, deadline_ms);
    if (err)
        return err;
    struct memory_listener *listener = find_listener(self, to);
    if (!listener)
        return ERR_REFUSED;
    struct stream *near;
    struct stream *far;
    memory_stream_pair(self->faults, self->random, &near, &far);
    near->local = far->peer = source ? *source : own_address(self, to);
    near->peer = far->local = *to;
    arrive(listener, far);
    *out_stream = near;
    return OK;
}

/* ---- life ---- */
struct network *network_memory_new(struct random *random)
{
    static const struct network_methods methods = {.connect = memory_connect};
    struct memory_network *self = NEW(struct memory_network);
    self->network.methods = &methods;
    self->random = random;
    self->faults = network_faults_none();
    self->next_port = FIRST_PORT;
    list_init(&self->listeners);
    return &self->network;
}

void network_memory_free(struct network *network)
{
    assert(list_is_empty(&((struct memory_network *)network)->listeners));
    mem_free(network);
}

void network_memory_set_faults(struct network *network, struct network_faults faults)
{
    ((struct memory_network *)network)->faults = faults;
}
