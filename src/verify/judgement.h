/* One message judged as a whole while it goes past: iprev, SPF, DKIM, DMARC and ARC; for the server
 * and for `postrider check message` alike.
 *
 *     judgement_new(resolver, query, arena)    SPF and iprev ask in a fiber of their own
 *     judgement_add(…) …                       the message, its bytes as they came
 *     judgement_finish(…)                      the signatures, then DMARC
 *     judgement_free(…)
 *
 * Whatever got no answer by the deadline is temperror. */
#ifndef VERIFY_JUDGEMENT_H
#define VERIFY_JUDGEMENT_H

#include "verify/arc.h"
#include "verify/dkim_verify.h"
#include "verify/dmarc.h"
#include "verify/iprev.h"
#include "verify/spf.h"

struct judgement {
    struct verify_message *message; /* for further observers, before anything is added */
    struct arena *arena;
    struct spf_query query;

    /* What was found out; complete after judgement_finish. */
    enum iprev_result iprev;
    struct str client_name; /* that leads back to the address; may be empty */
    struct spf_answer spf;
    struct dkim_verified_list dkim;
    struct dmarc_answer dmarc;
    struct arc_chain arc;

    /* private */
    struct resolver *resolver;
    struct dkim_verifier *verifier;
    struct arc_validator *validator;
    struct fiber_group asking; /* the fiber that asks about the client */
    struct fiber *waiting;     /* who waits for its end */
    bool knows_client;
};

/* In a fiber. What the query borrows and the arena outlive the judgement; until judgement_finish
 * has returned the arena may be used by others of this loop, but not reset. */
struct judgement *judgement_new(struct resolver *resolver, const struct spf_query *query,
                                struct arena *arena);
void judgement_add(struct judgement *judgement, struct str bytes);
/* Nothing follows. Errors: ERR_CANCELLED. */
MUST_CHECK MAY_YIELD enum err judgement_finish(struct judgement *judgement, uint64_t deadline_ms);
/* At any time. Takes NULL. */
MAY_YIELD void judgement_free(struct judgement *judgement);

/* What an Authentication-Results field of ours says, without its name and the last CRLF. */
struct str judgement_print_results(const struct judgement *judgement, struct str authserv_id);
/* All that was found out in plain words, a line each, without control bytes. */
struct str judgement_tell(const struct judgement *judgement);

#endif
