/* SPF, the Sender Policy Framework: check_host() of RFC 7208, and RFC 8616 for internationalised
 * names.
 *
 * Promises: the RFC's limits hold whatever is published (10 terms that look things up, 2 void
 * look-ups, 10 names for mx and ptr), an answer comes by the deadline, and memory is bounded by
 * the size of at most 12 DNS answers of each kind. Where the RFC leaves a choice:
 *   - a <target-name> that is no name that can be asked for does not match (section 4.8);
 *   - a term counts as one void look-up when it did not match and any of its questions had no
 *     answer, since section 4.6.4 limits the terms; so an mx with five hosts counts once;
 *   - %{p} counts as one term that looks things up, once (section 4.6.4).
 */
#ifndef VERIFY_SPF_H
#define VERIFY_SPF_H

#include "dns/resolver.h"

/* Section 2.6. */
enum spf_result {
    SPF_RESULT_NONE,
    SPF_RESULT_NEUTRAL,
    SPF_RESULT_PASS,
    SPF_RESULT_FAIL,
    SPF_RESULT_SOFTFAIL,
    SPF_RESULT_TEMPERROR,
    SPF_RESULT_PERMERROR,
};

/* "pass", as in Received-SPF and Authentication-Results. */
struct str spf_result_text(enum spf_result result);

/* Section 11.1 asks for at least 20 seconds. */
#define SPF_DEADLINE_MS 20000

struct spf_query {
    struct net_address client; /* IPv4 or IPv6; an IPv4-mapped address is IPv4 */
    struct str helo;           /* as the client said it */
    /* The reverse-path, its local part by its meaning and not quoted; split at the last "@". Empty
     * for <>: then postmaster at the HELO name is checked (section 2.4). */
    struct str sender;
    struct str receiver; /* our name for %{r}; empty: "unknown" */
    int64_t wall_us;     /* for %{t} */
};

/* What is worth telling in a trace. All text lives in the arena or is static. */
struct spf_answer {
    enum spf_result result;
    bool is_helo;           /* the HELO identity was checked */
    struct str domain;      /* that was checked, in A-labels; as given when malformed */
    struct str record;      /* the domain's record; empty: there is none */
    struct str mechanism;   /* the term of that record that decided, as published; "default" */
    struct str explanation; /* of a fail, from exp=; printable ASCII of the sender's choosing */
    struct str reason;      /* why, in plain words */
    unsigned lookups;       /* terms that looked something up */
    unsigned void_lookups;
};

/* Evaluates the query. The result is also in the answer. When the fiber is cancelled the result is
 * SPF_RESULT_TEMPERROR. */
MAY_YIELD enum spf_result spf_check(struct resolver *resolver, const struct spf_query *query,
                                    uint64_t deadline_ms, struct arena *arena,
                                    struct spf_answer *out_answer);

#endif
