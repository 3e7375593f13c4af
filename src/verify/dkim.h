/* The words that all of DKIM shares: RFC 6376, 8301, 8463, and the results of RFC 8601 section
 * 2.7.1. How the three states of RFC 6376 section 3.9 become the results of RFC 8601:
 *
 *   pass       the signature verifies
 *   fail       it does not: the body, or the signed header, is not what was signed
 *   neutral    the field cannot be processed: malformed, or an algorithm, canonicalization, query
 *              method or version that we do not know
 *   permerror  it can never verify: a required tag is missing, From is not signed, `i=` lies
 * outside `d=`, there is no key, the key is revoked, malformed or not for this, rsa-sha1 (RFC 8301
 * section 3.1) policy     it might verify, and we do not accept it: expired, RSA keys below 1024 or
 * above 4096 bits, text behind what `l=` covers, several From fields, a header larger than we keep
 *   temperror  the key could not be asked for now */
#ifndef VERIFY_DKIM_H
#define VERIFY_DKIM_H

#include "base/str.h"

enum dkim_result {
    DKIM_PASS,
    DKIM_FAIL,
    DKIM_POLICY,
    DKIM_NEUTRAL,
    DKIM_TEMPERROR,
    DKIM_PERMERROR,
};

/* "pass", "fail" … */
struct str dkim_result_text(enum dkim_result result);

/* A result and why. Between two steps, DKIM_PASS means that nothing is wrong so far. */
struct dkim_verdict {
    enum dkim_result result;
    const char *reason; /* static text in plain words; "" for a plain pass */
};

static inline struct dkim_verdict dkim_verdict(enum dkim_result result, const char *reason)
{
    return (struct dkim_verdict){result, reason};
}
static inline struct dkim_verdict dkim_good(void) { return dkim_verdict(DKIM_PASS, ""); }
static inline bool dkim_is_good(struct dkim_verdict verdict) { return verdict.result == DKIM_PASS; }

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };

/* "rsa-sha256", "ed25519-sha256" */
struct str dkim_algorithm_text(enum dkim_algorithm algorithm);
/* "rsa", "ed25519": the `k=` of its keys */
struct str dkim_algorithm_key_type(enum dkim_algorithm algorithm);

#define DKIM_RSA_BITS_MIN 1024 /* RFC 8301 section 3.2 */
#define DKIM_RSA_BITS_MAX 4096

#endif
