/* The TLS of an engine, made of the configuration's certificates; and new ones on their way from
 * the parent, who reads them, to the engine, who may not (docs/decisions/0008).
 *
 * They travel as one file in memory, whose descriptor is sent through a socket: the parent never
 * waits for the engine. */
#ifndef SERVER_CERTIFICATES_H
#define SERVER_CERTIFICATES_H

#include "server/config.h"

struct certificates {
    struct tls_context *server; /* NULL: there is no certificate for listeners */
    struct tls_context *client; /* for ways that show none */
    struct arena arena;         /* private: of the PEMs that came last */
};

/* Makes the contexts, and those of routes that show a certificate (way.tls_context). An error is
 * logged; what was made is there all the same, to be freed. */
MUST_CHECK enum err certificates_make(struct config *config, struct certificates *out_certificates);
void certificates_free(struct config *config, struct certificates *certificates);

/* The parent's end. An error is logged. */
void certificates_send(struct config *config, int socket_fd);
/* The engine's end: takes one parcel, puts it into the engine's copy of the configuration and in
 * the place of what the contexts show. ERR_BUSY: there is none. */
MUST_CHECK enum err certificates_receive(struct config *config, struct certificates *certificates,
                                         int socket_fd);

#endif
