/* DMARC: RFC 9989. Whether the domain in From is vouched for by SPF or DKIM, and what its owner
 * asks for when it is not.
 *
 * Promises: a message whose From is not one field with one address never passes; then every
 * author's domain is looked at, up to DMARC_AUTHORS_MAX, and the strictest policy counts (section
 * 11.5). Where the DNS gave no answer and one could have changed the result, the result is
 * temperror. At most 8 look-ups for each author and each identifier that might be aligned. */
#ifndef VERIFY_DMARC_H
#define VERIFY_DMARC_H

#include "dns/resolver.h"
#include "verify/dmarc_author.h"
#include "verify/dmarc_record.h"

enum dmarc_result {
    DMARC_RESULT_NONE, /* no policy is published, or none that can be used */
    DMARC_RESULT_PASS,
    DMARC_RESULT_FAIL,
    DMARC_RESULT_TEMPERROR,
    DMARC_RESULT_PERMERROR, /* nobody can say who the author is */
};

/* "pass" */
struct str dmarc_result_text(enum dmarc_result result);

enum dmarc_method { DMARC_BY_SPF, DMARC_BY_DKIM };

/* A domain that SPF (of the reverse-path, section 4.4.2) or a DKIM signature vouches for. */
struct dmarc_identifier {
    enum dmarc_method method;
    struct str domain;
    bool is_temporary; /* it did not pass, but for a temporary error */
};

struct dmarc_query {
    const struct dmarc_authors *authors;
    const struct dmarc_identifier *identifiers;
    size_t identifier_count;
};

struct dmarc_answer {
    enum dmarc_result result;
    enum dmarc_policy policy; /* as published for this name; NONE where there is no record */
    enum dmarc_policy
        disposition; /* what is asked for: NONE unless the result is FAIL; t=y counted */
    bool aligned_spf;
    bool aligned_dkim;
    struct str author_domain; /* that decided; empty: there is none */
    struct str record_domain; /* where the record was found; empty: there is none */
    struct dmarc_record record;
    struct str reason; /* in plain words */
};

/* What lives in the answer lives in `arena`, or is the query's. */
MAY_YIELD void dmarc_check(struct resolver *resolver, const struct dmarc_query *query,
                           uint64_t deadline_ms, struct arena *arena,
                           struct dmarc_answer *out_answer);

#endif
