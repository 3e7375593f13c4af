/* A conversation that is ready for transactions: found, connected, greeted, encrypted and logged in
 * as the way wants it. */
#ifndef DELIVER_CONNECT_H
#define DELIVER_CONNECT_H

#include "deliver/client.h"
#include "deliver/target.h"

struct connection {
    bool is_open;
    struct smtp_client client;
    struct transcript transcript; /* of the tries that failed, too */
    struct arena arena;           /* lives as long as the connection */
    struct str peer;              /* for people: "mx.example.net [192.0.2.1]:25" */
    struct str host;              /* its name or IP alone, for reports */
    struct str set;               /* the hosts it is one of: that of the targets */
    uint64_t opened_ms;
    uint32_t transactions; /* so far; the caller's */
};

void connection_init(struct connection *connection);
/* Ends it without a word, if it is open. */
void connection_done(struct connection *connection);

/* Tries the targets in order, those last that lately gave no answer. The policy of TLS: none; may:
 * unverified, and in clear over a new connection where it fails; require; verify, also wherever
 * there is a login.
 * False: nothing is open, *out_problem (in connection->arena) is for every job that leaves by these
 * hosts; without any target it has said why already; or the fiber was cancelled. */
MUST_CHECK MAY_YIELD bool connection_open(struct connection *connection,
                                          const struct deliver_options *options,
                                          const struct route_way *way,
                                          const struct targets *targets,
                                          struct queue_outcome *out_problem);

#endif
