/* Mail addresses and paths as SMTP writes them: RFC 5321 section 4.1.2, RFC 6531 section 3.3.
 *
 * An address is kept by its meaning: `"john\.doe"@example.org` and `john.doe@example.org` are the
 * same value, and printing gives the one canonical form. Two laws hold for every address that
 * parses: parse(print(a)) is a, and print(a) is never longer than what was parsed.
 *
 * The grammar is strict. Percent signs, exclamation marks and a quoted `@` are ordinary bytes of a
 * local part; nothing here gives them a meaning, and nobody else may (RFC 5321 section 7.9). */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/arena.h"
#include "base/buf.h"

#define MAIL_LOCAL_MAX_BYTES   64  /* as written, quotes included; RFC 5321 section 4.5.3.1.1 */
#define MAIL_DOMAIN_MAX_BYTES  255 /* section 4.5.3.1.2 */
#define MAIL_ADDRESS_MAX_BYTES 254 /* a path is 256 with its angle brackets, section 4.5.3.1.3 */

struct mail_address {
    struct str local;  /* the meaning: without quotes and escapes; printable, never empty */
    struct str domain; /* as written, without a trailing dot; a literal with its brackets */
    bool is_literal;   /* [192.0.2.1] or [IPv6:2001:db8::1] */
};

enum mail_address_flags {
    MAIL_ADDRESS_UTF8 = 1,       /* UTF-8 in local part and domain (SMTPUTF8) */
    MAIL_ADDRESS_NULL = 2,       /* the path may be <> */
    MAIL_ADDRESS_POSTMASTER = 4, /* the path may be <postmaster>, in any case */
    MAIL_ADDRESS_UNDERSCORE = 8, /* a domain may hold underscores, as many in header fields do */
};

/* A reverse-path or forward-path. */
struct mail_path {
    struct mail_address address; /* empty when is_null; no domain when is_postmaster */
    bool is_null;                /* <> */
    bool is_postmaster;          /* <postmaster>, without a domain */
    bool has_route;              /* <@a,@b:user@c>; `address` is user@c */
};

/* Parses a bare mailbox, all of `text`. The address borrows from `text`, except a local part with
 * escapes, which lives in `arena`.
 * ERR_SYNTAX; ERR_LIMIT when the form is right but too long; ERR_UNSUPPORTED when it would be right
 * with MAIL_ADDRESS_UTF8. The literal of an address family other than IPv4 and IPv6, an empty
 * quoted local part, controls of any kind, UTF-8 that looks like a dot and U-labels that IDNA does
 * not know are ERR_SYNTAX. */
MUST_CHECK enum err mail_address_parse(struct arena *arena, struct str text,
                                       enum mail_address_flags flags,
                                       struct mail_address *out_address);

/* Parses the path that `text` begins with, angle brackets included; *out_used is its length.
 * Ownership and errors as above. */
MUST_CHECK enum err mail_path_parse(struct arena *arena, struct str text,
                                    enum mail_address_flags flags, struct mail_path *out_path,
                                    size_t *out_used);

/* Adds the canonical form: quoted only where the grammar asks for it. An address without a domain
 * (postmaster) prints as its local part. ERR_LIMIT as buf_add. */
MUST_CHECK enum err mail_address_print(struct buf *buf, const struct mail_address *address);
/* The same, without brackets, in memory of the arena. */
struct str mail_address_text(struct arena *arena, const struct mail_address *address);
/* Adds "<a@b>" or "<>". A source route is not printed. */
MUST_CHECK enum err mail_path_print(struct buf *buf, const struct mail_path *path);

struct mail_address mail_address_copy(struct arena *arena, const struct mail_address *address);

/* Local parts by their bytes, domains without regard to ASCII case (RFC 5321 section 2.4). */
bool mail_address_eq(const struct mail_address *a, const struct mail_address *b);
/* True when it can only be sent with SMTPUTF8. */
bool mail_address_is_utf8(const struct mail_address *address);

/* True for the name of a host or domain: labels of letters, digits and inner hyphens, at most 63
 * bytes each, no trailing dot; U-labels too with MAIL_ADDRESS_UTF8, if they have A-labels
 * (mail/idna.h). One label is enough. */
bool mail_domain_is_valid(struct str domain, enum mail_address_flags flags);
/* True for [IPv4] and [IPv6:…], brackets included. */
bool mail_domain_is_literal(struct str domain);
/* With ASCII letters in lower case, in memory of the arena. */
struct str mail_domain_lower(struct arena *arena, struct str domain);

#endif
