#include "deliver/timeouts.h"

#define SECOND 1000u
#define MINUTE (60 * SECOND)

struct deliver_timeouts deliver_timeouts_default(void)
{
    return (struct deliver_timeouts){
        .connect = 15 * SECOND, /* four SYNs */
        .connects = 1 * MINUTE,
        .banner = 5 * MINUTE,
        .command = 5 * MINUTE,
        .mail = 5 * MINUTE,
        .rcpt = 5 * MINUTE,
        .data_start = 2 * MINUTE,
        .data_block = 3 * MINUTE,
        .data_end = 10 * MINUTE,
        .quit = 2 * SECOND,
        .idle = 5 * SECOND,
    };
}
