/* The SHA-256 hashes of a message's body that its signatures speak of (RFC 6376 section 3.7, step
 * 1), made while the body goes past. However many signatures there are, each canonical form is made
 * and hashed once: a body length (`l=`) is a copy of the running hash, taken on the way. */
#ifndef VERIFY_BODY_DIGEST_H
#define VERIFY_BODY_DIGEST_H

#include "base/arena.h"
#include "verify/canonical.h"

#include <openssl/evp.h>

#define DIGEST_LEN        32 /* SHA-256, the only hash there is (RFC 8301) */
#define BODY_LENGTH_WHOLE UINT64_MAX
#define BODY_LENGTHS_MAX  128 /* different lengths asked for, of one canonical form */

/* Valid after body_digests_end. */
struct body_digest {
    uint8_t bytes[DIGEST_LEN];
    uint64_t length;   /* the octets of the canonical form that were asked for */
    bool is_too_short; /* the body has fewer */
    bool is_partial;   /* the body has more */
};

struct body_stream {
    enum canonicalization kind;
    EVP_MD_CTX *hash; /* NULL: nobody asked for this form */
    struct canonical_body canonical;
    struct canonical_sink sink;
    uint64_t length;                             /* hashed so far */
    struct body_digest *stops[BODY_LENGTHS_MAX]; /* by length */
    size_t count;
    size_t reached;
};

struct body_digests {
    struct body_stream streams[2];
};

void body_digests_init(struct body_digests *digests);
void body_digests_done(struct body_digests *digests);

/* Asks for the hash of the first `length` octets of a canonical form. Before any of the body is
 * added. What is returned lives in `arena`, and is NULL when too many lengths were asked for. */
const struct body_digest *body_digests_want(struct body_digests *digests,
                                            enum canonicalization kind, uint64_t length,
                                            struct arena *arena);
void body_digests_add(struct body_digests *digests, struct str bytes);
void body_digests_end(struct body_digests *digests);

#endif
