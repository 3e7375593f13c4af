/* A server in a bottle: the real session with the real spool, on a disk in memory and a loop with a
 * virtual clock; and a client that follows a script. */
#ifndef TEST_RECEIVE_WORLD_H
#define TEST_RECEIVE_WORLD_H

#include "base/disk.h"
#include "net/memory_stream.h"
#include "receive/gate.h"
#include "receive/session.h"

#define WORLD_MESSAGES_MAX 64
#define WORLD_SIZE_MAX     100000

struct world_message {
    spool_id id;
    struct spool_place place;
    uint32_t recipient_count;
};

struct world {
    struct arena arena;
    struct clock *clock;
    struct disk *disk;
    struct spool *spool;
    struct trace *trace;
    struct route_table *routes;
    struct srs_key srs_key; /* of the routes */
    struct accounts *accounts;
    struct blocking_pool *passwords;
    struct blocking_pool *signing;
    struct resolver *resolver; /* of the sessions; NULL at first, freed with the world */
    struct receive_gate *gate;
    struct receive_service service;
    struct fiber_group servers;
    struct world_message messages[WORLD_MESSAGES_MAX]; /* as they were announced */
    size_t message_count;
    struct random random;
    struct network *network; /* in memory */
    struct listener *listener;
    struct net_address server_address;
    struct net_address client_address; /* from which the clients come; 198.51.100.7 at first */
};

/* Within a fiber. An mx for local.example (alice, bob, list -> alice and far@away.example) and
 * open.example (anybody); accounts testuser (own: alice@local.example) and who@local.example, with
 * the password testpass. */
void world_init(struct world *world);
/* The same as a submission service with STARTTLS. */
void world_init_submission(struct world *world);
/* The same as the submit socket of programs of this host. */
void world_init_local(struct world *world);
void world_done(struct world *world);

/* What a client says, in steps: before each but the first it waits until the server is silent. */
#define WORLD_STARTTLS "<TLS>" /* a step: the client's side of the handshake */

/* A client's end of a new session. */
struct stream *world_connect(struct world *world);

/* Speaks a whole session and gives all that the server said, in memory of the world. Behind it
 * stands "closed\r\n" if the server ended it; else the client did. */
struct str world_talk(struct world *world, const struct str *steps, size_t count);
/* One step. */
struct str world_say(struct world *world, struct str bytes);
/* The same in pieces of that size, the server having time to answer each. */
struct str world_say_in_pieces(struct world *world, struct str bytes, size_t piece);

/* The codes of a conversation: "220, 250, 250 2.1.0, 221 2.0.0, closed". The greeting and the
 * replies of EHLO have no status. */
struct str world_codes(struct world *world, struct str conversation);

/* Prefix and content of a message that was taken; its envelope. */
struct str world_content(struct world *world, size_t i);
struct spool_envelope world_envelope(struct world *world, size_t i);
/* What the trace tells of it. */
struct str world_story(struct world *world, size_t i);

#endif
