#include "net/socket.h"

#include "base/mem.h"
#include "net/network.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define DISCARD_BYTES_MAX (256 * 1024)

static const struct stream_transport socket_transport;

static struct socket_stream *socket_of(struct stream *stream)
{
    assert(stream->transport == &socket_transport);
    return (struct socket_stream *)stream;
}

enum err socket_error(int system_errno)
{
    switch (system_errno) {
    case EAGAIN:
        return ERR_BUSY;
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case ECONNREFUSED: /* an ICMP message, since the connection stood already */
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
        return ERR_RESET;
    default:
        return ERR_IO;
    }
}

static enum err socket_read(struct stream *stream, char *out, size_t size, size_t *out_len)
{
    struct socket_stream *socket = socket_of(stream);
    if (socket->is_drained && !socket->watch.ready[WATCH_READ])
        return ERR_BUSY;
    socket->watch.ready[WATCH_READ] = false; /* what arrives from here on is a new edge */
    ssize_t len;
    do
        len = recv(socket->watch.fd, out, size, 0);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return socket_error(errno);
    if (len == 0)
        return ERR_CLOSED;
    /* When data and end came together there was one edge for both. */
    socket->is_drained = (size_t)len < size && !socket->watch.hung_up;
    *out_len = (size_t)len;
    return OK;
}

static enum err socket_write(struct stream *stream, struct str bytes, size_t *out_len)
{
    ssize_t len;
    do
        len = send(socket_of(stream)->watch.fd, bytes.at, bytes.len, MSG_NOSIGNAL);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return socket_error(errno);
    *out_len = (size_t)len;
    return OK;
}

static enum err socket_wait(struct stream *stream, enum watch_side side, uint64_t deadline_ms,
                            bool at_boundary)
{
    struct socket_stream *socket = socket_of(stream);
    enum err err = watch_wait(&socket->watch, side, deadline_ms, at_boundary);
    if (err == OK && side == WATCH_READ)
        socket->is_drained = false;
    return err;
}

/* Unread input would turn our close into a reset, which can overtake our last words on their way.
 * MSG_TRUNC takes it off the queue without a copy. */
static void discard_input(int fd)
{
    ssize_t len = 1;
    for (size_t seen = 0; len > 0 && seen < DISCARD_BYTES_MAX; seen += (size_t)len)
        len = recv(fd, NULL, DISCARD_BYTES_MAX, MSG_TRUNC | MSG_DONTWAIT);
}

static void socket_close(struct stream *stream, bool reset)
{
    struct socket_stream *socket = socket_of(stream);
    int fd = socket->watch.fd;
    watch_close(&socket->watch);
    if (reset) {
        struct linger no_linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_linger, sizeof no_linger);
    } else if (stream->local.socket.any.sa_family != AF_UNIX) {
        shutdown(fd, SHUT_WR);
        discard_input(fd);
    }
    close(fd);
    mem_free(socket);
}

static const struct stream_transport socket_transport = {
    .read = socket_read,
    .write = socket_write,
    .wait = socket_wait,
    .close = socket_close,
};

/* ---- making one ---- */
typedef int name_function(int fd, struct sockaddr *address, socklen_t *len);

static struct net_address name_of(int fd, name_function *get_name)
{
    struct sockaddr_storage name = {0};
    socklen_t len = sizeof name;
    if (get_name(fd, (struct sockaddr *)&name, &len) != 0)
        len = sizeof(sa_family_t); /* gone already: the first read will tell */
    struct net_address none = {0};
    return len <= sizeof none.socket ? net_address_from((struct sockaddr *)&name, len) : none;
}

void socket_stream_learn_addresses(struct socket_stream *socket)
{
    socket->stream.peer = name_of(socket->watch.fd, getpeername);
    socket->stream.local = name_of(socket->watch.fd, getsockname);
}

enum err socket_stream_new(int fd, struct socket_stream **out_stream)
{
    struct socket_stream *socket = NEW(struct socket_stream);
    stream_init(&socket->stream, &socket_transport);
    enum err err = watch_open(&socket->watch, fd, false);
    if (err) {
        close(fd);
        mem_free(socket);
        return err;
    }
    /* Answers are gathered before they are sent; the kernel need not wait for more of them.
     * Fails on a UNIX socket, where nothing waits anyway. */
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    socket_stream_learn_addresses(socket);
    *out_stream = socket;
    return OK;
}

struct stream *stream_from_socket(int fd)
{
    struct socket_stream *socket;
    return socket_stream_new(fd, &socket) == OK ? &socket->stream : NULL;
}

enum err stream_peer_credentials(const struct stream *stream, uid_t *out_uid, pid_t *out_pid)
{
    if (stream->local.socket.any.sa_family != AF_UNIX)
        return ERR_UNSUPPORTED;
    if (stream->transport != &socket_transport) {
        *out_uid = getuid();
        *out_pid = getpid();
        return OK;
    }
    struct ucred credentials;
    socklen_t len = sizeof credentials;
    int fd = ((const struct socket_stream *)stream)->watch.fd;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) != 0)
        return err_from_errno(errno);
    *out_uid = credentials.uid;
    *out_pid = credentials.pid;
    return OK;
}
