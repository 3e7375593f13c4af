#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define VALID_BEFORE_S  3600L /* clocks differ */
#define VALID_AFTER_S   (10L * 365 * 24 * 3600)
#define COMMON_NAME_MAX 64 /* RFC 5280 appendix A, ub-common-name */

/* Failures in here are a lack of memory or a broken OpenSSL. */
static void must(bool ok)
{
    if (!ok)
        abort();
}

static void add_name(GENERAL_NAMES *names, int type, const void *bytes, size_t len)
{
    /* Made of values, not of configuration text, which a comma in the name would extend. */
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    must(name && value && ASN1_STRING_set(value, bytes, (int)len));
    GENERAL_NAME_set0_value(name, type, value);
    must(sk_GENERAL_NAME_push(names, name) > 0);
}

static void set_subject(X509 *certificate, struct str host)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    must(names);
    struct in_addr v4 = {htonl(INADDR_LOOPBACK)};
    add_name(names, GEN_DNS, host.at, host.len);
    add_name(names, GEN_DNS, "localhost", strlen("localhost"));
    add_name(names, GEN_IPADD, &v4, sizeof v4);
    add_name(names, GEN_IPADD, &in6addr_loopback, sizeof in6addr_loopback);
    must(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1);
    GENERAL_NAMES_free(names);

    X509_NAME *subject = X509_get_subject_name(certificate);
    const unsigned char *common_name = (const unsigned char *)host.at;
    int len = (int)min_size(host.len, COMMON_NAME_MAX);
    must(
        X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC, common_name, len, -1, 0));
    must(X509_set_issuer_name(certificate, subject));
}

static void set_serial(X509 *certificate)
{
    unsigned char serial[16];
    must(RAND_bytes(serial, sizeof serial) == 1);
    serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x40); /* positive, of full length */
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    must(number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)));
    BN_free(number);
}

static X509 *self_signed(EVP_PKEY *key, struct str host)
{
    X509 *certificate = X509_new();
    must(certificate && X509_set_version(certificate, X509_VERSION_3));
    set_serial(certificate);
    must(X509_gmtime_adj(X509_getm_notBefore(certificate), -VALID_BEFORE_S) &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_AFTER_S));
    must(X509_set_pubkey(certificate, key));
    set_subject(certificate, host);
    must(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static struct str take_text(struct arena *arena, BIO *bio)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    struct str copy = arena_copy(arena, str_make(text, (size_t)len));
    BIO_free(bio);
    return copy;
}

enum err tls_self_signed(struct str host, struct arena *arena, struct str *out_certificate_pem,
                         struct str *out_key_pem)
{
    if (host.len == 0 || host.len > 255 || str_has_8bit(host) || memchr(host.at, '\0', host.len))
        return ERR_SYNTAX;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(key);
    X509 *certificate = self_signed(key, host);
    BIO *certificate_pem = BIO_new(BIO_s_mem());
    BIO *key_pem = BIO_new(BIO_s_mem());
    must(certificate_pem && PEM_write_bio_X509(certificate_pem, certificate));
    must(key_pem && PEM_write_bio_PKCS8PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL));
    *out_certificate_pem = take_text(arena, certificate_pem);
    *out_key_pem = take_text(arena, key_pem);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return OK;
}
