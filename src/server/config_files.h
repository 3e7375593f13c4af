/* The files that a configuration names: certificate, keys, passwords, accounts, users, aliases. */
#ifndef SERVER_CONFIG_FILES_H
#define SERVER_CONFIG_FILES_H

#include "server/config_schema.h"

/* Reads them all into `config`. What cannot be read, is open to others though it is secret, or
 * makes no sense becomes a problem, with the file's own line where it has one. */
void config_read_files(struct config_reading *reading, const struct config_reader *reader,
                       struct config *config);
/* Of them, the certificates and their keys. */
void config_read_certificates(struct config_reading *reading, const struct config_reader *reader,
                              struct config *config);

#endif
