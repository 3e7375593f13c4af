/* The inside of TLS contexts, for what makes streams of them. */
#ifndef NET_TLS_INTERNAL_H
#define NET_TLS_INTERNAL_H

#include "net/tls.h"

#include <openssl/ssl.h>
#include <pthread.h>

enum tls_role { TLS_SERVER, TLS_CLIENT, TLS_SIMULATED };

struct tls_context {
    enum tls_role role;
    pthread_mutex_t lock; /* of the pointer: connections take it while it is replaced */
    SSL_CTX *ssl;         /* NULL when simulated */
};

/* With all settings that servers and clients share. */
struct tls_context *tls_context_new(enum tls_role role, const SSL_METHOD *method);
/* One connection's. */
SSL *tls_context_begin(struct tls_context *context);

/* Adds a certificate with its chain and key, beside those of other kinds of keys. NULL, or what is
 * wrong, with OpenSSL's reason in its queue. (tls_certificate.c) */
const char *tls_certificate_use(SSL_CTX *ssl, struct str certificate_pem, struct str key_pem);

/* Puts "WHAT: OpenSSL's reason" into *out_problem and empties OpenSSL's queue of errors. */
enum err tls_problem(struct arena *arena, const char *what, struct str *out_problem);

#endif
