/* Network addresses: IPv4, IPv6 and UNIX sockets, and ranges of them. Pure. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/arena.h"
#include "base/err.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct net_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } socket;
    socklen_t len;
};

/* "192.0.2.1:25", "[2001:db8::1]:25", "unix:/run/x". Numeric only: names are dns/'s.
 * `default_port` 0: the port is required. An IPv4-mapped IPv6 address becomes IPv4. */
MUST_CHECK enum err net_address_parse(struct str text, uint16_t default_port,
                                      struct net_address *out_address);
/* An address without port: "192.0.2.1", "2001:db8::1". */
MUST_CHECK enum err net_address_parse_ip(struct str text, struct net_address *out_address);
struct net_address net_address_from(const struct sockaddr *socket, socklen_t len);
void net_address_set_port(struct net_address *address, uint16_t port);
uint16_t net_address_port(const struct net_address *address);

/* "[2001:db8::1]:25"; the IP alone; and as an SMTP address literal "[IPv6:2001:db8::1]"
 * (RFC 5321 section 4.1.3). A UNIX socket is "unix:PATH" in all three. */
struct str net_address_print(struct arena *arena, const struct net_address *address);
struct str net_address_print_ip(struct arena *arena, const struct net_address *address);
struct str net_address_print_literal(struct arena *arena, const struct net_address *address);

/* The same host and port, or the same path. */
bool net_address_eq(const struct net_address *a, const struct net_address *b);
bool net_address_is_loopback(const struct net_address *address);
/* 0.0.0.0 or ::, with any port: what listens there listens on all of its family. */
bool net_address_is_any(const struct net_address *address);
/* The key that connections are counted by: the IPv4 address, the IPv6 /64. At most 16 bytes. */
struct str net_address_client_key(const struct net_address *address);

/* A range of addresses: "192.0.2.0/28", "2001:db8::/32", or a single address. */
struct net_range {
    uint8_t bytes[16];
    uint8_t family; /* 4 or 6 */
    uint8_t bits;
};
/* Bits behind the prefix must be zero: ERR_SYNTAX otherwise, since it is a mistake. */
MUST_CHECK enum err net_range_parse(struct str text, struct net_range *out_range);
bool net_range_has(const struct net_range *range, const struct net_address *address);
/* How far an IP address is known. A public one may lead to any host; the others mean another host
 * to everybody who uses them, or none. */
enum net_scope {
    NET_SCOPE_PUBLIC,
    NET_SCOPE_PRIVATE, /* RFC 1918, 6598, 4193 */
    NET_SCOPE_LINK,    /* link-local: RFC 3927, RFC 4291 section 2.5.6 */
    NET_SCOPE_LOOPBACK,
    NET_SCOPE_NOWHERE, /* unspecified, multicast, broadcast, reserved: no host's */
};
enum net_scope net_address_scope(const struct net_address *address);

/* Wholly within a private network (RFC 1918, 6598, 4193) or link-local; loopback is not. */
bool net_range_is_private(const struct net_range *range);

/* Whether one of them has it. */
bool net_ranges_have(const struct net_range *ranges, size_t count,
                     const struct net_address *address);

#endif
