#include "deliver/dead_addresses.h"

/* DEAD_ADDRESSES_MAX when it is not there. */
static size_t find(const struct dead_addresses *dead, const struct net_address *address)
{
    size_t i = 0;
    while (i < DEAD_ADDRESSES_MAX &&
           !(dead->at[i].until_ms && net_address_eq(&dead->at[i].address, address)))
        i++;
    return i;
}

static size_t find_oldest(const struct dead_addresses *dead)
{
    size_t oldest = 0;
    for (size_t i = 1; i < DEAD_ADDRESSES_MAX; i++)
        if (dead->at[i].until_ms < dead->at[oldest].until_ms)
            oldest = i;
    return oldest;
}

void dead_addresses_add(struct dead_addresses *dead, const struct net_address *address,
                        uint64_t now_ms)
{
    if (!dead)
        return;
    size_t place = find(dead, address);
    if (place == DEAD_ADDRESSES_MAX)
        place = find_oldest(dead);
    dead->at[place] = (struct dead_address){*address, now_ms + DEAD_ADDRESS_MS};
}

void dead_addresses_remove(struct dead_addresses *dead, const struct net_address *address)
{
    size_t place = dead ? find(dead, address) : DEAD_ADDRESSES_MAX;
    if (place < DEAD_ADDRESSES_MAX)
        dead->at[place].until_ms = 0;
}

bool dead_addresses_has(const struct dead_addresses *dead, const struct net_address *address,
                        uint64_t now_ms)
{
    size_t place = dead ? find(dead, address) : DEAD_ADDRESSES_MAX;
    return place < DEAD_ADDRESSES_MAX && now_ms < dead->at[place].until_ms;
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
