/* From the configuration to the route table. */
#ifndef SERVER_CONFIG_ROUTES_H
#define SERVER_CONFIG_ROUTES_H

#include "server/config.h"

/* The domains alone, with their users and aliases. */
MUST_CHECK enum err config_add_domains(const struct config *config, struct route_table *table);

#endif
