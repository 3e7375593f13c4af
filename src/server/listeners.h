/* The listening sockets. The parent opens and holds them, so that clients wait and are not refused
 * while an engine is replaced. */
#ifndef SERVER_LISTENERS_H
#define SERVER_LISTENERS_H

#include "base/arena.h"
#include "net/network.h"

struct listener_socket {
    struct net_address at;
    int fd;
};

struct listener_set {
    struct listener_socket *sockets;
    size_t count;
};

/* Opens one socket for each address, taking those that `old` has open already. ERR_*: *out_failed
 * is the address that could not be had; what was newly opened is closed again, `old` is as it was.
 */
MUST_CHECK enum err listener_set_open(const struct net_address *addresses, size_t count,
                                      const struct listener_set *old, struct listener_set *out_set,
                                      struct net_address *out_failed);
/* Closes what `next` does not have, and frees the set. `next` may be NULL. */
void listener_set_close(struct listener_set *set, const struct listener_set *next);
/* The descriptor for an address of the set. */
int listener_set_find(const struct listener_set *set, const struct net_address *at);

#endif
