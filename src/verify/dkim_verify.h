/* Verifies every DKIM signature of a message, RFC 6376 section 6, while the message goes past. */
#ifndef VERIFY_DKIM_VERIFY_H
#define VERIFY_DKIM_VERIFY_H

#include "verify/dkim_keys.h"
#include "verify/message.h"

/* The topmost ones; whatever a message carries beyond them is counted, not looked at. */
#define DKIM_SIGNATURES_MAX 20

struct dkim_verified {
    struct dkim_verdict verdict;
    /* As the field says, empty where it cannot be read. Printable ASCII but for `identity`. */
    struct str domain;
    struct str selector;
    struct str algorithm;
    struct str identity;
    struct str signature_text; /* b=, of which RFC 6008 shows the beginning */
    bool has_body_length;      /* l= was given; a pass then covers the whole body all the same */
    bool is_testing;   /* the domain says t=y: to be treated as if not signed (section 3.6.1) */
    unsigned key_bits; /* 0: no key was used */
};

struct dkim_verified_list {
    struct dkim_verified *items; /* top to bottom */
    size_t count;
    size_t ignored; /* signatures beyond DKIM_SIGNATURES_MAX */
};

/* One signature on its way to its verdict; ARC's are checked by the same steps. */
struct dkim_candidate {
    const struct mail_field *field;
    struct dkim_signature signature;
    struct dkim_verdict verdict; /* so far */
    const struct body_digest *body;
};

/* To be called when the header is known: asks for the body's hash. */
void dkim_candidate_begin(struct dkim_candidate *candidate, struct verify_message *message,
                          const struct mail_field *field, const struct tag_list *tags,
                          enum signature_kind kind);
/* After the message's end. `now_s`: seconds since 1970. Errors: ERR_CANCELLED. */
MUST_CHECK MAY_YIELD enum err dkim_candidate_finish(struct dkim_candidate *candidate,
                                                    struct verify_message *message,
                                                    struct dkim_keys *keys, int64_t now_s,
                                                    struct dkim_proof *out_proof);

struct dkim_verifier;

/* Before anything is added to the message; lives as long as it. */
struct dkim_verifier *dkim_verifier_new(struct verify_message *message);
/* After the message's end. The list lives in `arena`. Errors: ERR_CANCELLED. */
MUST_CHECK MAY_YIELD enum err dkim_verifier_finish(struct dkim_verifier *verifier,
                                                   struct dkim_keys *keys, int64_t now_s,
                                                   struct arena *arena,
                                                   struct dkim_verified_list *out_list);

#endif
