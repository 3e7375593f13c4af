#include "net/interfaces.h"

#include <errno.h>
#include <ifaddrs.h>

static socklen_t len_of(const struct sockaddr *socket)
{
    switch (socket ? socket->sa_family : AF_UNSPEC) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return sizeof(struct sockaddr_in6);
    default:
        return 0;
    }
}

enum err interfaces_list(struct arena *arena, struct net_address **out_addresses, size_t *out_count)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0)
        return err_from_errno(errno);
    size_t max = 0, count = 0;
    for (const struct ifaddrs *at = all; at; at = at->ifa_next)
        max++;
    struct net_address *addresses = ARENA_ARRAY(arena, struct net_address, max);
    for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
        socklen_t len = len_of(at->ifa_addr);
        if (len)
            addresses[count++] = net_address_from(at->ifa_addr, len);
    }
    freeifaddrs(all);
    *out_addresses = addresses;
    *out_count = count;
    return OK;
}
