/* ARC, RFC 8617: validates the chain of a message and seals what is forwarded.
 *
 * The experiment is being ended (draft-ietf-dmarc-arc-to-historic): this is here because large
 * receivers still look at it. Few files include this one: to be rid of ARC, delete it and follow
 * the compiler. */
#ifndef VERIFY_ARC_H
#define VERIFY_ARC_H

#include "verify/dkim_sign.h"
#include "verify/dkim_verify.h"

#define ARC_SETS_MAX 50 /* RFC 8617 section 4.2.1 */

struct arc_validator;

enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL };

/* "none", "pass", "fail" */
struct str arc_result_text(enum arc_result result);

/* One set of the chain, as far as its fields could be read. */
struct arc_set {
    struct str seal_domain;
    struct str seal_selector;
    struct str message_domain;
    struct str authentication_results; /* the value of ARC-Authentication-Results behind i=N; */
};

struct arc_chain {
    enum arc_result result;
    const char *reason;   /* static text; "" for none and pass */
    unsigned instance;    /* the highest one; 0: none */
    unsigned oldest_pass; /* section 5.2 step 5, for a pass: 0: every signature still verifies */
    bool was_failed;      /* the highest seal says cv=fail: nothing is to be added (section 5.1) */
    const struct arc_set *sets;            /* of a pass: sets[0] is instance 1 */
    const struct arc_validator *validator; /* whose chain it is */
};

/* Before anything is added to the message; lives as long as it. */
struct arc_validator *arc_validator_new(struct verify_message *message);
/* After the message's end: RFC 8617 section 5.2. A look-up that fails makes the chain fail
 * (section 5.2.1). `out_chain` lives as long as the message. Errors: ERR_CANCELLED. */
MUST_CHECK MAY_YIELD enum err arc_validator_finish(struct arc_validator *validator,
                                                   struct dkim_keys *keys, int64_t now_s,
                                                   struct arc_chain *out_chain);

struct arc_sealer;

/* Before anything is added to the message, which is as it will be forwarded. */
struct arc_sealer *arc_sealer_new(struct verify_message *message);

/* After the message's end and the chain's validation: the fields of a new set, to be put on top of
 * the message (section 5.1). `results` is what an Authentication-Results field of ours says,
 * without its name: the authserv-id, and what was found, "arc" included. Does not yield; burns as
 * dkim_sign_finish does. ERR_UNSUPPORTED: the chain must not grow, since it was failed already or
 * has 50 sets. Others as dkim_sign_finish. */
MUST_CHECK enum err arc_seal_finish(struct arc_sealer *sealer, const struct arc_chain *chain,
                                    const struct dkim_signing_key *key, struct str results,
                                    int64_t now_s, struct arena *arena, struct str *out_fields);

#endif
