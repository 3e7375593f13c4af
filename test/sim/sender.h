/* A client of the server: makes mailings, sends each until it knows its fate, or gives up, and
 * writes into the ledger what it was promised. */
#ifndef TEST_SIM_SENDER_H
#define TEST_SIM_SENDER_H

#include "ledger.h"
#include "net/network.h"

struct sender {
    struct network *network;
    struct net_address server;
    struct net_address address; /* its own; the port goes up with each connection */
    struct random *random;
    bool is_steady; /* does the same each time, by chance nothing */
    struct ledger *ledger;
    struct str last_words; /* of the server, to the last mailing: in the ledger's arena */
};

/* One try, over a connection of its own. */
MAY_YIELD void sender_send(struct sender *sender, struct mailing *mailing);

#endif
