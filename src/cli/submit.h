/* One message given to the running server through its submit socket, as sendmail does it.
 *
 * 1. Exit status 0: the server has it for every recipient.
 * 2. EX_TEMPFAIL: it has it for none; trying again doubles nothing (but where the connection was
 *    lost behind the last dot, as everywhere in SMTP).
 * 3. Anything else: who is refused for good is named on standard error; the others get it. */
#ifndef CLI_SUBMIT_H
#define CLI_SUBMIT_H

#include "spool/envelope.h"

#include "base/arena.h"

struct submit_letter {
    struct str sender; /* empty: the null sender */
    const struct str *recipients;
    size_t recipient_count;
    struct str message;
    uint8_t notify,
        returns;            /* as in the spool's envelope; not asked for where DSN is not offered */
    struct str envelope_id; /* as it stands behind ENVID=; empty: none */
};

struct submit_options {
    struct str socket_path;
    struct str hostname; /* whom we say we are */
    bool is_verbose;     /* shows the conversation on standard output */
    /* Makes the letter once the server has said which domain completes short addresses. Not EX_OK:
     * it complained, nothing is sent. Runs in a fiber. */
    int (*make)(void *context, struct str home, struct submit_letter *out_letter);
    void *context;
};

/* Returns one of <sysexits.h>. */
int submit(const struct submit_options *options);

#endif
