#include "server/own_addresses.h"

static size_t count_binds(const struct config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->listener_count; i++)
        count += config->listeners[i].bind_count;
    return count;
}

static void add_interfaces(struct own_addresses *own, const struct net_address *any,
                           const struct net_address *interfaces, size_t interface_count)
{
    for (size_t i = 0; i < interface_count; i++) {
        if (interfaces[i].socket.any.sa_family != any->socket.any.sa_family)
            continue;
        own->at[own->count] = interfaces[i];
        net_address_set_port(&own->at[own->count++], net_address_port(any));
    }
}

struct own_addresses own_addresses_of(const struct config *config,
                                      const struct net_address *interfaces, size_t interface_count,
                                      struct arena *arena)
{
    size_t max = count_binds(config) * (interface_count + 1);
    struct own_addresses own = {ARENA_ARRAY(arena, struct net_address, max), 0};
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        for (size_t j = 0; j < listener->bind_count; j++) {
            own.at[own.count++] = listener->binds[j];
            if (net_address_is_any(&listener->binds[j]))
                add_interfaces(&own, &listener->binds[j], interfaces, interface_count);
        }
    }
    return own;
}
