/* What a signature's tags say: DKIM-Signature (RFC 6376 sections 3.5 and 6.1.1), and the two
 * signatures of ARC, which are made of the same tags (RFC 8617 sections 4.1.2 and 4.1.3). Pure.
 *
 * More lenient than the letter in three points: names in `d=` and `s=` may hold underscores, as
 * names in the DNS may; the local part of `i=`, which nobody uses, is not looked at; and an empty
 * name in `h=` ("from:to:") names no field. */
#ifndef VERIFY_DKIM_SIGNATURE_H
#define VERIFY_DKIM_SIGNATURE_H

#include "verify/canonical.h"
#include "verify/dkim.h"
#include "verify/tag_list.h"

/* Which field it is. */
enum signature_kind {
    SIGNATURE_DKIM = 1,
    SIGNATURE_ARC_MESSAGE = 2,
    SIGNATURE_ARC_SEAL = 4,
};

struct dkim_signature {
    enum dkim_algorithm algorithm;
    struct str algorithm_text; /* as written; empty: cannot be read, as with the next three */
    struct str domain;         /* d= */
    struct str selector;       /* s= */
    struct str identity; /* i=, or "@" and the domain; not for ARC, where i= is the instance */
    struct str identity_domain;
    struct str signature;      /* the bytes in b= */
    struct str signature_raw;  /* where b='s value stands, with all white space */
    struct str signature_text; /* b= in base64, without white space */
    struct str body_hash;      /* the bytes in bh= */
    enum canonicalization header_canonicalization;
    enum canonicalization body_canonicalization;
    struct str signed_names; /* h=, a list for tag_items */
    uint64_t body_length;    /* l=, or BODY_LENGTH_WHOLE */
    bool has_body_length;
    bool has_time;
    uint64_t time_s;    /* t= */
    uint64_t expires_s; /* x=, or UINT64_MAX */
};

/* Reads what it can, also from a signature with faults, and tells the first one. What stands in
 * `out_signature` lives in `arena` or borrows from the list. */
struct dkim_verdict dkim_signature_read(struct arena *arena, const struct tag_list *tags,
                                        enum signature_kind kind,
                                        struct dkim_signature *out_signature);

/* The same for the value of a DKIM-Signature field. */
struct dkim_verdict dkim_signature_parse(struct arena *arena, struct str value,
                                         struct dkim_signature *out_signature);

/* Whether it can be a `d=` (two labels at least) or `s=` (one): letters, digits, inner hyphens,
 * underscores. */
bool dkim_name_is_valid(struct str name, size_t labels_min);

#endif
