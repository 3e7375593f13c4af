/* Public keys as they are published: RFC 6376 section 3.6.1, RFC 8463 section 4; and the proof of a
 * signature with one. The record is hostile: DER is read by OpenSSL, sizes and exponents are
 * bounded before any arithmetic. */
#ifndef VERIFY_DKIM_KEY_H
#define VERIFY_DKIM_KEY_H

#include "verify/dkim_signature.h"

#include <openssl/evp.h>

struct dkim_key {
    struct dkim_verdict verdict; /* what is wrong with the record itself */
    enum dkim_algorithm algorithm;
    bool is_testing; /* t=y */
    bool is_exact;   /* t=s: no subdomains in i= */
    unsigned bits;
    EVP_PKEY *key; /* NULL when the record is not good */
};

/* Reads one record. Give the key back with dkim_key_done, also one that is not good. */
void dkim_key_parse(struct arena *arena, struct str record, struct dkim_key *out_key);
void dkim_key_done(struct dkim_key *key);

/* Whether the key may be used for this signature: section 6.1.2, steps 5 to 8. */
struct dkim_verdict dkim_key_fits(const struct dkim_key *key,
                                  const struct dkim_signature *signature);
/* Whether the signature over the SHA-256 digest is right: section 6.1.3, step 4. The key fits. */
struct dkim_verdict dkim_key_prove(const struct dkim_key *key, const uint8_t digest[32],
                                   struct str signature);

#endif
