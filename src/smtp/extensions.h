/* The extensions that an EHLO reply announces: RFC 5321 section 4.1.1.1 and the RFC of each. The
 * same value is read by the client and printed by the server. */
#ifndef SMTP_EXTENSIONS_H
#define SMTP_EXTENSIONS_H

#include "smtp/reply.h"

enum smtp_auth_mechanism {
    SMTP_AUTH_PLAIN = 1,
    SMTP_AUTH_LOGIN = 2,
    SMTP_AUTH_CRAM_MD5 = 4,
    SMTP_AUTH_SCRAM_SHA_1 = 8,
    SMTP_AUTH_SCRAM_SHA_256 = 16,
    SMTP_AUTH_SCRAM_SHA_256_PLUS = 32,
    SMTP_AUTH_XOAUTH2 = 64,
    SMTP_AUTH_OAUTHBEARER = 128,
    SMTP_AUTH_EXTERNAL = 256,
};

struct smtp_extensions {
    bool pipelining;
    bool eight_bit_mime;
    bool binary_mime;
    bool smtputf8;
    bool chunking;
    bool starttls;
    bool dsn;
    bool enhanced_status_codes;
    bool requiretls;
    bool xclient; /* printed with the attributes of smtp/xclient.h; of a server's, none is kept */
    bool has_size;
    uint64_t size; /* bytes; 0: no fixed limit is announced */
    bool has_auth;
    unsigned auth; /* of enum smtp_auth_mechanism; unknown ones are left out */
    /* RFC 9422; 0: not announced */
    uint64_t rcpt_max;
    uint64_t mail_max;
    uint64_t rcpt_domain_max;
    /* XDOMAIN, of ours, said to programs of the same host alone: the domain of addresses that have
     * none. Empty: not announced. Borrows from the reply. */
    struct str home;
};

/* Reads a reply to EHLO or LHLO. Keywords in any case, the unknown and the malformed ignored. The
 * old form `AUTH=PLAIN` counts. Never fails: a reply without extensions has none. */
struct smtp_extensions smtp_extensions_parse(const struct smtp_reply *reply);

/* Adds the complete 250 reply: first `greeting` (our name), then one line for each extension, in a
 * fixed order. ERR_LIMIT as buf_add. */
MUST_CHECK enum err smtp_extensions_print(struct buf *buf, const struct smtp_extensions *extensions,
                                          struct str greeting);

/* The mechanism of that name in any case; 0 when unknown. */
unsigned smtp_auth_mechanism_parse(struct str name);
const char *smtp_auth_mechanism_name(enum smtp_auth_mechanism mechanism);

#endif
