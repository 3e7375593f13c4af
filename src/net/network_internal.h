/* The seam between the two networks: what each of them must be able to do. */
#ifndef NET_NETWORK_INTERNAL_H
#define NET_NETWORK_INTERNAL_H

#include "net/network.h"

struct network_methods {
    enum err (*connect)(struct network *network, const struct net_address *to,
                        const struct net_address *source, uint64_t deadline_ms,
                        struct stream **out_stream);
};

struct network {
    const struct network_methods *methods;
};

struct listener_methods {
    enum err (*accept)(struct listener *listener, uint64_t deadline_ms, struct stream **out_stream);
    void (*close)(struct listener *listener);
};

struct listener {
    const struct listener_methods *methods;
};

#endif
