/* The DNS tree walk: RFC 9989 section 4.10. Finds the DMARC records above a name, and with them
 * its organizational domain, in at most eight look-ups. */
#ifndef VERIFY_DMARC_WALK_H
#define VERIFY_DMARC_WALK_H

#include "dns/resolver.h"
#include "verify/dmarc_record.h"

#define DMARC_WALK_MAX 8

struct dmarc_step {
    struct str domain;
    struct dmarc_record record;
};

struct dmarc_walk {
    struct resolver *resolver;
    uint64_t deadline_ms;
    struct arena *arena;
    struct str domain;                       /* where it begins: a domain_is_name */
    struct dmarc_step steps[DMARC_WALK_MAX]; /* where a record was found; longest name first */
    size_t count;
    size_t labels_left; /* of the name to look at next */
    bool name_exists;   /* as far as the first look-up shows; else nobody knows */
    bool is_incomplete; /* the DNS gave no answer somewhere: nothing may be concluded */
};

/* Looks for the domain's own record only, which is often enough. The records live in `arena`. */
MAY_YIELD void dmarc_walk_begin(struct resolver *resolver, struct str domain, uint64_t deadline_ms,
                                struct arena *arena, struct dmarc_walk *out_walk);

/* Goes on up to the top-level domain, or to a record that says whether its domain is a public
 * suffix. Harmless when that was done. */
MAY_YIELD void dmarc_walk_finish(struct dmarc_walk *walk);

/* Of a finished walk: the organizational domain (section 4.10.2); the walk's own domain where
 * nothing else is found. */
struct str dmarc_walk_organization(const struct dmarc_walk *walk);

/* The record to apply to messages of the walk's domain (section 4.10.1): its own, else, when the
 * walk is finished, that of its organizational domain, else that of the public suffix above. NULL
 * when there is none. */
const struct dmarc_step *dmarc_walk_policy(const struct dmarc_walk *walk);

#endif
