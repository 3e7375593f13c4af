/* Domain names as SPF and DMARC compare and shorten them: text, without a trailing dot, compared
 * without regard to ASCII case (RFC 4343). Pure. */
#ifndef VERIFY_DOMAIN_H
#define VERIFY_DOMAIN_H

#include "base/arena.h"
#include "base/err.h"

#define DOMAIN_MAX_BYTES 253 /* of a name as text: 255 on the wire */

/* True when every label has 1 to 63 bytes and the whole no more than DOMAIN_MAX_BYTES: what can be
 * asked for. Labels may hold any byte but the dot. */
bool domain_is_name(struct str domain);

size_t domain_label_count(struct str domain);
/* The last `count` labels; all of it when there are fewer. */
struct str domain_last_labels(struct str domain, size_t count);

/* True when `domain` is `ancestor` or lies below it. */
bool domain_is_within(struct str domain, struct str ancestor);

/* The name in ASCII: U-labels turned into A-labels (RFC 5891, as UTS 46 maps them), without a
 * trailing dot. A slice of `domain`, or in `arena`. ERR_SYNTAX when it is no domain_is_name. */
MUST_CHECK enum err domain_to_ascii(struct arena *arena, struct str domain, struct str *out_ascii);
/* The same in lower case, in `arena`: the one form of a name to look it up by. */
MUST_CHECK enum err domain_normalize(struct arena *arena, struct str domain, struct str *out_name);

#endif
