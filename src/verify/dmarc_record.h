/* A DMARC policy record as it is published: RFC 9989 sections 4.7 and 4.8. Pure.
 *
 * "v=DMARC1" comes first and is exact; whatever else is wrong is ignored in favour of the default,
 * as are unknown tags, among them pct, rf and ri. Of a tag that stands twice the first counts.
 * Names and values are read without regard to case, but for the version. */
#ifndef VERIFY_DMARC_RECORD_H
#define VERIFY_DMARC_RECORD_H

#include "base/arena.h"

enum dmarc_policy {
    DMARC_POLICY_UNSET, /* the tag is not there */
    DMARC_POLICY_INVALID,
    DMARC_POLICY_NONE,
    DMARC_POLICY_QUARANTINE,
    DMARC_POLICY_REJECT,
};

enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

struct dmarc_record {
    enum dmarc_policy policy;             /* p */
    enum dmarc_policy subdomain_policy;   /* sp */
    enum dmarc_policy nonexistent_policy; /* np */
    enum dmarc_psd psd;
    bool is_testing; /* t=y */
    bool is_strict_dkim;
    bool is_strict_spf;
    struct str rua, ruf; /* as published; see dmarc_record_next_uri */
    struct str fo;       /* "0" where none is given */
};

/* Reads a TXT record; slices borrow from it. False when it is no DMARC record. */
bool dmarc_record_parse(struct str txt, struct dmarc_record *out_record);

/* Takes the next address off a list (rua or ruf); false at its end. What is no URI is skipped, the
 * "!size" of older records cut off. */
bool dmarc_record_next_uri(struct str *list, struct str *out_uri);

/* Section 4.10.1: a record with an invalid p, sp or np is as good as "p=none" when it asks for
 * reports, else it is as good as none at all: then false. */
bool dmarc_record_is_usable(const struct dmarc_record *record);

/* What the record says of messages that do not pass: of its own domain, or of a name below it.
 * Never UNSET or INVALID: without a p, or with one of the three that is invalid, the record is no
 * more than "p=none", whatever sp and np say (sections 4.7, 4.10.1). t=y is not yet applied. */
enum dmarc_policy dmarc_record_policy(const struct dmarc_record *record, bool is_subdomain,
                                      bool is_nonexistent);

/* "none", "quarantine", "reject" */
struct str dmarc_policy_text(enum dmarc_policy policy);

#endif
