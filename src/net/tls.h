/* TLS settings shared by many streams, by OpenSSL. Built before the loops start; read-only after,
 * but for tls_context_replace. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/arena.h"
#include "base/err.h"

struct tls_context;

enum tls_minimum { TLS_MINIMUM_1_2, TLS_MINIMUM_1_3 };

/* Certificate chain and key in PEM. On an error *out_problem says what is wrong in plain words
 * (OpenSSL's reason included), in `arena`. */
MUST_CHECK enum err tls_server_context_new(struct str certificate_pem, struct str key_pem,
                                           enum tls_minimum minimum, struct arena *arena,
                                           struct tls_context **out_context,
                                           struct str *out_problem);
/* A further certificate, before the context is in use. A client that asks for a host (SNI) gets the
 * certificate that has its name, else the first one. Certificates with the same names and keys of
 * different kinds are offered together. */
MUST_CHECK enum err tls_server_context_add(struct tls_context *context, struct str certificate_pem,
                                           struct str key_pem, struct arena *arena,
                                           struct str *out_problem);
/* `ca_file` NULL: the system's store, loaded once and shared. */
MUST_CHECK enum err tls_client_context_new(const char *ca_file, struct arena *arena,
                                           struct tls_context **out_context,
                                           struct str *out_problem);
/* A client context that offers a certificate to servers that ask for one; it trusts whom `like`
 * trusts. */
MUST_CHECK enum err tls_client_context_with(const struct tls_context *like,
                                            struct str certificate_pem, struct str key_pem,
                                            struct arena *arena, struct tls_context **out_context,
                                            struct str *out_problem);
void tls_context_free(struct tls_context *context);
/* From any thread: connections that begin from now on are as those of `by`, which is freed. Those
 * that stand are as they were. */
void tls_context_replace(struct tls_context *context, struct tls_context *by);

/* A self-signed ECDSA P-256 certificate for the sandbox, valid for `host` and the loopback
 * addresses, in PEM. */
MUST_CHECK enum err tls_self_signed(struct str host, struct arena *arena,
                                    struct str *out_certificate_pem, struct str *out_key_pem);

/* A context of the simulation: stream_tls_* exchange a marker and pass bytes through in clear. */
struct tls_context *tls_context_simulated(void);

#endif
