/* The arguments of XCLIENT, Postfix's extension (its XCLIENT_README): whoever stands before us and
 * is believed tells for whom it speaks. Pure. */
#ifndef SMTP_XCLIENT_H
#define SMTP_XCLIENT_H

#include "net/address.h"
#include "smtp/fault.h"

/* As EHLO announces them. LOGIN is read as well, so that it can be refused. */
#define SMTP_XCLIENT_ATTRIBUTES "NAME REVERSE_NAME ADDR PORT PROTO HELO DESTADDR DESTPORT"

/* What was not given, or is said to be unavailable, is not there. Names and the server's own
 * address are checked and not kept: names are what we look up ourselves. */
struct smtp_xclient {
    bool has_address;
    struct net_address address; /* without a port */
    bool is_address_unknown;    /* ADDR is said to be unavailable */
    bool has_port;
    uint16_t port;
    struct str helo;  /* empty: none */
    struct str login; /* empty: none */
    bool is_smtp;     /* PROTO: HELO was said, not EHLO */
};

/* ERR_SYNTAX: `fault` is the reply. Decoded values live in `arena` or borrow. */
MUST_CHECK enum err smtp_xclient_parse(struct arena *arena, struct str attributes,
                                       struct smtp_xclient *out_xclient, struct smtp_fault *fault);

#endif
