#include "deliver/dead_addresses.h"

static const struct dead_address *find(const struct dead_addresses *dead,
                                       const struct net_address *address)
{
    for (size_t i = 0; dead && i < DEAD_ADDRESSES_MAX; i++)
        if (dead->at[i].until_ms && net_address_eq(&dead->at[i].address, address))
            return &dead->at[i];
    return NULL;
}

/* That of the address, or the one that is forgotten first. */
static struct dead_address *place_for(struct dead_addresses *dead,
                                      const struct net_address *address)
{
    const struct dead_address *present = find(dead, address);
    if (present)
        return &dead->at[present - dead->at];
    struct dead_address *place = &dead->at[0];
    for (size_t i = 1; i < DEAD_ADDRESSES_MAX; i++)
        if (dead->at[i].until_ms < place->until_ms)
            place = &dead->at[i];
    return place;
}

void dead_addresses_add(struct dead_addresses *dead, const struct net_address *address,
                        uint64_t now_ms)
{
    if (dead)
        *place_for(dead, address) = (struct dead_address){*address, now_ms + DEAD_ADDRESS_MS};
}

void dead_addresses_remove(struct dead_addresses *dead, const struct net_address *address)
{
    const struct dead_address *present = find(dead, address);
    if (present)
        dead->at[present - dead->at].until_ms = 0;
}

bool dead_addresses_has(const struct dead_addresses *dead, const struct net_address *address,
                        uint64_t now_ms)
{
    const struct dead_address *present = find(dead, address);
    return present && now_ms < present->until_ms;
}

void dead_addresses_put_last(const struct dead_addresses *dead, struct targets *targets,
                             uint64_t now_ms)
{
    struct target last[TARGETS_MAX];
    size_t living = 0, last_count = 0;
    for (size_t i = 0; i < targets->count; i++)
        if (dead_addresses_has(dead, &targets->at[i].address, now_ms))
            last[last_count++] = targets->at[i];
        else
            targets->at[living++] = targets->at[i];
    for (size_t i = 0; i < last_count; i++)
        targets->at[living + i] = last[i];
}
