/* Addresses where lately no SMTP server answered, since no connection was to be had or nobody
 * greeted: remembered for some minutes, so that a host with one dead address of several does not
 * cost each connection its timeout. They are tried last, not left out. Belongs to one loop. At most
 * DEAD_ADDRESSES_MAX; the one that would be forgotten next gives way. */
#ifndef DELIVER_DEAD_ADDRESSES_H
#define DELIVER_DEAD_ADDRESSES_H

#include "deliver/target.h"

#define DEAD_ADDRESSES_MAX 256
#define DEAD_ADDRESS_MS    ((uint64_t)5 * 60 * 1000)

/* Zeros: none. */
struct dead_addresses {
    struct dead_address {
        struct net_address address;
        uint64_t until_ms; /* on the loop's clock */
    } at[DEAD_ADDRESSES_MAX];
};

/* All functions take NULL for `dead`: then nothing is remembered. */
void dead_addresses_add(struct dead_addresses *dead, const struct net_address *address,
                        uint64_t now_ms);
/* It answers. */
void dead_addresses_remove(struct dead_addresses *dead, const struct net_address *address);
bool dead_addresses_has(const struct dead_addresses *dead, const struct net_address *address,
                        uint64_t now_ms);
/* Puts the dead ones behind the others; else they keep their order. */
void dead_addresses_put_last(const struct dead_addresses *dead, struct targets *targets,
                             uint64_t now_ms);

#endif
