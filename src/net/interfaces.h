/* The addresses of this machine's network interfaces. */
#ifndef NET_INTERFACES_H
#define NET_INTERFACES_H

#include "net/address.h"

/* Those of IPv4 and IPv6 there are now, without port. ERR_IO, ERR_BUSY: the kernel does not tell.
 */
MUST_CHECK enum err interfaces_list(struct arena *arena, struct net_address **out_addresses,
                                    size_t *out_count);

#endif
