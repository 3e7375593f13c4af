/* The Authentication-Results field: RFC 8601. Printing it, and finding those that others made
 * under our name. Pure. */
#ifndef VERIFY_AUTHRES_H
#define VERIFY_AUTHRES_H

#include "base/buf.h"
#include "mail/header.h"

/* "smtp.mailfrom=alice@example.org": what was looked at. The value may be what a peer chose. */
struct authres_property {
    const char *type; /* "smtp", "header", "policy", "body" */
    const char *name; /* "mailfrom" */
    struct str value;
};

#define AUTHRES_PROPERTIES_MAX 6

struct authres_result {
    const char *method; /* "spf" */
    struct str result;  /* a keyword: "pass" */
    struct str comment; /* printed in parentheses; may be empty */
    struct str reason;  /* may be empty */
    struct authres_property properties[AUTHRES_PROPERTIES_MAX];
    size_t property_count;
};

static inline void authres_add_property(struct authres_result *result, const char *type,
                                        const char *name, struct str value)
{
    assert(result->property_count < AUTHRES_PROPERTIES_MAX);
    result->properties[result->property_count++] = (struct authres_property){type, name, value};
}

#define AUTHRES_VALUE_MAX_BYTES 320 /* longer values are cut */

/* Adds the whole field with its last CRLF, one result on each line, folded further where words
 * allow. No results: "none". What would not be a value as it stands is quoted, and what is
 * unprintable becomes `?`. ERR_LIMIT as buf_add; then part of it may have been added. */
MUST_CHECK enum err authres_print(struct buf *buf, struct str authserv_id,
                                  const struct authres_result *results, size_t count);

/* The same without field name and CRLF, beginning at the authserv-id: what stands behind "i=1; "
 * in an ARC-Authentication-Results field (RFC 8617 section 4.1.1). `column`: where on its line it
 * begins. */
MUST_CHECK enum err authres_print_payload(struct buf *buf, struct str authserv_id,
                                          const struct authres_result *results, size_t count,
                                          size_t column);

/* True for an Authentication-Results field that says it is ours, or whose author nobody can make
 * out. Section 5 has them removed from what comes in. */
bool authres_is_forged(const struct mail_field *field, struct str authserv_id);

/* Adds the header, and whatever follows it, without such fields. *out_removed counts them. */
MUST_CHECK enum err authres_strip(struct buf *buf, struct str header, struct str authserv_id,
                                  size_t *out_removed);

#endif
