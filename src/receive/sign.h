/* Our signatures: DKIM on mail that our own people and hosts send. Internal to receive/.
 *
 * A message is signed once, as it comes in, with all keys of its From domain. Without a keyring
 * nothing of this costs anything. */
#ifndef RECEIVE_SIGN_H
#define RECEIVE_SIGN_H

#include "receive/incoming.h"

extern const struct answer sign_pool_full;

/* Once the header is known: begins to sign where there are keys for it. */
void sign_begin(struct session *session, struct incoming *incoming);
/* After the end, of a message that is being signed. NULL, or the reply that says to come again. */
MAY_YIELD const struct answer *sign_finish(struct session *session, struct incoming *incoming);

#endif
