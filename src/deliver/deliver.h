/* One client conversation, an outcome for each recipient: takes a slot of the queue, makes its
 * connection, and delivers the jobs of the destinations that leave by it until none is left.
 *
 * Promises:
 * 1. Every job taken ends with an outcome for each of its recipients, or goes back untried.
 * 2. "Delivered" is only ever said after the remote's 2xx to the content, or after a mailbox file
 *    and its name are on stable storage.
 * 3. A second copy can arise only when the connection is lost, or the process dies, between the end
 *    of the content and the record of the answer. The trace says so when it is known.
 * 4. A login is sent only through TLS with a verified certificate.
 * 5. At a drain the transaction under way is finished, then QUIT; a cancelled fiber returns what
 *    it has not sent.
 * 6. Content goes out as it is. Only to a server without 8BITMIME it is made 7-bit where it is not,
 *    and never where that would touch what is signed: such a message fails. */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include "deliver/timeouts.h"
#include "dns/resolver.h"
#include "net/network.h"
#include "net/tls.h"
#include "queue/queue.h"

struct dead_addresses;

/* What all deliveries of a loop share. Read-only. */
struct deliver_options {
    struct clock *clock;
    struct network *network;
    struct resolver *resolver; /* of this loop; may be NULL where no names are asked */
    struct random *random;     /* of this loop: shuffles equal MX hosts; NULL: the kernel's */
    struct tls_context *tls;   /* client context; NULL: no TLS is to be had */
    struct disk *disk;         /* for Maildirs */
    struct blocking_pool *maildir_pool;
    struct spool *spool;
    struct queue *queue;
    struct trace *trace;
    const struct route_table *routes;        /* rewrites senders of forwarded mail; NULL: nobody */
    struct dead_addresses *dead;             /* of this loop; NULL: none are remembered */
    const struct net_address *own_addresses; /* where we take mail ourselves, with ports */
    size_t own_address_count;
    bool private_targets; /* others' DNS may lead to private, link-local and loopback addresses */
    struct str hostname;  /* for EHLO and file names */
    struct deliver_timeouts timeouts;
};

/* Runs the slot to its end, in a fiber of its own; ends it (queue_slot_end). */
MAY_YIELD void deliver_slot(const struct deliver_options *options, struct queue_slot *slot);

#endif
