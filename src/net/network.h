/* The network, as a seam: where streams come from. network_system() is the machine's;
 * network_memory_new() is an in-memory network for the simulation, on a loop with a virtual clock:
 * it delivers in pieces, with delays, and breaks connections where it is told to. */
#ifndef NET_NETWORK_H
#define NET_NETWORK_H

#include "base/random.h"
#include "net/stream.h"

struct network;
struct listener;

struct network *network_system(void);

/* ERR_REFUSED, ERR_UNREACHABLE, ERR_TIMEOUT, ERR_CANCELLED; ERR_DENIED by a firewall or a socket's
 * mode; ERR_BUSY when descriptors run out. `source`: NULL or the local address to use. */
MUST_CHECK MAY_YIELD enum err network_connect(struct network *network, const struct net_address *to,
                                              const struct net_address *source,
                                              uint64_t deadline_ms, struct stream **out_stream);

/* Opens a listening socket (no fiber needed; the parent does it) with a backlog of 1,024. For IPv6,
 * IPV6_V6ONLY. SO_REUSEADDR, never SO_REUSEPORT. A UNIX socket gets mode `mode`; one left behind by
 * a server that is gone is replaced. ERR_EXISTS: the address is in use; ERR_DENIED;
 * ERR_UNREACHABLE: it is not this machine's. */
MUST_CHECK enum err network_listen(const struct net_address *at, mode_t mode, int *out_fd);
/* Takes connections from a listening descriptor on the current loop. The descriptor is shared by
 * all loops (EPOLLEXCLUSIVE) and stays the caller's. */
MUST_CHECK enum err listener_open(int fd, struct listener **out_listener);
/* A listener of the memory network. */
MUST_CHECK enum err listener_open_memory(struct network *network, const struct net_address *at,
                                         struct listener **out_listener);
/* Waits at a boundary: ERR_STOPPING when the group drains. When descriptors run out it waits a
 * moment instead of spinning. */
MUST_CHECK MAY_YIELD enum err listener_accept(struct listener *listener, uint64_t deadline_ms,
                                              struct stream **out_stream);
void listener_close(struct listener *listener);

/* The user and process at the other end of a UNIX socket; ERR_UNSUPPORTED elsewhere. In memory, the
 * other end of everything is this process. */
MUST_CHECK enum err stream_peer_credentials(const struct stream *stream, uid_t *out_uid,
                                            pid_t *out_pid);

/* Adopts a connected non-blocking socket, on the current loop. NULL when the loop cannot watch it
 * (memory of the kernel); then it is closed. */
struct stream *stream_from_socket(int fd);
/* Two ends of a pipe in memory, on the current loop. */
void stream_pair(struct stream **out_one, struct stream **out_other);

/* ---- the network in memory ---- */
struct network_faults {
    uint64_t delay_max_ms;  /* each piece waits up to this long */
    size_t piece_max_bytes; /* 0: whole writes arrive whole */
    /* Breaks the connection after this many bytes went over it in both directions together;
     * UINT64_MAX: never. Applies to connections made while it is set. */
    uint64_t break_after_bytes;
    bool break_is_silent; /* instead of a reset, nothing arrives any more */
};
struct network *network_memory_new(struct random *random);
void network_memory_free(struct network *network);
void network_memory_set_faults(struct network *network, struct network_faults faults);

#endif
