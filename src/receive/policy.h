/* Who may send what (docs: "Who may send what"). Internal to receive/.
 *
 * 1. On mx a recipient is taken only if it is ours, or the client is in relay_from.
 * 2. On submission who is logged in may send to anybody, but only as whom the service allows: in
 *    MAIL FROM and in the header's From alike.
 * 3. So it is on the submit socket, where the kernel has logged everybody in.
 * 4. A route never grants acceptance; nothing in a local part has a meaning (RFC 5321, 7.9).
 *
 * The rules give NULL for yes, or the reply that says no. */
#ifndef RECEIVE_POLICY_H
#define RECEIVE_POLICY_H

#include "receive/session.h"

const struct answer *policy_check_sender(struct session *session, const struct mail_path *path);
/* The final addresses live in `arena`. */
const struct answer *policy_check_recipient(const struct session *session,
                                            const struct mail_path *path, struct arena *arena,
                                            struct route_targets *out_targets);
/* The values of the From fields of a message, folded or not. */
const struct answer *policy_check_from(struct session *session, const struct str *values,
                                       size_t count);

#endif
