/* The server in the world: the same rooms, wired as src/server wires them, on one loop with a
 * virtual clock. It can be stopped in order, killed, and lose its power, and started again on what
 * the disk then holds. What the spool's committer does on a thread is a fiber here. */
#ifndef TEST_SIM_SERVER_H
#define TEST_SIM_SERVER_H

#include "../spool/crashing_disk.h"
#include "deliver/deliver.h"
#include "ledger.h"
#include "receive/receive.h"
#include "report/report.h"

struct server {
    /* what it stands on: the caller's */
    struct clock *clock;
    struct random *random;
    struct crashing_disk *disk;
    struct wires *wires;
    struct ledger *ledger;
    struct resolver *resolver;
    const struct route_table *routes;
    struct blocking_pool *pool;
    struct net_address address;  /* where it listens */
    struct net_range clients[1]; /* who may relay */
    struct queue_schedule schedule;
    const char *in_flight_file; /* on the real disk; NULL: none */

    /* one life of it */
    bool is_running;
    struct spool_recovery recovery;
    struct spool *spool;
    struct trace *trace;
    struct queue *queue;
    struct receive_gate *gate;
    struct report report;
    struct receive_service service;
    struct deliver_options deliver;
    struct listener *listener;
    struct fiber_group services, sessions, deliveries;
    struct fiber *committer;
    struct fiber *watcher; /* waits for the machine to die at some call */
    struct str in_flight;  /* the file, as it was at the death */
};

/* The disk is empty. */
void server_install(struct server *server);
void server_start(struct server *server);
/* As with SIGTERM. */
MAY_YIELD void server_stop(struct server *server);

/* The process or the machine dies at that call of the disk (1: the next; 0: none), or when
 * `deadline_ms` has come. What is left is not yet swept up. True when it was at the call. */
MAY_YIELD bool server_await_death(struct server *server, enum life_end how, uint64_t call,
                                  uint64_t deadline_ms);
/* Ends the fibers of the dead. It can be started again. */
MAY_YIELD void server_bury(struct server *server);

/* Waits until the queue is empty, held mail released; false when it is not within that time. */
MAY_YIELD bool server_await_empty(struct server *server, uint64_t within_ms);

#endif
