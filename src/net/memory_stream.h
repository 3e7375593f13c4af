/* Streams in memory: the two ends of a link, which has the faults it was made with. */
#ifndef NET_MEMORY_STREAM_H
#define NET_MEMORY_STREAM_H

#include "net/network.h"

/* `random` may be NULL where the faults need none; else it outlives the link. */
void memory_stream_pair(struct network_faults faults, struct random *random,
                        struct stream **out_one, struct stream **out_other);

static inline struct network_faults network_faults_none(void)
{
    return (struct network_faults){.break_after_bytes = UINT64_MAX};
}

#endif
