/* Signs a message with any number of keys in one pass: RFC 6376 section 5, RFC 8463.
 *
 * Relaxed/relaxed, no `l=`. The fields of the list in dkim_sign.c are signed as often as they occur
 * and once more, so that nobody can add one. The same message, keys and time give the same fields.
 */
#ifndef VERIFY_DKIM_SIGN_H
#define VERIFY_DKIM_SIGN_H

#include "verify/field_writer.h"
#include "verify/message.h"
#include "verify/private_key.h"

/* As published under SELECTOR._domainkey.DOMAIN. Borrows. */
struct dkim_signing_key {
    struct str domain;
    struct str selector;
    const struct private_key *key;
};

struct dkim_signer;

/* Before anything is added to the message; lives as long as it. */
struct dkim_signer *dkim_signer_new(struct verify_message *message);

/* After the message's end: the DKIM-Signature fields, one below the other, to be put on top of the
 * message; folded at 78 columns, with CRLFs. It does not yield and burns up to a millisecond for
 * each RSA key: not on a loop; one thread at a time.
 * ERR_SYNTAX: the message has no From field (RFC 6376 section 5.4). ERR_LIMIT: its header is larger
 * than we keep, or so many fields would have to be named that no field could hold their names. */
MUST_CHECK enum err dkim_sign_finish(struct dkim_signer *signer,
                                     const struct dkim_signing_key *keys, size_t count,
                                     int64_t now_s, struct arena *arena, struct str *out_fields);

/* ---- shared with ARC's signature, which is made the same way (RFC 8617 section 4.1.2) ---- */

/* The names for h= of this message, separated by colons, and `more` of which there is a field (NULL
 * at its end). Errors as dkim_sign_finish. */
MUST_CHECK enum err dkim_names_to_sign(const struct verify_message *message,
                                       const char *const *more, struct arena *arena,
                                       struct str *out_names);
/* Completes a field that has all but h=, bh= and b=: adds these and the CRLF. */
MUST_CHECK enum err dkim_field_sign(struct field_writer *writer, struct verify_message *message,
                                    struct str names, const struct body_digest *body,
                                    const struct private_key *key, struct arena *arena);

#endif
