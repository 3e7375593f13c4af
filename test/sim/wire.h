/* The wires that lead to the server's machine. Every connection that the server takes or makes goes
 * through here, so that three things are known of it: which bytes really arrived (not merely: were
 * sent), what was said in all the world and when (the story), and that nothing is said by a machine
 * that is down. */
#ifndef TEST_SIM_WIRE_H
#define TEST_SIM_WIRE_H

#include "base/list.h"
#include "net/network.h"
#include "net/network_internal.h"

/* When the server had said so much. */
struct wire_mark {
    uint64_t end; /* bytes, from the start */
    uint64_t moment;
};

/* One connection. Lives as long as the world: what became of it is asked long after. */
struct wire {
    struct list in_wires;
    uint64_t number;
    struct net_address server, other; /* the two ends */
    uint64_t server_read;             /* bytes that reached the server's program */
    uint64_t other_read;
    uint64_t other_wrote;   /* bytes that the other end gave to its system */
    struct wire_mark *said; /* by the server; ascending */
    size_t said_count;
    struct list expecting; /* the ledger's: answers on their way to the server */
};

enum wires_state {
    WIRES_UP,
    WIRES_RESET,  /* the program is gone: its system ends what it had open */
    WIRES_SILENT, /* the machine is gone: nobody learns of it */
};

struct wires {
    struct network network; /* first; what the server connects by */
    struct network *memory;
    struct arena *arena;
    enum wires_state state;
    uint64_t count;
    uint64_t moment;   /* goes up with all that the server hears or says: finer than any clock */
    bool is_shown;     /* on standard error, all of it */
    uint64_t story;    /* a hash of every byte at the server's end, with its time */
    struct list all;   /* of wires, the newest first */
    struct list limbo; /* ends that a silent machine left behind */
    /* Bytes reached the server. */
    void (*arrived)(void *context, struct wire *wire);
    void *context;
};

void wires_init(struct wires *wires, struct network *memory, struct arena *arena);
void wires_done(struct wires *wires);

/* The server's end of a connection that it accepted. */
struct stream *wires_accepted(struct wires *wires, struct stream *stream);
/* The other end of a connection that the server made. */
struct stream *wires_received(struct wires *wires, struct stream *stream, struct wire **out_wire);

/* When the server said the byte number `offset`, which has been said. */
uint64_t wire_said_at(const struct wire *wire, uint64_t offset);

uint64_t wire_said_bytes(const struct wire *wire);

/* From now on the server's ends hear and say nothing; their fibers are to be ended next. */
void wires_cut(struct wires *wires, enum wires_state state);
/* The machine is back: whoever still waits for its former life learns that it is over. */
void wires_mend(struct wires *wires);

#endif
