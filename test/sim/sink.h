/* A next host: an SMTP server that hands every message it takes to the ledger, and has moods. At
 * each step of a conversation it may, by chance, refuse for now or for good, take its time, fall
 * silent for ever, or drop the connection; what it took and could not answer for, it took. */
#ifndef TEST_SIM_SINK_H
#define TEST_SIM_SINK_H

#include "base/random.h"
#include "fiber/fiber.h"
#include "ledger.h"
#include "net/tls.h"

/* Chances in a thousand, at each step. */
struct sink_moods {
    unsigned for_now;  /* 4xx */
    unsigned for_good; /* 5xx, from MAIL on */
    unsigned hangs;
    unsigned dies;
    unsigned slow; /* up to a minute */
};

/* What a sink says once instead of what it should: in place of its reply number `at`, from 0 on,
 * counted since this was set. It knows what it did: a refusal it meant, nonsense it did not. */
struct sink_slip {
    unsigned at;
    struct str words; /* with their line ends; `at` NULL: it says nothing odd (any more) */
    bool ends;        /* closes the connection behind them */
};

struct sink {
    const char *name;       /* its domain */
    const char *extensions; /* "PIPELINING CHUNKING STARTTLS 8BITMIME" */
    struct net_address address;
    struct sink_moods moods;
    struct sink_slip slip;
    size_t recipients_max; /* of one transaction, then 452; 0: any number */
    uint64_t content_ms;   /* so long it thinks about each message */
    struct random *random;
    struct network *network;
    struct wires *wires;
    struct ledger *ledger;
    /* Something to do when a connection comes in. */
    void (*greets)(void *context);
    void *context;

    struct fiber_group listening, visits;
    struct listener *listener;
    unsigned connections; /* so far */
};

/* On the current loop; it does not listen yet. The members above `listening` are the caller's. */
void sink_init(struct sink *sink);
void sink_open(struct sink *sink);
/* Connections are refused; those there are go on. */
MAY_YIELD void sink_shut(struct sink *sink);
MAY_YIELD void sink_done(struct sink *sink);

#endif
