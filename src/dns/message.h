/* Answers as they stand in a DNS message (RFC 1035 section 4). Pure; hostile bytes in, bounded
 * values out, in time linear in the message. */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include "dns/name.h"
#include "dns/resolver.h"

/* Reads the answer to `name` and `type` out of a whole message: follows the CNAME chain in the
 * order of the records, collects those of the type at its end, expands names within them. Sets
 * everything but `secure` and `bogus`. ERR_SYNTAX: the message is malformed. */
MUST_CHECK enum err dns_message_read_answer(struct str message, const struct dns_name *name,
                                            enum dns_type type, struct arena *arena,
                                            struct dns_answer *out_answer);

/* "the server failed", for the rcode of a reply that is no answer. Static text. */
struct str dns_rcode_text(unsigned rcode);

#endif
