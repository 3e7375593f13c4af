#include "base/mem.h"
#include "net/network_internal.h"
#include "net/socket.h"

#include <errno.h>

#define SCARCITY_PAUSE_MS 100

struct socket_listener {
    struct listener listener; /* first */
    struct watch watch;
    int fd;
    bool is_watched;
};

static enum err listener_watch(struct socket_listener *self)
{
    if (self->is_watched)
        return OK;
    enum err err = watch_open(&self->watch, self->fd, true);
    self->is_watched = err == OK;
    return err;
}

static void listener_unwatch(struct socket_listener *self)
{
    if (self->is_watched)
        watch_close(&self->watch);
    self->is_watched = false;
}

/* When descriptors or memory run out, the connection stays in the backlog, and a watch that is
 * level-triggered would wake the loop for it again and again. */
static enum err pause_accepting(struct socket_listener *self, uint64_t deadline_ms)
{
    listener_unwatch(self);
    uint64_t until_ms = loop_now_ms() + SCARCITY_PAUSE_MS;
    bool is_last = deadline_ms < until_ms;
    enum err err = fiber_park_at_boundary(is_last ? deadline_ms : until_ms);
    return err == ERR_TIMEOUT && !is_last ? OK : err;
}

/* accept(2) hands out errors of connections that died in the backlog; the next one may be well. */
static bool is_scarcity(int system_errno)
{
    return system_errno == EMFILE || system_errno == ENFILE || system_errno == ENOBUFS ||
           system_errno == ENOMEM;
}

static bool is_broken(int system_errno)
{
    return system_errno == EBADF || system_errno == EINVAL || system_errno == ENOTSOCK ||
           system_errno == EFAULT;
}

static enum err wait_after(struct socket_listener *self, int system_errno, uint64_t deadline_ms)
{
    if (is_broken(system_errno))
        return ERR_IO;
    if (is_scarcity(system_errno))
        return pause_accepting(self, deadline_ms);
    if (system_errno != EAGAIN)
        return OK;
    enum err err = listener_watch(self);
    return err ? err : watch_wait(&self->watch, WATCH_READ, deadline_ms, true);
}

static enum err socket_listener_accept(struct listener *listener, uint64_t deadline_ms,
                                       struct stream **out_stream)
{
    struct socket_listener *self = (struct socket_listener *)listener;
    for (;;) {
        int fd = accept4(self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct socket_stream *socket;
        if (fd >= 0 && socket_stream_new(fd, &socket) == OK) {
            *out_stream = &socket->stream;
            return OK;
        }
        enum err err = wait_after(self, fd >= 0 ? ENOMEM : errno, deadline_ms);
        if (err)
            return err;
    }
}

static void socket_listener_close(struct listener *listener)
{
    listener_unwatch((struct socket_listener *)listener);
    mem_free(listener);
}

enum err listener_open(int fd, struct listener **out_listener)
{
    static const struct listener_methods methods = {socket_listener_accept, socket_listener_close};
    struct socket_listener *self = NEW(struct socket_listener);
    self->listener.methods = &methods;
    self->fd = fd;
    enum err err = listener_watch(self);
    if (err) {
        mem_free(self);
        return err;
    }
    *out_listener = &self->listener;
    return OK;
}

/* A flood of connections must not keep the acceptor from hearing that it shall stop, nor the
 * fibers it starts from running. */
enum err listener_accept(struct listener *listener, uint64_t deadline_ms,
                         struct stream **out_stream)
{
    fiber_yield();
    enum err err = fiber_park_at_boundary(0);
    if (err != ERR_TIMEOUT)
        return err;
    return listener->methods->accept(listener, deadline_ms, out_stream);
}

void listener_close(struct listener *listener) { listener->methods->close(listener); }
