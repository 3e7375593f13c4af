/* What becomes of mail that strangers bring to mx: it is judged while it comes in, then refused,
 * put into Junk or only marked, as the recipients' domain says. Internal to receive/.
 *
 * 1. Clients in relay_from are ours and are not judged; nor is anybody where no resolver is.
 * 2. A temporary error neither refuses nor junks.
 * 3. All recipients of a message have the same setting: that of the first one's domain. */
#ifndef RECEIVE_JUDGE_H
#define RECEIVE_JUDGE_H

#include "receive/incoming.h"

/* NULL, or the reply to a recipient whose domain wants another treatment than those before it. */
const struct answer *judge_check_recipient(const struct session *session,
                                           const struct mail_path *path);

/* Before any content. NULL: the message is not judged. */
struct judgement *judge_begin(struct session *session);
/* After its end, of a message that is judged: adds what is to be told of it. *out_no: the reply
 * that refuses it, or NULL. Errors: ERR_CANCELLED. */
MUST_CHECK MAY_YIELD enum err judge_finish(struct session *session, struct incoming *incoming,
                                           const struct answer **out_no);

#endif
