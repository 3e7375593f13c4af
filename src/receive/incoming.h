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

struct judgement;
struct seal;
struct signing;

struct incoming {
    struct spool_draft *draft;      /* NULL: nothing is kept any more */
    const struct answer *refusal;   /* NULL: nothing is wrong yet */
    struct smtp_data_reader reader; /* with BDAT, its facts alone */
    struct header_watch header;
    uint64_t deadline_ms; /* of the whole content */
    size_t unyielded_bytes;
    bool has_header;             /* the draft has; before that, all is held back */
    struct judgement *judgement; /* NULL: it is not judged (judge.h) */
    struct seal *seal;           /* NULL: it is not sealed (seal.h) */
    struct signing *signing;     /* NULL: it is not signed (sign.h) */
    struct str completion;       /* fields that were missing: they are signed with the others */
    struct str top;              /* fields that go on top of ours */
    struct str words;            /* lines for the trace, LF before each */
};

/* Forgets what is left of it. */
MAY_YIELD void incoming_done(struct incoming *incoming);

/* Adds to `top`, above what is there; to `words`, a line of its own. */
void incoming_put_on_top(struct session *session, struct incoming *incoming, struct str fields);
void incoming_tell(struct session *session, struct incoming *incoming, struct str line);

/* The Date and Message-ID that are missing (RFC 6409 section 8), in memory of the transaction.
 * Other people's mail stays as it is, unless we sign that there are none. (prefix.c) */
struct str incoming_completion(struct session *session, const struct incoming *incoming,
                               spool_id id);
/* All fields that go on top: what was found out, Received (RFC 5321 section 4.4), the completion.
 * In memory of the command. (prefix.c) */
struct str incoming_prefix(struct session *session, const struct incoming *incoming, spool_id id);

#endif
