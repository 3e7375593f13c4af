/* The world of one simulation: a server, its clients, the next hosts, the network between them and
 * the disk below, all on one loop with a virtual clock, all from one seed. The same seed plays the
 * same story, byte for byte, in any process.
 *
 *     senders ──network──▶ server ──network──▶ sinks: home, sink0, sink1, sink2 (.example)
 *                            └──disk──▶ mailbox box@local.example
 *
 * sink1 takes the mail of further domains as well, twin0.sink1.example and so on, which have the
 * same MX.
 *
 * SIM_SEED=n plays that seed alone; SIM_ROUNDS=n so many, from 1 on; SIM_LOG=1 shows the server's
 * log and what a play amounted to; SIM_WIRE=1 all that is said at the server's end of the wires. */
#ifndef TEST_SIM_WORLD_H
#define TEST_SIM_WORLD_H

#include "fiber/loop.h"
#include "sender.h"
#include "server.h"
#include "sink.h"

#define WORLD_START_US   ((int64_t)1700000000 * 1000000)
#define WORLD_DISK_BYTES ((uint64_t)256 << 20)

#define SECOND ((uint64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define WORLD_TWINS 30

enum { SINK_HOME, SINK_0, SINK_1, SINK_2, SINK_COUNT };

struct world {
    uint64_t seed;
    struct random random;
    struct arena arena;
    struct clock clock;
    struct loop *loop;
    struct disk *memory;
    struct crashing_disk disk;
    struct network *network;
    struct wires wires;
    struct resolver *resolver;
    struct route_table *routes;
    struct blocking_pool *pool;
    char in_flight_file[32];
    struct ledger ledger;
    struct sink sinks[SINK_COUNT];
    struct server server;
    struct fiber_group body, senders;
    uint16_t sender_count;
    void (*play)(struct world *world);
};

/* Plays it in a fiber, with the server installed but not started and the sinks open; then judges.
 * Returns how many of the seeds broke a rule, each printed. */
unsigned world_play_seeds(void (*play)(struct world *world), unsigned rounds);
/* One seed. True when no rule was broken. */
bool world_play(void (*play)(struct world *world), uint64_t seed, uint64_t *out_story);

/* Within the play: is it as it must be? */
#define EXPECT(world, condition)                                                                   \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ledger_problem(&(world)->ledger, "%s:%d: not so: %s", __FILE__, __LINE__, #condition); \
    } while (0)

static inline uint64_t world_roll(struct world *world, uint64_t bound)
{
    return random_below(&world->random, bound);
}
MAY_YIELD void world_sleep(uint64_t ms);

struct sender world_sender(struct world *world);
/* Sends one mailing from a sender of its own and returns it with its fate. */
MAY_YIELD struct mailing *world_send(struct world *world, size_t size_bytes,
                                     const char *const *domains, size_t count);
/* To one recipient, a kilobyte. */
MAY_YIELD struct mailing *world_send_to(struct world *world, const char *domain);

/* One mailing to three recipients of the sink, promised while the sink is shut and whatever
 * connections were kept to it are given up: the next one is new. */
MAY_YIELD void world_send_to_shut(struct world *world, struct sender *sender, struct sink *sink);

/* Senders in fibers: each makes so many mailings of random size for random recipients, pauses up to
 * `pause_ms` before each, and makes another after one that was not promised. */
void world_spawn_senders(struct world *world, unsigned senders, unsigned mailings,
                         uint64_t pause_ms);
MAY_YIELD void world_join_senders(struct world *world);

/* The sinks but home. */
void world_set_moods(struct world *world, struct sink_moods moods);
void world_calm_network(struct world *world);

#endif
