/* Verdicts as JSON objects, for `check … --json`. What peers wrote and is no UTF-8, or holds
 * controls, has `?` in those places. */
#ifndef CLI_VERDICT_JSON_H
#define CLI_VERDICT_JSON_H

#include "verify/arc.h"
#include "verify/dkim_verify.h"
#include "verify/dmarc.h"
#include "verify/iprev.h"
#include "verify/spf.h"

#include <jansson.h>

json_t *verdict_text(struct str text);
json_t *verdict_of_spf(const struct spf_answer *answer);
json_t *verdict_of_dkim(const struct dkim_verified *signature);
json_t *verdict_of_arc(const struct arc_chain *chain);
json_t *verdict_of_dmarc(const struct dmarc_answer *answer);

/* Prints it on standard output and lets it go. */
void verdict_print(json_t *verdict);

#endif
