/* Where this server takes mail itself, so that mail to an MX that leads here does not go in circles
 * (RFC 5321 section 5.1). What a router in front of it forwards is not known here. */
#ifndef SERVER_OWN_ADDRESSES_H
#define SERVER_OWN_ADDRESSES_H

#include "server/config.h"

struct own_addresses {
    struct net_address *at; /* with ports */
    size_t count;
};

/* The addresses of all listeners; one on all addresses (0.0.0.0, ::) stands for itself and for each
 * of the machine's interfaces. Pure. */
struct own_addresses own_addresses_of(const struct config *config,
                                      const struct net_address *interfaces, size_t interface_count,
                                      struct arena *arena);

#endif
