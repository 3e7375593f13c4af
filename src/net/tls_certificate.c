/* Certificates with their keys, from PEM into OpenSSL. */
#include "net/tls_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>

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

const char *tls_certificate_use(SSL_CTX *ssl, struct str certificate_pem, struct str key_pem)
{
    if (!use_pem(ssl, certificate_pem, use_chain))
        return "no usable certificate chain in PEM";
    if (!use_pem(ssl, key_pem, use_key))
        return "no usable private key in PEM that belongs to the certificate";
    if (SSL_CTX_check_private_key(ssl) != 1)
        return "the private key does not belong to the certificate";
    return NULL;
}
