/* Domains that are not ASCII (RFC 5890, RFC 5891; mapped as UTS 46 says, non-transitional). Two
 * ways to write one domain: bücher.example with U-labels, xn--bcher-kva.example with A-labels. Here
 * the second is what is compared, stored and sent; the first is what people read and may write. */
#ifndef MAIL_IDNA_H
#define MAIL_IDNA_H

#include "mail/address.h"

/* The domain in lower case and A-labels, in `arena`. What is ASCII already only loses its upper
 * case; a literal too. ERR_SYNTAX: it holds something that no domain may hold, or is too long as
 * ASCII. */
MUST_CHECK enum err mail_domain_to_ascii(struct arena *arena, struct str domain,
                                         struct str *out_ascii);
/* Without an arena, into at least MAIL_DOMAIN_MAX_BYTES bytes; *out_ascii borrows from them. */
MUST_CHECK enum err mail_domain_write_ascii(struct str domain, char *bytes, struct str *out_ascii);
/* The same for one that parsed; as it is, if it cannot be converted after all. */
struct str mail_domain_canonical(struct arena *arena, struct str domain);

/* The address with A-labels; everything else, and a domain that is ASCII, stays as it is written.
 */
struct mail_address mail_address_with_a_labels(struct arena *arena,
                                               const struct mail_address *address);

#endif
