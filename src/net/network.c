#include "net/network.h"

#include "net/network_internal.h"
#include "net/socket.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG          1024
#define BACKLOG_RETRY_MS 20

/* ---- connecting ---- */

/* What a failed connect says about the way there. */
static enum err connect_error(int system_errno)
{
    switch (system_errno) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOENT: /* no such UNIX socket */
        return ERR_REFUSED;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return ERR_BUSY;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    default:
        return ERR_UNREACHABLE;
    }
}

static enum err open_socket(const struct net_address *to, const struct net_address *source,
                            int *out_fd)
{
    int fd = socket(to->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return connect_error(errno);
    if (source) {
        /* The port is chosen at connect, when the destination is known: otherwise there would be
         * 28,000 connections at most, to all destinations together. */
        int on = 1;
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd, &source->socket.any, source->len) != 0) {
            enum err err = connect_error(errno);
            close(fd);
            return err;
        }
    }
    *out_fd = fd;
    return OK;
}

/* A UNIX socket whose backlog is full says EAGAIN and gives no sign when that changes. */
static enum err start_connecting(int fd, const struct net_address *to, uint64_t deadline_ms)
{
    while (connect(fd, &to->socket.any, to->len) != 0) {
        if (errno == EINPROGRESS || errno == EINTR)
            return OK;
        if (errno != EAGAIN || to->socket.any.sa_family != AF_UNIX)
            return connect_error(errno);
        enum err err = fiber_park(loop_now_ms() + BACKLOG_RETRY_MS);
        if (err && err != ERR_TIMEOUT)
            return err;
        if (loop_now_ms() >= deadline_ms)
            return ERR_TIMEOUT;
    }
    return OK;
}

static enum err finish_connecting(struct socket_stream *socket, uint64_t deadline_ms)
{
    int fd = socket->watch.fd;
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    while (getpeername(fd, (struct sockaddr *)&peer, &len) != 0) {
        enum err err = watch_wait(&socket->watch, WATCH_WRITE, deadline_ms, false);
        if (err)
            return err;
        int problem = 0;
        socklen_t size = sizeof problem;
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem)
            return connect_error(problem);
        len = sizeof peer;
    }
    return OK;
}

static enum err system_connect(struct network *network, const struct net_address *to,
                               const struct net_address *source, uint64_t deadline_ms,
                               struct stream **out_stream)
{
    UNUSED(network);
    int fd = -1;
    enum err err = open_socket(to, source, &fd);
    if (err)
        return err;
    err = start_connecting(fd, to, deadline_ms);
    if (err) {
        close(fd);
        return err;
    }
    struct socket_stream *socket;
    err = socket_stream_new(fd, &socket);
    if (err)
        return err;
    err = finish_connecting(socket, deadline_ms);
    if (err) {
        stream_abort(&socket->stream);
        return err;
    }
    socket_stream_learn_addresses(socket);
    *out_stream = &socket->stream;
    return OK;
}

struct network *network_system(void)
{
    static const struct network_methods methods = {.connect = system_connect};
    static struct network network = {&methods};
    return &network;
}

enum err network_connect(struct network *network, const struct net_address *to,
                         const struct net_address *source, uint64_t deadline_ms,
                         struct stream **out_stream)
{
    return network->methods->connect(network, to, source, deadline_ms, out_stream);
}

/* ---- listening ---- */

/* The socket file of a server that is gone answers nobody; one that answers is somebody's. */
static bool remove_stale_socket(const struct net_address *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool is_stale = connect(fd, &at->socket.any, at->len) != 0 && errno == ECONNREFUSED;
    close(fd);
    struct stat status;
    return is_stale && lstat(at->socket.local.sun_path, &status) == 0 && S_ISSOCK(status.st_mode) &&
           unlink(at->socket.local.sun_path) == 0;
}

static enum err listen_error(int system_errno)
{
    return system_errno == EADDRINUSE ? ERR_EXISTS : err_from_errno(system_errno);
}

/* Nobody can connect before listen, so the mode may be set between the two. */
static enum err bind_local(int fd, const struct net_address *at, mode_t mode)
{
    if (bind(fd, &at->socket.any, at->len) != 0 &&
        !(errno == EADDRINUSE && remove_stale_socket(at) &&
          bind(fd, &at->socket.any, at->len) == 0))
        return listen_error(errno);
    return chmod(at->socket.local.sun_path, mode) == 0 ? OK : err_from_errno(errno);
}

static enum err bind_ip(int fd, const struct net_address *at)
{
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return err_from_errno(errno);
    if (at->socket.any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return err_from_errno(errno);
    return bind(fd, &at->socket.any, at->len) == 0 ? OK : listen_error(errno);
}

enum err network_listen(const struct net_address *at, mode_t mode, int *out_fd)
{
    int family = at->socket.any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = family == AF_UNIX ? bind_local(fd, at, mode) : bind_ip(fd, at);
    if (!err && listen(fd, BACKLOG) != 0)
        err = listen_error(errno);
    if (err) {
        close(fd);
        return err;
    }
    *out_fd = fd;
    return OK;
}
