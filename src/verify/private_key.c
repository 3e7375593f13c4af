#include "verify/private_key.h"

#include "base/encode.h"
#include "base/mem.h"
#include "verify/dkim_key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILE_MAX 65536

struct private_key {
    enum dkim_algorithm algorithm;
    unsigned bits;
    EVP_PKEY *key;
    /* RSA: made ready once and copied for each signature, which costs a fraction. Else NULL. */
    EVP_PKEY_CTX *ready;
};

/* ---- signing ---- */

static EVP_PKEY_CTX *make_ready(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    if (context && EVP_PKEY_sign_init(context) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1)
        return context;
    EVP_PKEY_CTX_free(context);
    return NULL;
}

static bool sign_rsa(const EVP_PKEY_CTX *ready, const uint8_t digest[32], unsigned char *out,
                     size_t *len)
{
    EVP_PKEY_CTX *context = ready ? EVP_PKEY_CTX_dup(ready) : NULL;
    bool ok = context && EVP_PKEY_sign(context, out, len, digest, 32) == 1;
    EVP_PKEY_CTX_free(context);
    return ok;
}

static bool sign_ed25519(EVP_PKEY *key, const uint8_t digest[32], unsigned char *out, size_t *len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestSign(context, out, len, digest, 32) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

static bool sign_digest(const struct private_key *key, const uint8_t digest[32], unsigned char *out,
                        size_t *len)
{
    return key->algorithm == DKIM_RSA_SHA256 ? sign_rsa(key->ready, digest, out, len)
                                             : sign_ed25519(key->key, digest, out, len);
}

struct str private_key_sign(struct arena *arena, const struct private_key *key,
                            const uint8_t digest[32])
{
    size_t len = (size_t)EVP_PKEY_get_size(key->key);
    unsigned char *out = arena_alloc(arena, len);
    bool ok = sign_digest(key, digest, out, &len);
    assert(ok); /* it could sign when it was read */
    return str_make((const char *)out, len);
}

/* ---- reading ---- */

/* Without this OpenSSL would ask on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
    UNUSED(out);
    UNUSED(size);
    UNUSED(writing);
    UNUSED(context);
    return -1;
}

/* A damaged RSA key fails when it signs, or signs what nobody can verify: better know it now. */
static bool can_sign(const struct private_key *key)
{
    unsigned char signature[DKIM_RSA_BITS_MAX / 8];
    const uint8_t digest[32] = {0};
    size_t len = sizeof signature;
    bool ok = sign_digest(key, digest, signature, &len);
    ERR_clear_error();
    struct dkim_key public_part = {.algorithm = key->algorithm, .key = key->key};
    return ok && dkim_is_good(
                     dkim_key_prove(&public_part, digest, str_make((const char *)signature, len)));
}

/* False: not for us. */
static bool find_algorithm(EVP_PKEY *pkey, enum dkim_algorithm *out_algorithm)
{
    int type = EVP_PKEY_get_base_id(pkey), bits = EVP_PKEY_get_bits(pkey);
    *out_algorithm = type == EVP_PKEY_RSA ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
    return type == EVP_PKEY_ED25519 ||
           (type == EVP_PKEY_RSA && bits >= DKIM_RSA_BITS_MIN && bits <= DKIM_RSA_BITS_MAX);
}

static struct private_key *own(EVP_PKEY *pkey, enum dkim_algorithm algorithm)
{
    struct private_key *key = NEW(struct private_key);
    *key = (struct private_key){
        .algorithm = algorithm,
        .bits = (unsigned)EVP_PKEY_get_bits(pkey),
        .key = pkey,
        .ready = algorithm == DKIM_RSA_SHA256 ? make_ready(pkey) : NULL,
    };
    return key;
}

enum err private_key_parse(struct str pem, struct private_key **out_key)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)min_size(pem.len, FILE_MAX));
    assert(bio);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    ERR_clear_error();
    enum dkim_algorithm algorithm;
    if (!pkey)
        return ERR_SYNTAX;
    if (!find_algorithm(pkey, &algorithm)) {
        EVP_PKEY_free(pkey);
        return ERR_UNSUPPORTED;
    }
    struct private_key *key = own(pkey, algorithm);
    if (!can_sign(key)) {
        private_key_free(key);
        return ERR_SYNTAX;
    }
    *out_key = key;
    return OK;
}

enum err private_key_read(const char *path, struct private_key **out_key)
{
    char *pem = mem_alloc(FILE_MAX);
    FILE *file = fopen(path, "re");
    if (!file) {
        enum err err = err_from_errno(errno);
        mem_free(pem);
        return err;
    }
    size_t len = fread(pem, 1, FILE_MAX, file);
    enum err err = ferror(file) ? ERR_IO : private_key_parse(str_make(pem, len), out_key);
    fclose(file);
    OPENSSL_cleanse(pem, len);
    mem_free(pem);
    return err;
}

enum err private_key_check_file(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return err_from_errno(errno);
    return status.st_mode & (S_IRWXG | S_IRWXO) ? ERR_DENIED : OK;
}

struct private_key *private_key_generate(enum dkim_algorithm algorithm, unsigned rsa_bits)
{
    EVP_PKEY *pkey = algorithm == DKIM_RSA_SHA256
                         ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)rsa_bits)
                         : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert(pkey);
    return own(pkey, algorithm);
}

void private_key_free(struct private_key *key)
{
    if (!key)
        return;
    EVP_PKEY_CTX_free(key->ready);
    EVP_PKEY_free(key->key);
    mem_free(key);
}

enum dkim_algorithm private_key_algorithm(const struct private_key *key) { return key->algorithm; }
unsigned private_key_bits(const struct private_key *key) { return key->bits; }

/* ---- printing ---- */

struct str private_key_print(struct arena *arena, const struct private_key *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert(bio);
    int ok = PEM_write_bio_PKCS8PrivateKey(bio, key->key, NULL, NULL, 0, NULL, NULL);
    assert(ok == 1);
    char *at;
    long len = BIO_get_mem_data(bio, &at);
    struct str pem = arena_copy(arena, str_make(at, (size_t)len));
    BIO_free(bio);
    return pem;
}

/* RSA as SubjectPublicKeyInfo (RFC 6376 appendix C), Ed25519 as the bare key (RFC 8463 section 4).
 */
static struct str public_bytes(struct arena *arena, const struct private_key *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key->key, &der);
    assert(len > 0);
    struct str bytes = arena_copy(arena, str_make((const char *)der, (size_t)len));
    OPENSSL_free(der);
    return key->algorithm == DKIM_ED25519_SHA256 ? str_from(bytes, bytes.len - 32) : bytes;
}

struct str private_key_record(struct arena *arena, const struct private_key *key)
{
    struct str text = base64_encode(arena, public_bytes(arena, key));
    return arena_printf(arena, "v=DKIM1; k=%.*s; p=%.*s",
                        STR_FMT(dkim_algorithm_key_type(key->algorithm)), STR_FMT(text));
}
