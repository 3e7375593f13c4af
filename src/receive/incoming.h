/* A message's content on its way in, by DATA or BDAT: into the spool's draft, as slices of the
 * stream's buffer, while what has to be known of it is noticed. Internal to receive/.
 *
 * 1. The content is read to its true end, whatever is wrong with it; then comes the one reply. Only
 *    what is vastly too large ends the session.
 * 2. The first thing wrong decides. From then on nothing is kept.
 * 3. 250 is said only after the spool has committed. */
#ifndef RECEIVE_INCOMING_H
#define RECEIVE_INCOMING_H

#include "receive/header_watch.h"
#include "receive/session.h"
#include "smtp/data.h"

struct incoming {
    struct spool_draft *draft;      /* NULL: nothing is kept any more */
    const struct answer *refusal;   /* NULL: nothing is wrong yet */
    struct smtp_data_reader reader; /* with BDAT, its facts alone */
    struct header_watch header;
    uint64_t deadline_ms; /* of the whole content */
    size_t unyielded_bytes;
};

/* Forgets what is left of it. */
MAY_YIELD void incoming_done(struct incoming *incoming);

/* The fields that go on top: Received (RFC 5321 section 4.4), and on submission the Date and
 * Message-ID that are missing (RFC 6409 section 8). In `arena`. (prefix.c) */
struct str incoming_prefix(struct session *session, const struct incoming *incoming, spool_id id);

#endif
