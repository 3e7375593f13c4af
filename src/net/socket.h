/* Sockets as transports of streams, and what the rest of net/ needs to know of them. */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "net/stream_internal.h"

struct socket_stream {
    struct stream stream; /* first */
    struct watch watch;
    bool
        is_drained; /* the last read took all there was: only a new edge makes another worthwhile */
};

/* The error of an established connection. What the network says late (no route, no answer to
 * retransmissions) is a lost connection; a deadline is ours alone. */
enum err socket_error(int system_errno);

/* As stream_from_socket, but tells why it could not. The descriptor is closed on an error. */
MUST_CHECK enum err socket_stream_new(int fd, struct socket_stream **out_stream);
/* Once more, when it was not connected yet. */
void socket_stream_learn_addresses(struct socket_stream *socket);

#endif
