#include "verify/dkim_key.h"

#include "base/encode.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define ED25519_LEN   32
#define EXPONENT_BITS 64 /* what OpenSSL allows large keys; a huge one makes every proof dear */

static struct dkim_verdict bad_key(const char *reason)
{
    return dkim_verdict(DKIM_PERMERROR, reason);
}

/* ---- the key's bytes ---- */

/* The RSAPublicKey within a SubjectPublicKeyInfo; empty when it is none, or of another kind. That
 * much is taken apart here since OpenSSL's decoders, asked for the whole, take a hundred times as
 * long to look for one another. */
static struct str inner_key(struct str der)
{
    const unsigned char *at = (const unsigned char *)der.at, *end = at + der.len;
    long len;
    int tag, class;
    if (ASN1_get_object(&at, &len, &tag, &class, (long)der.len) != V_ASN1_CONSTRUCTED ||
        tag != V_ASN1_SEQUENCE || len != end - at)
        return STR_EMPTY;
    X509_ALGOR *algorithm = d2i_X509_ALGOR(NULL, &at, len);
    bool is_rsa = algorithm && OBJ_obj2nid(algorithm->algorithm) == NID_rsaEncryption;
    X509_ALGOR_free(algorithm);
    if (!is_rsa || ASN1_get_object(&at, &len, &tag, &class, end - at) != 0 ||
        tag != V_ASN1_BIT_STRING || len != end - at || len == 0 || *at++ != 0)
        return STR_EMPTY;
    return str_make((const char *)at, (size_t)(end - at));
}

static EVP_PKEY *decode_rsa(struct str der)
{
    const unsigned char *at = (const unsigned char *)der.at, *end = at + der.len;
    EVP_PKEY *key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)der.len);
    if (key && at == end)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static bool has_sane_exponent(EVP_PKEY *key)
{
    BIGNUM *exponent = NULL;
    bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
              BN_num_bits(exponent) <= EXPONENT_BITS && BN_is_odd(exponent) && !BN_is_one(exponent);
    BN_free(exponent);
    return ok;
}

/* RFC 6376 speaks of RSAPublicKey; what is published, also in its appendix C, is
 * SubjectPublicKeyInfo. */
static struct dkim_verdict load_rsa(struct str bytes, struct dkim_key *key)
{
    struct str inner = inner_key(bytes);
    key->key = decode_rsa(inner.len ? inner : bytes);
    ERR_clear_error();
    if (!key->key)
        return bad_key("the key is no RSA key");
    key->bits = (unsigned)EVP_PKEY_get_bits(key->key);
    if (key->bits < DKIM_RSA_BITS_MIN)
        return dkim_verdict(DKIM_POLICY, "the RSA key is shorter than 1024 bits (RFC 8301)");
    if (key->bits > DKIM_RSA_BITS_MAX)
        return dkim_verdict(DKIM_POLICY, "the RSA key is longer than 4096 bits");
    if (!has_sane_exponent(key->key))
        return bad_key("the RSA key's exponent is absurd");
    return dkim_good();
}

static struct dkim_verdict load_ed25519(struct str bytes, struct dkim_key *key)
{
    if (bytes.len == ED25519_LEN)
        key->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                               (const unsigned char *)bytes.at, bytes.len);
    ERR_clear_error();
    if (!key->key)
        return bad_key("the key is no Ed25519 key");
    key->bits = 256;
    return dkim_good();
}

/* ---- the record ---- */

static struct str value_or(const struct tag_list *tags, struct str name, struct str otherwise)
{
    const struct tag *tag = tag_list_find(tags, name);
    return tag ? tag->value : otherwise;
}

static bool has_good_version(const struct tag_list *tags)
{
    const struct tag *version = tag_list_find(tags, STR("v"));
    return !version || (version == &tags->tags[0] && str_eq(version->value, STR("DKIM1")));
}

static bool read_key_type(struct str type, enum dkim_algorithm *out_algorithm)
{
    static const enum dkim_algorithm known[] = {DKIM_RSA_SHA256, DKIM_ED25519_SHA256};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(type, dkim_algorithm_key_type(known[i]))) {
            *out_algorithm = known[i];
            return true;
        }
    return false;
}

static struct dkim_verdict load_public_key(struct arena *arena, struct str value,
                                           struct dkim_key *key)
{
    struct str bytes;
    if (base64_decode(arena, tag_value_strip(arena, value), &bytes))
        return bad_key("the key is not base64");
    if (bytes.len == 0)
        return bad_key("the key was revoked");
    return key->algorithm == DKIM_RSA_SHA256 ? load_rsa(bytes, key) : load_ed25519(bytes, key);
}

static struct dkim_verdict read_record(struct arena *arena, struct str record, struct dkim_key *key)
{
    struct tag_list tags;
    if (tag_list_parse(record, &tags) || !has_good_version(&tags))
        return bad_key("there is no key record");
    const struct tag *public_key = tag_list_find(&tags, STR("p"));
    if (!public_key)
        return bad_key("the key record has no key");
    struct str services = value_or(&tags, STR("s"), STR("*"));
    if (!tag_items_have(services, STR("*")) && !tag_items_have(services, STR("email")))
        return bad_key("the key is not for mail");
    struct str flags = value_or(&tags, STR("t"), STR_EMPTY);
    key->is_testing = tag_items_have(flags, STR("y"));
    key->is_exact = tag_items_have(flags, STR("s"));
    const struct tag *hashes = tag_list_find(&tags, STR("h"));
    if (hashes && !tag_items_have(hashes->value, STR("sha256")))
        return bad_key("the key is not for SHA-256");
    if (!read_key_type(value_or(&tags, STR("k"), STR("rsa")), &key->algorithm))
        return bad_key("the key's type is not known");
    return load_public_key(arena, public_key->value, key);
}

void dkim_key_parse(struct arena *arena, struct str record, struct dkim_key *out_key)
{
    *out_key = (struct dkim_key){0};
    out_key->verdict = read_record(arena, record, out_key);
}

void dkim_key_done(struct dkim_key *key)
{
    EVP_PKEY_free(key->key);
    key->key = NULL;
}

/* ---- use ---- */

struct dkim_verdict dkim_key_fits(const struct dkim_key *key,
                                  const struct dkim_signature *signature)
{
    if (!dkim_is_good(key->verdict))
        return key->verdict;
    if (key->algorithm != signature->algorithm)
        return bad_key("the key is not for this algorithm");
    if (key->is_exact && !str_eq_nocase(signature->identity_domain, signature->domain))
        return bad_key("the key does not allow subdomains in i=");
    return dkim_good();
}

static bool prove_rsa(EVP_PKEY *key, const uint8_t digest[32], struct str signature)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool ok = context && EVP_PKEY_verify_init(context) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
              EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
              EVP_PKEY_verify(context, (const unsigned char *)signature.at, signature.len, digest,
                              32) == 1;
    EVP_PKEY_CTX_free(context);
    return ok;
}

/* What is signed is the digest, not the message (RFC 8463 section 3). */
static bool prove_ed25519(EVP_PKEY *key, const uint8_t digest[32], struct str signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestVerify(context, (const unsigned char *)signature.at, signature.len, digest,
                               32) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

struct dkim_verdict dkim_key_prove(const struct dkim_key *key, const uint8_t digest[32],
                                   struct str signature)
{
    bool ok = key->algorithm == DKIM_RSA_SHA256 ? prove_rsa(key->key, digest, signature)
                                                : prove_ed25519(key->key, digest, signature);
    ERR_clear_error();
    return ok ? dkim_good() : dkim_verdict(DKIM_FAIL, "the signature does not verify");
}
