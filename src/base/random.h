/* Randomness, as a seam: what decides behaviour (jitter, shuffles, ids of files) takes a
 * `struct random`, so that a simulation is repeated exactly from its seed. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/defs.h"

struct random {
    uint64_t seed; /* state of the repeatable generator; unused when `system` */
    bool system;   /* take from the kernel */
};

/* The kernel's randomness. Safe from several threads. */
struct random random_system(void);
/* A repeatable sequence (splitmix64). Not for secrets, not for several threads. */
struct random random_seeded(uint64_t seed);

uint64_t random_u64(struct random *random);
/* Uniform in [0, bound); bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);
/* Fills `out` with bytes of the kernel, fit for secrets. */
void random_bytes(void *out, size_t len);

#endif
