/* Certificates made at run time, good ones and bad ones. Keys and certificates live until
 * certificate_free. */
#ifndef TEST_NET_CERTIFICATE_H
#define TEST_NET_CERTIFICATE_H

#include "base/arena.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct certificate {
    EVP_PKEY *key;
    X509 *x509;
};

struct certificate_wish {
    const char *names; /* "DNS:mx.example,IP:127.0.0.1" */
    bool is_ca;
    bool is_rsa;
    long expires_in_s;
    const struct certificate *issuer; /* NULL: itself */
};

static inline void certificate_must(bool ok)
{
    if (!ok)
        abort();
}

static inline void certificate_extend(X509 *x509, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    certificate_must(extension && X509_add_ext(x509, extension, -1));
    X509_EXTENSION_free(extension);
}

static inline struct certificate certificate_make(struct certificate_wish wish)
{
    static long serial = 1;
    struct certificate made = {wish.is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), X509_new()};
    certificate_must(made.key && made.x509);
    X509_set_version(made.x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.x509), -100000);
    X509_gmtime_adj(X509_getm_notAfter(made.x509), wish.expires_in_s);
    X509_set_pubkey(made.x509, made.key);
    X509_NAME *subject = X509_get_subject_name(made.x509);
    const char *common_name = wish.is_ca ? "test authority" : "test";
    X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
                               (const unsigned char *)common_name, -1, -1, 0);
    const struct certificate *issuer = wish.issuer ? wish.issuer : &made;
    X509_set_issuer_name(made.x509, X509_get_subject_name(issuer->x509));
    if (wish.names)
        certificate_extend(made.x509, NID_subject_alt_name, wish.names);
    certificate_extend(made.x509, NID_basic_constraints,
                       wish.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    certificate_must(X509_sign(made.x509, issuer->key, EVP_sha256()) > 0);
    return made;
}

static inline void certificate_free(struct certificate *certificate)
{
    X509_free(certificate->x509);
    EVP_PKEY_free(certificate->key);
}

static inline struct str certificate_take(struct arena *arena, BIO *bio)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    struct str copy = arena_copy(arena, str_make(text, (size_t)len));
    BIO_free(bio);
    return copy;
}

static inline struct str certificate_pem(const struct certificate *certificate, struct arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    certificate_must(bio && PEM_write_bio_X509(bio, certificate->x509));
    return certificate_take(arena, bio);
}

static inline struct str certificate_key_pem(const struct certificate *certificate,
                                             struct arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    certificate_must(
        bio && PEM_write_bio_PKCS8PrivateKey(bio, certificate->key, NULL, NULL, 0, NULL, NULL));
    return certificate_take(arena, bio);
}

#endif
