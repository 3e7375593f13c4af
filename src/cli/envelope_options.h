/* The options that say who brings a message: --ip, --helo and --from, for commands that evaluate
 * SPF. */
#ifndef CLI_ENVELOPE_OPTIONS_H
#define CLI_ENVELOPE_OPTIONS_H

#include "verify/spf.h"

/* Makes a query of them; any may be NULL. `from` may be anything, also what no address is: an empty
 * one, or <>, is the null reverse-path. False: printed why, wrong usage. The query borrows, and has
 * no time yet. */
bool envelope_options_read(const char *command, const char *ip, const char *helo, const char *from,
                           struct arena *arena, struct spf_query *out_query);

/* The name of this machine; "localhost" where it has none. */
struct str envelope_hostname(struct arena *arena);

#endif
