/* The door: how many connections there are, of all clients and of each; and whose logins fail too
 * often. Internal to receive/.
 *
 * Shared by all loops: one mutex, held for a look into a map. */
#ifndef RECEIVE_GATE_H
#define RECEIVE_GATE_H

#include "net/address.h"
#include "receive/receive.h"

#include <sys/types.h>

/* Whose a connection is: of an IPv4 address or an IPv6 /64; of a user of this host; or nobody's,
 * since that is not known yet or he may have as many as he likes: it counts only among all. */
struct gate_key {
    uint8_t len; /* 0: nobody */
    char bytes[16];
};
struct gate_key gate_key_of_address(const struct net_address *client); /* UNIX sockets: nobody */
struct gate_key gate_key_of_uid(uid_t uid);

enum gate_answer {
    GATE_ENTERED,
    GATE_FULL,        /* too many connections of all clients */
    GATE_CLIENT_FULL, /* too many of this one */
};
/* After GATE_ENTERED, and only then, gate_leave follows. */
enum gate_answer gate_enter(struct receive_gate *gate, struct gate_key client);
void gate_leave(struct receive_gate *gate, struct gate_key client);
/* One that entered as `from` turns out to be of `to`, as which it leaves later. GATE_CLIENT_FULL:
 * it stays of `from`. */
enum gate_answer gate_move(struct receive_gate *gate, struct gate_key from, struct gate_key to);
/* Nearly full: whoever is idle has to make room sooner. Takes no lock. */
bool gate_is_crowded(const struct receive_gate *gate);

void gate_login_failed(struct receive_gate *gate, struct gate_key client, uint64_t now_ms);
/* False after so many failures that this one has to wait. */
bool gate_may_log_in(struct receive_gate *gate, struct gate_key client, uint64_t now_ms);

#endif
