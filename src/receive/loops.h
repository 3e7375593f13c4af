/* Mail that was here before (RFC 9228): the mailbox it is for, or the alias that would send it on,
 * has left its Delivered-To in the header. Internal to receive/. */
#ifndef RECEIVE_LOOPS_H
#define RECEIVE_LOOPS_H

#include "receive/header_watch.h"
#include "receive/session.h"

/* Marks the recipients that loop, so that they alone fail. The reply that refuses the message if
 * all of them do; else NULL. */
const struct answer *loops_mark(struct session *session, const struct header_watch *header);

#endif
