/* A search for targets: what target.c and target_mx.c know of each other. */
#ifndef DELIVER_TARGET_INTERNAL_H
#define DELIVER_TARGET_INTERNAL_H

#include "deliver/target.h"

#define TARGET_MX_PORT 25

struct search {
    const struct deliver_options *options;
    struct arena *arena;
    uint64_t deadline_ms; /* of all questions together */
    struct targets *targets;
    struct queue_outcome *problem;
    bool is_foreign; /* the addresses are what others' DNS says */
    /* What was found and is no target: */
    struct str unanswered; /* a question that failed: what was found may not be all */
    struct str refused;    /* an address that is not followed, and what it is */
    bool is_here;          /* an address of our own */
};

/* The answers that are problems; both return false. */
bool search_fails(struct search *search, struct str words);
bool search_waits(struct search *search, struct str words);

/* Errors are answers, too: no domain name is DNS_NO_NAME. */
MAY_YIELD void search_ask(struct search *search, struct str name, enum dns_type type,
                          struct dns_answer *out_answer);
/* Adds an address, unless there is no room, it is there already, or it is not to be followed. */
void search_add(struct search *search, struct str host, const struct net_address *address,
                uint16_t port);
/* Adds the host's addresses. */
MAY_YIELD void search_add_host(struct search *search, struct str host, uint16_t port);
/* Whether there are any targets; else why not. */
bool search_judge(struct search *search, struct str name);

MUST_CHECK MAY_YIELD bool search_mx(struct search *search, struct str domain);

#endif
