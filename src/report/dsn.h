/* A delivery status notification as a message: RFC 3464, in the multipart/report of RFC 6522; RFC
 * 6533 where addresses are not ASCII; Auto-Submitted by RFC 3834. Pure: values in, bytes out.
 *
 * 1. Exactly three parts: text that a person understands, fields for programs, and the original:
 *    all of it, or its header.
 * 2. Whatever remote servers and senders wrote: no control byte, no line over 998 bytes, and
 * nothing that ends a field, a part or the header. The original returned whole is itself, byte for
 *    byte; one that would break this rule (a stray CR or LF, a NUL, longer lines) is not.
 * 3. Our own text is ASCII unless `utf8`. The original may need 8BITMIME: look for bytes above 127
 *    in what was printed.
 * 4. The boundary occurs in no part.
 *
 * Its envelope is the caller's: null sender, to whom the original came from. */
#ifndef REPORT_DSN_H
#define REPORT_DSN_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/status.h"

#define DSN_ORIGINAL_MAX_BYTES ((size_t)64 * 1024) /* a longer one is not returned whole */
#define DSN_ID_MAX_BYTES       40                  /* so that the boundary is not over 70 */

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_RELAYED, DSN_DELIVERED, DSN_EXPANDED, DSN_ACTIONS };

struct dsn_recipient {
    enum dsn_action action;
    struct mail_status status; /* set */
    struct str address;        /* where it went: the final recipient */
    struct str original;       /* what the sender wrote: "rfc822;…", or empty */
    struct str remote;         /* the host that answered: name or IP; may be empty */
    /* What was said or went wrong, for people too. With a reply code in front it is the remote
     * server's: "550 5.1.1 who?". May be empty. */
    struct str words;
    bool gave_up;            /* failed since its time was over */
    int64_t attempted_us;    /* the last attempt; 0: not said */
    int64_t retries_until_s; /* delayed: 0: not said */
};

struct dsn {
    struct str hostname;    /* who reports */
    struct str postmaster;  /* whom a person may ask */
    struct str id;          /* of the report: Message-ID; printable, not empty */
    struct str original_id; /* what the original is called here */
    struct str sender;      /* of the original: to whom this goes */
    struct str envelope_id; /* ENVID, decoded; may be empty */
    int64_t arrived_us;     /* the original, here */
    int64_t wall_us;        /* now */
    bool utf8;              /* it can be sent with SMTPUTF8 */
    bool header_only;       /* RET=HDRS */
    const struct dsn_recipient *recipients;
    size_t count;        /* at least 1 */
    struct str original; /* its first DSN_ORIGINAL_MAX_BYTES, or all */
    bool is_whole;       /* it is all of it */
};

/* Adds the whole message, CRLF line ends. `arena`: for what is made on the way. ERR_LIMIT as
 * buf_add; then part of it may have been added. */
MUST_CHECK enum err dsn_print(struct buf *out, const struct dsn *dsn, struct arena *arena);

/* What happened, for its Subject and the first line of its text: the worst of the actions. */
enum dsn_action dsn_worst_action(const struct dsn *dsn);

/* True when the words begin with a reply code: a remote server said them. */
bool dsn_words_are_remote(struct str words);

#endif
