/* What one SPF evaluation asks of the DNS, counted: RFC 7208 sections 4.6.4, 5.5 and 11.1. */
#ifndef VERIFY_SPF_LOOKUP_H
#define VERIFY_SPF_LOOKUP_H

#include "dns/resolver.h"

#define SPF_TERMS_MAX 10
#define SPF_VOIDS_MAX 2
#define SPF_NAMES_MAX 10 /* of mx and ptr */

struct spf_lookups {
    struct resolver *resolver;
    struct net_address client;
    uint64_t deadline_ms;
    struct arena *arena;
    unsigned terms;
    unsigned voids;
    bool term_has_void;      /* a question of the present term had no answer */
    bool has_validated;      /* whether `validated` was looked up */
    bool validated_has_void; /* a question for it had no answer */
    struct str validated[SPF_NAMES_MAX];
    size_t validated_count;
};

enum spf_found {
    SPF_FOUND,       /* there are records */
    SPF_NOTHING,     /* there are none, or the name is none that can be asked for */
    SPF_UNAVAILABLE, /* the DNS gave no answer */
};

/* Begins a term that looks things up; false when it is one too many. */
bool spf_lookups_begin_term(struct spf_lookups *lookups);
/* Ends it; false when there were too many void ones. */
bool spf_lookups_end_term(struct spf_lookups *lookups, bool matched);

/* Asks for records of the name, which may hold any bytes. */
MAY_YIELD enum spf_found spf_lookup(struct spf_lookups *lookups, struct str name,
                                    enum dns_type type, struct dns_answer *out_answer);

/* The same for the addresses of the client's family. */
MAY_YIELD enum spf_found spf_lookup_addresses(struct spf_lookups *lookups, struct str name,
                                              struct dns_answer *out_answer);

/* True when one of the addresses is the client's, as far as the prefix length goes. */
bool spf_addresses_match(const struct spf_lookups *lookups, const struct dns_answer *addresses,
                         uint8_t bits4, uint8_t bits6);
/* True when the client is in the network, four bytes of it or sixteen. */
bool spf_client_is_in(const struct net_address *client, const uint8_t *network, bool is_ip6,
                      uint8_t bits);

/* Looks up the validated domain names of the client (section 5.5), once in an evaluation. DNS
 * errors are no names. */
MAY_YIELD void spf_lookup_validated(struct spf_lookups *lookups);

#endif
