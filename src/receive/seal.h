/* ARC sets (RFC 8617) on mail that an alias of ours forwards. Internal to receive/.
 *
 * Only what was judged is sealed, once for the whole message, by the domain of the first alias that
 * has a key. To be rid of it, delete this with verify/arc and follow the compiler. */
#ifndef RECEIVE_SEAL_H
#define RECEIVE_SEAL_H

#include "receive/incoming.h"

struct seal;

/* Before any content; lives as long as the judgement. NULL: nothing is to be sealed. */
struct seal *seal_begin(struct session *session, struct judgement *judgement);
/* After the judgement, of which `results` is what our Authentication-Results field says. NULL, or
 * the reply that says to come again. */
MAY_YIELD const struct answer *seal_finish(struct session *session, struct incoming *incoming,
                                           struct str results);

#endif
