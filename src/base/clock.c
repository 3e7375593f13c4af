#include "base/clock.h"

#include <time.h>

struct clock clock_system(void) { return (struct clock){0}; }

struct clock clock_virtual(int64_t epoch_us)
{
    return (struct clock){.is_virtual = true, .virtual_epoch_us = epoch_us};
}

uint64_t clock_now_ms(const struct clock *clock)
{
    if (clock->is_virtual)
        return clock->virtual_ms;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int64_t clock_wall_us(const struct clock *clock)
{
    if (clock->is_virtual)
        return clock->virtual_epoch_us + (int64_t)clock->virtual_ms * 1000;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
