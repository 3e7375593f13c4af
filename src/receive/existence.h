/* Whether recipients are there that the route table cannot know: the server that keeps their
 * mailboxes is asked, so that what it would refuse is refused at RCPT and not sent back later to a
 * sender who may be forged. Internal to receive/. */
#ifndef RECEIVE_EXISTENCE_H
#define RECEIVE_EXISTENCE_H

#include "receive/session.h"

/* Takes those out of `targets` that are not there. *out_no: NULL, or the reply that refuses them
 * all; in session->arena. An error ends the session.
 *
 * 1. Who is not there is refused. Behind an alias that leads to others as well he is left out.
 * 2. On mx, "not now" is a reason to come again, and so is an LMTP server that cannot be asked:
 *    mail taken now might have to go back. A gateway that cannot be asked is no reason: to keep
 *    mail for it meanwhile is what we are there for.
 * 3. Elsewhere only a "no" counts: we know who sends, and to him it may go back. */
MUST_CHECK MAY_YIELD enum err existence_check(struct session *session,
                                              struct route_targets *targets,
                                              const struct answer **out_no);

#endif
