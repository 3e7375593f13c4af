/* The public keys of the signers of one message: RFC 6376 sections 3.6.2 and 6.1.2. Each is asked
 * for once, whoever needs it; all questions together end by one deadline, and none may take more
 * than half of the time that is left, so that one dead name server does not cost the other
 * signatures their verdict. */
#ifndef VERIFY_DKIM_KEYS_H
#define VERIFY_DKIM_KEYS_H

#include "dns/resolver.h"
#include "verify/dkim_key.h"

#define DKIM_RECORDS_MAX 16 /* of one name; the rest is not looked at */

struct dkim_keys {
    struct resolver *resolver;
    uint64_t deadline_ms;
    struct arena *arena; /* outlives this */
    struct dkim_key_set *sets;
};

static inline struct dkim_keys dkim_keys_make(struct resolver *resolver, uint64_t deadline_ms,
                                              struct arena *arena)
{
    return (struct dkim_keys){resolver, deadline_ms, arena, NULL};
}
void dkim_keys_done(struct dkim_keys *keys);

struct dkim_proof {
    struct dkim_verdict verdict;
    bool is_testing;   /* the key's domain says that it only tests DKIM (t=y) */
    unsigned key_bits; /* 0: no key was used */
};

/* Proves the signature over the digest with each of the signer's keys until one does it.
 * `so_far` is what the body said: a fault of the keys is told before it (section 6.1.2 comes before
 * section 6.1.3), a wrong signature after it. Errors: ERR_CANCELLED. */
MUST_CHECK MAY_YIELD enum err dkim_keys_prove(struct dkim_keys *keys,
                                              const struct dkim_signature *signature,
                                              const uint8_t digest[32], struct dkim_verdict so_far,
                                              struct dkim_proof *out_proof);

#endif
