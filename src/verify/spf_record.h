/* An SPF record as it is published: RFC 7208 sections 4.5, 4.6.1, 5, 6 and 12. Pure.
 *
 * The whole record is parsed before any of it is evaluated, so a syntax error anywhere in it is
 * found, as section 4.6 demands. */
#ifndef VERIFY_SPF_RECORD_H
#define VERIFY_SPF_RECORD_H

#include "base/arena.h"
#include "base/err.h"

enum spf_mechanism {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
};

/* What a directive that matches makes of the check; see enum spf_result. */
enum spf_qualifier { SPF_PLUS = '+', SPF_MINUS = '-', SPF_TILDE = '~', SPF_QUESTION = '?' };

struct spf_directive {
    struct str text; /* as published: "-include:example.org" */
    enum spf_qualifier qualifier;
    enum spf_mechanism mechanism;
    struct str domain_spec; /* empty: the domain that is checked */
    uint8_t network[16];    /* of ip4 and ip6 */
    uint8_t bits4, bits6;   /* prefix lengths; 32 and 128 where none is given */
};

struct spf_record {
    struct spf_directive *directives;
    size_t count;
    struct str redirect;    /* domain-specs; empty: not there */
    struct str explanation; /* of exp= */
};

/* True when a TXT record is an SPF record: begins with the version and a space, or is nothing
 * else (section 4.5). */
bool spf_record_is_one(struct str txt);

/* Parses such a record; slices borrow from `txt`, the directives live in `arena`.
 * ERR_SYNTAX: *out_fault is the term at fault. */
MUST_CHECK enum err spf_record_parse(struct arena *arena, struct str txt,
                                     struct spf_record *out_record, struct str *out_fault);

#endif
