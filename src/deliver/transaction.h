/* One message to some of its recipients over a client's conversation: MAIL, RCPT, and the content
 * by DATA or BDAT; an outcome for each recipient. RFC 5321 section 3.3, RFC 2920 (PIPELINING), 1870
 * (SIZE), 3030 (CHUNKING), 6152 (8BITMIME), 6531 (SMTPUTF8), 3461 (DSN), 8689 (REQUIRETLS), 2033
 * (LMTP).
 *
 * Round trips, with PIPELINING: envelope (and DATA) at once, then the content: two, by DATA as by
 * BDAT. Content never goes out before the answers to RCPT are in, so BDAT saves no round trip; it
 * saves the search for dots, and lines may be of any length.
 *
 * When the server takes some recipients and says that these are enough (452 or 552 at RCPT), the
 * rest follow in further rounds on the same connection. Each round decides at least one. */
#ifndef DELIVER_TRANSACTION_H
#define DELIVER_TRANSACTION_H

#include "deliver/client.h"
#include "deliver/content.h"

struct transaction {
    const struct spool_envelope *envelope;
    const uint32_t *recipients; /* indices in the envelope */
    size_t count;               /* at least 1 */
    const struct content_source *content;
    struct str sender; /* in MAIL; empty: the null sender */
    bool smtputf8;     /* the header or an address needs it */
};

enum transaction_end {
    TRANSACTION_ENDED, /* look at client->is_over whether the connection can be kept */
    /* The connection ended before the server took up any of it: a kept connection that had died, or
     * a 421 first. There are outcomes, but on another connection it may be tried at once. */
    TRANSACTION_UNTOUCHED,
    /* The fiber was told to end before any recipient's fate was known: nobody got it. */
    TRANSACTION_CANCELLED,
};

/* Fills `outcomes`, one for each recipient, except when cancelled. Words live in `arena`. */
MAY_YIELD enum transaction_end transaction_run(struct smtp_client *client,
                                               const struct transaction *transaction,
                                               struct arena *arena, struct queue_outcome *outcomes);

#endif
