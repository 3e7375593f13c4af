/* A secret of the server's own: random bytes in a file of the state directory, mode 0600, made when
 * they are first needed. Never logged or shown. */
#ifndef SERVER_SECRET_H
#define SERVER_SECRET_H

#include "base/arena.h"
#include "base/err.h"

#define SECRET_SRS_NAME "srs.key" /* of struct srs_key */

/* Fills `out` from DIRECTORY/name. ERR_NOT_FOUND, ERR_DENIED; ERR_CORRUPT: it is not of that size,
 * is no regular file, or open to others. */
MUST_CHECK enum err secret_read(struct str directory, const char *name, void *out, size_t size);
/* The same, and makes the file if there is none; after a crash there is a whole one or none. Logs
 * what fails. Only for the one who holds the lock of the directory. */
MUST_CHECK enum err secret_read_or_make(struct str directory, const char *name, void *out,
                                        size_t size);

#endif
