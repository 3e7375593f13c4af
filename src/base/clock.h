/* Time, as a seam: whoever needs it takes a `struct clock`. The simulation's clock jumps to the
 * next timer instead of waiting. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/defs.h"

struct clock {
    bool is_virtual;
    uint64_t virtual_ms;      /* monotonic, when virtual */
    int64_t virtual_epoch_us; /* wall time at virtual_ms = 0 */
};

/* The system's clocks. */
struct clock clock_system(void);
struct clock clock_virtual(int64_t epoch_us);

/* Milliseconds of a clock that never goes back; only differences mean something. */
uint64_t clock_now_ms(const struct clock *clock);
/* Microseconds since 1970, UTC; may jump. */
int64_t clock_wall_us(const struct clock *clock);

#endif
