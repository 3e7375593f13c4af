#include "deliver/deliver.h"
#include "deliver/ways.h"

bool way_is_ending(void) { return fiber_park_at_boundary(0) != ERR_TIMEOUT; }

void deliver_slot(const struct deliver_options *options, struct queue_slot *slot)
{
    static void (*const runs[])(const struct deliver_options *, struct queue_slot *) = {
        [ROUTE_MAILDIR] = way_run_maildir, [ROUTE_SMTP] = way_run_remote,
        [ROUTE_LMTP] = way_run_remote,     [ROUTE_MX] = way_run_remote,
        [ROUTE_HOLD] = way_run_hold,
    };
    queue_slot_begin(slot);
    runs[queue_slot_way(slot)->via](options, slot);
    queue_slot_end(slot);
}
