/* The SHA-256 hash of header fields in canonical form: RFC 6376 section 3.7, step 2; also that of
 * ARC seals (RFC 8617 section 5.1.1). */
#ifndef VERIFY_HEADER_DIGEST_H
#define VERIFY_HEADER_DIGEST_H

#include "verify/body_digest.h"
#include "verify/field_index.h"

struct header_digest {
    enum canonicalization kind;
    EVP_MD_CTX *hash;
    struct canonical_sink sink;
};

void header_digest_begin(struct header_digest *digest, enum canonicalization kind);
void header_digest_add(struct header_digest *digest, struct str raw_field);
/* The fields that a list of names, as in h=, picks from the header. `except` is never picked. */
void header_digest_add_picked(struct header_digest *digest, struct field_index *fields,
                              struct str names, const struct mail_field *except);
/* Adds the signature's own field, without `hole` (the value of its b=, a slice of it) and without a
 * line end, and ends. */
void header_digest_end(struct header_digest *digest, struct str raw_field, struct str hole,
                       uint8_t out[DIGEST_LEN]);

#endif
