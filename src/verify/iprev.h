/* Whether the client's address has a name that leads back to it: RFC 8601 section 3. */
#ifndef VERIFY_IPREV_H
#define VERIFY_IPREV_H

#include "dns/resolver.h"

#define IPREV_NAMES_MAX 10 /* that are looked at */

/* Section 2.7.3. */
enum iprev_result {
    IPREV_PASS,
    IPREV_FAIL,      /* names were found, but none of them leads back */
    IPREV_TEMPERROR, /* the DNS gave no answer that could have changed the result */
    IPREV_PERMERROR, /* no name is published */
};

/* "pass" */
struct str iprev_result_text(enum iprev_result result);

/* `out_name`: the name that leads back, in `arena`; empty unless the result is IPREV_PASS. */
MAY_YIELD enum iprev_result iprev_check(struct resolver *resolver, const struct net_address *client,
                                        uint64_t deadline_ms, struct arena *arena,
                                        struct str *out_name);

#endif
