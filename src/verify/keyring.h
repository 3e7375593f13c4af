/* The keys that sign our mail, by domain. Made once, then only read, by any number of threads. */
#ifndef VERIFY_KEYRING_H
#define VERIFY_KEYRING_H

#include "verify/dkim_sign.h"

struct keyring;

/* The keys of one domain, in the order they were added; at least one. */
struct keyring_domain {
    struct str name; /* lower case, in A-labels */
    struct dkim_signing_key *keys;
    size_t count;
};

struct keyring *keyring_new(void);
/* Takes NULL. */
void keyring_free(struct keyring *keyring);

/* Errors as private_key_parse; also ERR_SYNTAX for a domain that cannot be published. */
MUST_CHECK enum err keyring_add(struct keyring *keyring, struct str domain, struct str selector,
                                struct str pem);
/* Whose keys sign for `domain`, in any case: its own, else those of the nearest domain above it
 * that has any. NULL: nobody's. A keyring that is NULL holds nothing. */
const struct keyring_domain *keyring_find(const struct keyring *keyring, struct str domain);

#endif
