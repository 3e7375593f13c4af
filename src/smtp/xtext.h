/* xtext, and the two values that travel in it: the envelope id and the original recipient of
 * RFC 3461, section 4 (RFC 6533 section 3 for addresses in UTF-8).
 *
 * What was decoded goes into a report later, so nothing decoded ever holds a control character:
 * a line end hidden as +0A is ERR_SYNTAX. */
#ifndef SMTP_XTEXT_H
#define SMTP_XTEXT_H

#include "base/arena.h"
#include "base/buf.h"

#define SMTP_ENVID_MAX_BYTES 100 /* as written; RFC 3461 section 4.4 */
#define SMTP_ORCPT_MAX_BYTES 500 /* section 4.2 */

/* The decoded bytes borrow from `text`, or live in `arena` if something was encoded. ERR_SYNTAX
 * when it is no xtext, or decodes to anything but printable ASCII and SP. */
MUST_CHECK enum err smtp_xtext_decode(struct arena *arena, struct str text, struct str *out_bytes);
/* Adds `bytes`, any bytes, as xtext. ERR_LIMIT as buf_add. */
MUST_CHECK enum err smtp_xtext_encode(struct buf *buf, struct str bytes);

/* The value of ENVID=, decoded. ERR_SYNTAX, ERR_LIMIT. Empty is allowed. */
MUST_CHECK enum err smtp_envid_parse(struct arena *arena, struct str text, struct str *out_envid);

/* The value of ORCPT=. */
struct smtp_orcpt {
    struct str type;    /* "rfc822", "utf-8"; empty: there is none */
    struct str address; /* decoded; of type utf-8: as written, \x{…} and all */
};

/* UTF-8 is allowed only in addresses of type utf-8, and only when `utf8`. ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK enum err smtp_orcpt_parse(struct arena *arena, struct str text, bool utf8,
                                     struct smtp_orcpt *out_orcpt);
/* Adds the value as it is written behind ORCPT=. */
MUST_CHECK enum err smtp_orcpt_print(struct buf *buf, const struct smtp_orcpt *orcpt);

/* A well-formed address in UTF-8 as ASCII: "b\x{FC}ro@example.org" (utf-8-addr-xtext, RFC 6533
 * section 3). In `arena`. */
struct str smtp_utf8_address_encode(struct arena *arena, struct str address);

#endif
