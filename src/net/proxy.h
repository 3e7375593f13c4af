/* The PROXY protocol, versions 1 and 2, as its receiver sees it: the few bytes with which a load
 * balancer begins a connection to say whose it is (HAProxy's proxy-protocol.txt). Pure.
 *
 * Whoever is believed can claim to be anybody: ask for it only where the configuration says so. */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "net/address.h"

/* A whole header. Version 1 has at most 107 bytes; what version 2 carries beside the addresses is
 * skipped, and bounded so. */
#define NET_PROXY_MAX_BYTES 16384

struct net_proxy_header {
    bool has_client;           /* false: the proxy speaks for itself, or does not know */
    struct net_address client; /* an IP address and its port */
};

/* Reads the header at the start of `in`. OK: *out_used is its length in bytes. ERR_MORE: so far it
 * may be one. ERR_SYNTAX: it is none, or malformed, or too long.
 * No client: UNKNOWN, LOCAL, and families that are not TCP over IP, UNIX sockets among them: the
 * connection is as it seems. */
MUST_CHECK enum err net_proxy_parse(struct str in, struct net_proxy_header *out_header,
                                    size_t *out_used);

#endif
