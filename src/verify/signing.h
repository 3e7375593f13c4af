/* A message of ours that is signed with all keys of a domain while it goes past. */
#ifndef VERIFY_SIGNING_H
#define VERIFY_SIGNING_H

#include "fiber/blocking.h"
#include "verify/keyring.h"

struct signing;

/* `keys` outlives it. */
struct signing *signing_new(const struct keyring_domain *keys);
const struct keyring_domain *signing_keys(const struct signing *signing);
/* The message, its bytes as they will be sent. */
void signing_add(struct signing *signing, struct str bytes);
/* Nothing follows: the DKIM-Signature fields, in `arena`, made on a thread of the pool. Errors as
 * dkim_sign_finish, and ERR_BUSY: the pool is full. */
MUST_CHECK MAY_YIELD enum err signing_finish(struct signing *signing, struct blocking_pool *pool,
                                             int64_t now_s, struct arena *arena,
                                             struct str *out_fields);
/* Takes NULL. */
void signing_free(struct signing *signing);

#endif
