#include "base/mem.h"
#include "net/tls_internal.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

/* Where systems keep the certificates they trust, as one file: read once, before the server locks
 * itself away. OpenSSL's directory of hashed names is read during handshakes instead. */
static const char *const system_ca_files[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
    "/etc/ssl/cert.pem",                  /* the BSDs */
};

enum err tls_problem(struct arena *arena, const char *what, struct str *out_problem)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    *out_problem = arena_printf(arena, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
    return ERR_TLS;
}

struct tls_context *tls_context_new(enum tls_role role, const SSL_METHOD *method)
{
    struct tls_context *context = NEW(struct tls_context);
    context->role = role;
    pthread_mutex_init(&context->lock, NULL);
    context->ssl = SSL_CTX_new(method);
    if (!context->ssl)
        abort(); /* out of memory, or an OpenSSL that cannot work at all */
    SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
    SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    /* A peer that vanishes without close_notify may have been cut off: never an orderly end. */
    SSL_CTX_clear_options(context->ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* One system call for a record, not one for its head and one for its body. */
    SSL_CTX_set_read_ahead(context->ssl, 1);
    return context;
}

void tls_context_free(struct tls_context *context)
{
    if (!context || context->role == TLS_SIMULATED)
        return;
    SSL_CTX_free(context->ssl); /* streams that use it hold it until they end */
    pthread_mutex_destroy(&context->lock);
    mem_free(context);
}

void tls_context_replace(struct tls_context *context, struct tls_context *by)
{
    assert(context->role == by->role && by->role != TLS_SIMULATED);
    pthread_mutex_lock(&context->lock);
    SSL_CTX *old = context->ssl;
    context->ssl = by->ssl;
    by->ssl = old;
    pthread_mutex_unlock(&context->lock);
    tls_context_free(by);
}

SSL *tls_context_begin(struct tls_context *context)
{
    pthread_mutex_lock(&context->lock);
    SSL *ssl = SSL_new(context->ssl);
    pthread_mutex_unlock(&context->lock);
    if (!ssl)
        abort();
    return ssl;
}

static struct tls_context simulated = {.role = TLS_SIMULATED};

struct tls_context *tls_context_simulated(void) { return &simulated; }

/* ---- clients ---- */
static bool load_system_ca(SSL_CTX *ssl)
{
    bool is_told_elsewhere = secure_getenv("SSL_CERT_FILE") || secure_getenv("SSL_CERT_DIR");
    for (size_t i = 0; !is_told_elsewhere && i < ARRAY_LEN(system_ca_files); i++)
        if (access(system_ca_files[i], R_OK) == 0)
            return SSL_CTX_load_verify_file(ssl, system_ca_files[i]) == 1;
    return SSL_CTX_set_default_verify_paths(ssl) == 1;
}

enum err tls_client_context_new(const char *ca_file, struct arena *arena,
                                struct tls_context **out_context, struct str *out_problem)
{
    ERR_clear_error();
    struct tls_context *context = tls_context_new(TLS_CLIENT, TLS_client_method());
    bool ok = ca_file ? SSL_CTX_load_verify_file(context->ssl, ca_file) == 1
                      : load_system_ca(context->ssl);
    if (!ok) {
        tls_context_free(context);
        return tls_problem(arena, "no usable certificate authorities", out_problem);
    }
    ERR_clear_error(); /* bundles hold a bad or a double one now and then */
    *out_context = context;
    return OK;
}

enum err tls_client_context_with(const struct tls_context *like, struct str certificate_pem,
                                 struct str key_pem, struct arena *arena,
                                 struct tls_context **out_context, struct str *out_problem)
{
    ERR_clear_error();
    struct tls_context *context = tls_context_new(TLS_CLIENT, TLS_client_method());
    SSL_CTX_set1_cert_store(context->ssl, SSL_CTX_get_cert_store(like->ssl));
    const char *what = tls_certificate_use(context->ssl, certificate_pem, key_pem);
    if (what) {
        tls_context_free(context);
        return tls_problem(arena, what, out_problem);
    }
    *out_context = context;
    return OK;
}
