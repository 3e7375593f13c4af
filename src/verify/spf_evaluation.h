/* One SPF evaluation under way: the query taken apart, the look-ups counted, the values of macros.
 * What the parts of check_host() share. */
#ifndef VERIFY_SPF_EVALUATION_H
#define VERIFY_SPF_EVALUATION_H

#include "verify/spf.h"
#include "verify/spf_lookup.h"
#include "verify/spf_macro.h"

/* Whose authorisation is asked for. */
struct spf_sender {
    struct str local;
    struct str domain; /* in A-labels, as given when malformed */
    bool is_helo;
};

struct spf_evaluation {
    const struct spf_query *query;
    struct spf_sender sender;
    struct spf_lookups lookups;
    struct spf_macro_values values;
    struct arena *arena;
};

void spf_evaluation_init(struct spf_evaluation *evaluation, struct resolver *resolver,
                         const struct spf_query *query, uint64_t deadline_ms, struct arena *arena);

/* Sets the values of macros that depend on the domain in hand, if `text` uses them. False: %{p} was
 * one look-up too many. */
MAY_YIELD bool spf_evaluation_set_values(struct spf_evaluation *evaluation, struct str domain,
                                         struct str text);

/* The <target-name> of a term in the record of `domain`; empty when nothing can match it. False as
 * above. */
MAY_YIELD bool spf_evaluation_expand(struct spf_evaluation *evaluation, struct str domain,
                                     struct str spec, struct str *out_target);

/* What check_host() found out for one domain. */
struct spf_verdict {
    enum spf_result result;
    struct str record;
    struct str mechanism;
    struct str reason;
    struct str explanation_spec; /* exp= of the record that decided */
    struct str explanation_domain;
};

/* check_host(), without the explanation: what an include asks again. */
MAY_YIELD void spf_check_host(struct spf_evaluation *evaluation, struct str domain,
                              struct spf_verdict *out_verdict);

#endif
