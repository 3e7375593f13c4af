/* Verdicts as results of an Authentication-Results field: RFC 8601 section 2.7, RFC 6008
 * (header.b), RFC 9989 section 9 (dmarc). Pure. */
#ifndef VERIFY_AUTHRES_VERDICTS_H
#define VERIFY_AUTHRES_VERDICTS_H

#include "verify/authres.h"
#include "verify/dkim_verify.h"
#include "verify/dmarc.h"
#include "verify/iprev.h"
#include "verify/spf.h"

struct authres_result authres_of_iprev(struct arena *arena, enum iprev_result result,
                                       const struct net_address *client, struct str name);
struct authres_result authres_of_spf(const struct spf_query *query,
                                     const struct spf_answer *answer);
struct authres_result authres_of_dkim(struct arena *arena, const struct dkim_verified *signature);
/* "dkim=none", for a message without a signature. */
struct authres_result authres_of_no_dkim(void);
struct authres_result authres_of_dmarc(struct arena *arena, const struct dmarc_answer *answer);

#endif
