/* The inside of TLS contexts, for what makes streams of them. */
#ifndef NET_TLS_INTERNAL_H
#define NET_TLS_INTERNAL_H

#include "net/tls.h"

#include <openssl/ssl.h>

enum tls_role { TLS_SERVER, TLS_CLIENT, TLS_SIMULATED };

struct tls_context {
    enum tls_role role;
    SSL_CTX *ssl; /* NULL when simulated */
};

#endif
