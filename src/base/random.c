#include "base/random.h"

#include <stdlib.h>
#include <sys/random.h>

struct random random_system(void) { return (struct random){.system = true}; }

struct random random_seeded(uint64_t seed) { return (struct random){.seed = seed}; }

void random_bytes(void *out, size_t len)
{
    char *at = out;
    while (len) {
        ssize_t got = getrandom(at, min_size(len, 256), 0);
        if (got <= 0)
            abort(); /* a kernel without randomness: nothing can be trusted */
        at += got;
        len -= (size_t)got;
    }
}

uint64_t random_u64(struct random *random)
{
    if (random->system) {
        uint64_t value;
        random_bytes(&value, sizeof value);
        return value;
    }
    random->seed += 0x9e3779b97f4a7c15u;
    uint64_t z = random->seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    assert(bound > 0);
    uint64_t rest = (UINT64_MAX % bound + 1) % bound; /* values that would favour the low ones */
    uint64_t value;
    do
        value = random_u64(random);
    while (rest && value > UINT64_MAX - rest);
    return value % bound;
}
