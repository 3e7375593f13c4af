/* How long each step of a conversation may take, in milliseconds: RFC 5321 section 4.5.3.2. */
#ifndef DELIVER_TIMEOUTS_H
#define DELIVER_TIMEOUTS_H

#include <stdint.h>

struct deliver_timeouts {
    uint32_t connect;  /* to one address; the next is tried then */
    uint32_t connects; /* to all addresses of one attempt together */
    uint32_t banner;
    uint32_t command; /* EHLO, STARTTLS, the handshake, AUTH, RSET */
    uint32_t mail;
    uint32_t rcpt;
    uint32_t data_start; /* DATA to 354 */
    uint32_t data_block; /* one write of content */
    uint32_t data_end;   /* the final dot to its answer */
    uint32_t quit;       /* only politeness waits for it */
    uint32_t idle;       /* a kept connection without a job */
};

struct deliver_timeouts deliver_timeouts_default(void);

#endif
