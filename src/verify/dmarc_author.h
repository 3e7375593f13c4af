/* Whom a message says it is from, as far as DMARC asks: RFC 9989 sections 5.3.1 and 11.5. */
#ifndef VERIFY_DMARC_AUTHOR_H
#define VERIFY_DMARC_AUTHOR_H

#include "base/arena.h"

#define DMARC_AUTHORS_MAX 5 /* domains that are looked at */

struct dmarc_authors {
    struct str domains[DMARC_AUTHORS_MAX]; /* different ones, in lower case and A-labels */
    size_t count;
    size_t fields;    /* From fields seen */
    size_t addresses; /* in them, as far as they could be read */
    bool is_unclear;  /* something in them cannot be read, or may be read in two ways */
};

static inline struct dmarc_authors dmarc_authors_make(void) { return (struct dmarc_authors){0}; }

/* Adds what is in the value of a From field. Domains live in `arena`. */
void dmarc_authors_add(struct dmarc_authors *authors, struct arena *arena, struct str value);

/* True when there is one field with one address that everybody reads alike. Only then may a
 * message pass. */
bool dmarc_authors_are_clear(const struct dmarc_authors *authors);

#endif
