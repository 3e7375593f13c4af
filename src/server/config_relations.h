/* What only shows when several keys are seen together. */
#ifndef SERVER_CONFIG_RELATIONS_H
#define SERVER_CONFIG_RELATIONS_H

#include "server/config_schema.h"

/* Settles what depends on other keys (the default of a listener's tls, auth that implies verify)
 * and finds what contradicts. All files were read. */
void config_check_relations(struct config_reading *reading, struct config *config);

#endif
