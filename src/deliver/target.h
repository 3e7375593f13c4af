/* Where a way leads: the addresses to try, in order. MX hosts by preference, equals shuffled (RFC
 * 5321 section 5.1); of each host the families in turns, IPv6 first, so that a family that does not
 * work here costs one try.
 *
 * What others' DNS says is not followed everywhere: not to ourselves (by name or by address, nor to
 * who is no better), not to addresses that are no host's, and not into private networks unless that
 * is allowed. */
#ifndef DELIVER_TARGET_H
#define DELIVER_TARGET_H

#include "deliver/deliver.h"

#define TARGETS_MAX 12 /* addresses tried for one job; what a domain publishes beyond is not */

struct target {
    struct str host; /* whose certificate is expected: a name, or an IP */
    struct net_address address;
};

struct targets {
    struct target at[TARGETS_MAX];
    size_t count;
    /* For ways by MX: names the hosts and their order. Domains with the same leave by the same
     * hosts (queue_slot_settle). */
    struct str set;
};

/* Finds the targets of a way by SMTP, LMTP or MX; `domain` is for MX. Texts live in `arena`. False
 * when there are none: *out_problem says why, and whether that may change; or the fiber was
 * cancelled. */
MUST_CHECK MAY_YIELD bool targets_find(const struct deliver_options *options,
                                       const struct route_way *way, struct str domain,
                                       struct arena *arena, struct targets *out_targets,
                                       struct queue_outcome *out_problem);

#endif
