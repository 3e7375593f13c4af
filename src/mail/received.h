/* The Received field that a server puts on top of what it takes: RFC 5321 section 4.4. */
#ifndef MAIL_RECEIVED_H
#define MAIL_RECEIVED_H

#include "base/buf.h"
#include "mail/address.h"

/* Every slice may be empty; then its part is left out. What the client chose (helo, client_name)
 * may hold any byte: what could be read as something else is printed as `?`. */
struct mail_received {
    struct str helo;
    struct str client_name; /* from reverse DNS */
    struct str client_ip;   /* "192.0.2.1", "2001:db8::1" */
    struct str by;          /* our name; not empty */
    struct str protocol;    /* "ESMTPS"; RFC 3848, RFC 6531 section 4.3 */
    struct str tls;         /* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
    struct str id;
    const struct mail_address *recipient; /* or NULL: not said */
    int64_t wall_us;
};

/* Adds the whole field, folded so that lines stay within 78 bytes where words allow, with its last
 * CRLF. ERR_LIMIT as buf_add; then part of it may have been added. */
MUST_CHECK enum err mail_received_print(struct buf *buf, const struct mail_received *received);

#endif
