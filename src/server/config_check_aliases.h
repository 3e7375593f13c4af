/* Whether every alias leads to somebody. */
#ifndef SERVER_CONFIG_CHECK_ALIASES_H
#define SERVER_CONFIG_CHECK_ALIASES_H

#include "server/config_schema.h"

/* Asks the route table that the configuration would make. Does nothing while domains have errors,
 * which would show as aliases to nobody. */
void config_check_aliases(struct config_reading *reading, const struct config *config);

#endif
