#include "base/mem.h"
#include "net/tls_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

/* Where systems keep the certificates they trust, as one file: read once, before the server locks
 * itself away. OpenSSL's directory of hashed names is read during handshakes instead. */
static const char *const system_ca_files[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
    "/etc/ssl/cert.pem",                  /* the BSDs */
};

/* Puts "WHAT: OpenSSL's reason" into *out_problem and empties OpenSSL's queue of errors. */
static enum err problem(struct arena *arena, const char *what, struct str *out_problem)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    *out_problem = arena_printf(arena, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
    return ERR_TLS;
}

static struct tls_context *context_new(enum tls_role role, const SSL_METHOD *method)
{
    struct tls_context *context = NEW(struct tls_context);
    context->role = role;
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
    mem_free(context);
}

static struct tls_context simulated = {.role = TLS_SIMULATED};

struct tls_context *tls_context_simulated(void) { return &simulated; }

/* ---- servers ---- */

/* Otherwise OpenSSL would ask for the passphrase on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
    UNUSED(out), UNUSED(size), UNUSED(writing), UNUSED(context);
    return -1;
}

static bool use_chain(SSL_CTX *ssl, BIO *pem)
{
    X509 *leaf = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL);
    bool ok = leaf && SSL_CTX_use_certificate(ssl, leaf) == 1;
    X509_free(leaf);
    X509 *issuer;
    while (ok && (issuer = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL))) {
        ok = SSL_CTX_add0_chain_cert(ssl, issuer) == 1;
        if (!ok)
            X509_free(issuer);
    }
    /* The end of the file reads as "no start line"; anything else is a damaged certificate. */
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (ok && at_end)
        ERR_clear_error();
    return ok && at_end;
}

static bool use_key(SSL_CTX *ssl, BIO *pem)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
    bool ok = key && SSL_CTX_use_PrivateKey(ssl, key) == 1;
    EVP_PKEY_free(key);
    return ok;
}

static bool use_pem(SSL_CTX *ssl, struct str pem, bool (*use)(SSL_CTX *, BIO *))
{
    BIO *bio = pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
    bool ok = bio && use(ssl, bio);
    BIO_free(bio);
    return ok;
}

static const char *use_certificate(SSL_CTX *ssl, struct str certificate_pem, struct str key_pem)
{
    if (!use_pem(ssl, certificate_pem, use_chain))
        return "no usable certificate chain in PEM";
    if (!use_pem(ssl, key_pem, use_key))
        return "no usable private key in PEM that belongs to the certificate";
    if (SSL_CTX_check_private_key(ssl) != 1)
        return "the private key does not belong to the certificate";
    return NULL;
}

enum err tls_server_context_new(struct str certificate_pem, struct str key_pem,
                                enum tls_minimum minimum, struct arena *arena,
                                struct tls_context **out_context, struct str *out_problem)
{
    ERR_clear_error();
    struct tls_context *context = context_new(TLS_SERVER, TLS_server_method());
    const char *what = use_certificate(context->ssl, certificate_pem, key_pem);
    if (what) {
        tls_context_free(context);
        return problem(arena, what, out_problem);
    }
    if (minimum == TLS_MINIMUM_1_3)
        SSL_CTX_set_min_proto_version(context->ssl, TLS1_3_VERSION);
    /* Resumption by tickets alone: no table that peers could fill. */
    SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context->ssl, 1);
    static const unsigned char session_context[] = "postrider";
    SSL_CTX_set_session_id_context(context->ssl, session_context, sizeof session_context - 1);
    *out_context = context;
    return OK;
}

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
    struct tls_context *context = context_new(TLS_CLIENT, TLS_client_method());
    bool ok = ca_file ? SSL_CTX_load_verify_file(context->ssl, ca_file) == 1
                      : load_system_ca(context->ssl);
    if (!ok) {
        tls_context_free(context);
        return problem(arena, "no usable certificate authorities", out_problem);
    }
    ERR_clear_error(); /* bundles hold a bad or a double one now and then */
    *out_context = context;
    return OK;
}
