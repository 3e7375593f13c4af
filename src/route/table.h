/* What the route table holds: for the files of this directory only. */
#ifndef ROUTE_TABLE_H
#define ROUTE_TABLE_H

#include "route/route.h"

struct route_alias {
    struct str name;              /* lower case */
    struct mail_address *targets; /* each with a domain */
    size_t target_count;
};

struct route_domain {
    struct str name; /* lower case */
    struct route_way way;
    enum route_users users;
    char separator;
    struct map user_names;               /* lower case */
    struct map aliases;                  /* of struct route_alias */
    const struct route_alias *catch_all; /* without a name; NULL: there is none */
};

struct route_table {
    struct arena arena;
    struct map domains;                      /* of struct route_domain */
    const struct route_domain *first_domain; /* NULL: there is none */
    struct map exact;                        /* of struct route_way, by name */
    struct map suffixes;                     /* "*.example.net" stands under "example.net" */
    const struct route_way *rest;            /* "*", or the built-in way */
    const struct srs_key *srs_key;           /* NULL: no sender is rewritten */
};

/* A name in lower case, for look-up without an allocation. */
struct route_key {
    char bytes[MAIL_DOMAIN_MAX_BYTES];
};
/* Borrows from `key`. Empty, which is no name of anything, when `name` is longer than all names. */
struct str route_key_make(struct route_key *key, struct str name);
/* The same for a domain: with A-labels. Empty too when it has none. */
struct str route_domain_key_make(struct route_key *key, struct str domain);

/* NULL when it is not ours. Any case, U-labels or A-labels. */
const struct route_domain *route_table_domain(const struct route_table *table, struct str name);

/* The local part without its subaddress. A separator in front separates nothing. */
struct str route_without_detail(struct str local, char separator);

#endif
