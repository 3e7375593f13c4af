/* From the shape of a file to its values: walks the tree beside the table of config_schema.h, fills
 * the structs of config.h with defaults and with what is written, and finds everything that is
 * unknown, missing, there twice or of the wrong kind. Reads no files. */
#ifndef SERVER_CONFIG_FILL_H
#define SERVER_CONFIG_FILL_H

#include "server/config_schema.h"

void config_fill(struct config_reading *reading, const struct config_node *root,
                 struct config *config);

#endif
