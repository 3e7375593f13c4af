/* Which messages are being worked on, in a small file that is mapped into memory: what stands in it
 * when a new engine starts was in flight when the old one ended without being told to. Plain
 * stores, nothing is synced: it tells of crashes of the engine, not of the machine.
 *
 *     offset  size
 *          0     8  magic
 *          8     4  N, entries of messages in flight: one for each slot
 *         12     4  M, entries of suspects
 *         16   8 N  ids, or 0
 *      16+8N   8 M  ids, or 0
 *
 * The rule, and why it is so: README.md. A message found in flight is a suspect. A suspect found in
 * flight again is the culprit, if it was the only suspect in flight: then it is certain. The queue
 * sees to it that suspects are tried one at a time. */
#ifndef QUEUE_IN_FLIGHT_H
#define QUEUE_IN_FLIGHT_H

#include "base/err.h"
#include "spool/envelope.h"

#define IN_FLIGHT_SUSPECTS_MAX 1024

struct in_flight;

/* What a new engine finds. */
struct in_flight_verdict {
    spool_id suspects[IN_FLIGHT_SUSPECTS_MAX]; /* each once, ascending */
    size_t suspect_count;
    spool_id culprit; /* to be held; not among the suspects; 0: none */
};

/* The rule. Pure. `found` and `suspects` may hold zeros and repetitions; at most
 * IN_FLIGHT_SUSPECTS_MAX suspects remain, the newest. */
void in_flight_judge(const spool_id *found, size_t found_count, const spool_id *suspects,
                     size_t suspect_count, struct in_flight_verdict *out_verdict);

/* Judges what the file says, and begins a new one with `entries` free entries and the suspects.
 * A file that is not there or not ours accuses nobody. */
MUST_CHECK enum err in_flight_open(const char *path, uint32_t entries,
                                   struct in_flight_verdict *out_verdict,
                                   struct in_flight **out_in_flight);
/* In order: leaves a file that accuses nobody. */
void in_flight_close(struct in_flight *in_flight);

/* `id` = 0: nothing. From any thread; an entry belongs to one slot. */
void in_flight_set(struct in_flight *in_flight, uint32_t entry, spool_id id);
/* It got through an attempt. Not from two threads at once. */
void in_flight_forgive(struct in_flight *in_flight, spool_id id);

#endif
