/* The door: how many connections there are, of all clients and of each. Internal to receive/.
 *
 * Shared by all loops: one mutex, held for a look into a map. A client is an IPv4 address or an
 * IPv6 /64; whoever comes through a UNIX socket counts only among all. */
#ifndef RECEIVE_GATE_H
#define RECEIVE_GATE_H

#include "net/address.h"
#include "receive/receive.h"

enum gate_answer {
    GATE_ENTERED,
    GATE_FULL,        /* too many connections of all clients */
    GATE_CLIENT_FULL, /* too many of this one */
};
/* After GATE_ENTERED, and only then, gate_leave follows. `client` NULL: it is not known yet, or may
 * have as many as it likes; the connection counts only among all. */
enum gate_answer gate_enter(struct receive_gate *gate, const struct net_address *client);
void gate_leave(struct receive_gate *gate, const struct net_address *client);
/* One that entered as `from` turns out to be of `to`, as which it leaves later. GATE_CLIENT_FULL:
 * it stays of `from`. */
enum gate_answer gate_move(struct receive_gate *gate, const struct net_address *from,
                           const struct net_address *to);
/* Nearly full: whoever is idle has to make room sooner. Takes no lock. */
bool gate_is_crowded(const struct receive_gate *gate);

#endif
