/* Whether a directive matches: RFC 7208 sections 4.6.4 and 5. */
#ifndef VERIFY_SPF_MECHANISM_H
#define VERIFY_SPF_MECHANISM_H

#include "verify/spf_evaluation.h"
#include "verify/spf_record.h"

enum spf_match { SPF_NO_MATCH, SPF_MATCH, SPF_MATCH_TEMPERROR, SPF_MATCH_PERMERROR };

struct spf_question {
    struct spf_evaluation *evaluation;
    const struct spf_directive *directive;
    struct str domain; /* that is checked */
    struct str target; /* <target-name>, section 4.8: at first the domain */
    struct str reason; /* set with an error */
};

extern const struct str spf_too_many_lookups; /* the reason for it, in plain words */

MAY_YIELD enum spf_match spf_mechanism_match(struct spf_question *question);

#endif
