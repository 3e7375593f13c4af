#include "verify/dkim_key.h"

#include "base/buf.h"
#include "base/encode.h"
#include "verify/signing.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#define ED_P "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
/* 512 bits */
#define SHORT_P                                                                          \
    "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALVRzjWJ4iQL5d0vLhnnMIbrAvSZeYSLGK/B1eQdZV0Cx8oO" \
    "K1PIMKNZkMCoZ0xjRLP9wFpaoLFOtWWEx0SYtqcCAwEAAQ=="

static const struct row {
    const char *sentence;
    const char *record;
    enum dkim_result result;
} rows[] = {
    {"RFC 6376 appendix C", RSA_RECORD_6376, DKIM_PASS},
    {"RFC 8463 section A.2, RSA", RSA_RECORD_8463, DKIM_PASS},
    {"RFC 8463 section A.2, Ed25519", ED25519_RECORD, DKIM_PASS},
    {"everything that may stand there",
     "v=DKIM1; h=sha1 : sha256; k=ed25519; n=a note=20here; " ED_P "; s=email:*; t=y:s; foo=bar",
     DKIM_PASS},
    {"no version", "k=ed25519; " ED_P, DKIM_PASS},
    {"the version not in front", "k=ed25519; v=DKIM1; " ED_P, DKIM_PERMERROR},
    {"another version", "v=DKIM2; k=ed25519; " ED_P, DKIM_PERMERROR},
    {"a version that is nearly right", "v=DKIM1.0; k=ed25519; " ED_P, DKIM_PERMERROR},
    {"a version in lower case", "v=dkim1; k=ed25519; " ED_P, DKIM_PERMERROR},
    {"an SPF record under a wildcard", "v=spf1 -all", DKIM_PERMERROR},
    {"no list of tags", "hello", DKIM_PERMERROR},
    {"nothing", "", DKIM_PERMERROR},
    {"no key", "v=DKIM1; k=ed25519", DKIM_PERMERROR},
    {"section 6.1.2 step 7: revoked", "v=DKIM1; k=rsa; p=", DKIM_PERMERROR},
    {"revoked, with blanks", "v=DKIM1; k=rsa; p= ;", DKIM_PERMERROR},
    {"not base64",
     "v=DKIM1; k=ed25519; p=11qYAYKx?rfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", DKIM_PERMERROR},
    {"base64 with blanks in it",
     "v=DKIM1; k=ed25519; p=11qYAYKx CrfVS/7TyWQHOg7hc vPapiMlrwIaaPcHURo=", DKIM_PASS},
    {"a tag given twice", "v=DKIM1; k=ed25519; k=ed25519; " ED_P, DKIM_PERMERROR},
    {"section 6.1.2 step 6: only sha1", "v=DKIM1; k=ed25519; h=sha1; " ED_P, DKIM_PERMERROR},
    {"no hash at all", "v=DKIM1; k=ed25519; h=; " ED_P, DKIM_PERMERROR},
    {"unknown hashes are ignored", "v=DKIM1; k=ed25519; h=md5:sha256; " ED_P, DKIM_PASS},
    {"an unknown type of key", "v=DKIM1; k=dsa; " ED_P, DKIM_PERMERROR},
    {"a type of key in upper case", "v=DKIM1; k=ED25519; " ED_P, DKIM_PERMERROR},
    {"for another service", "v=DKIM1; k=ed25519; s=tlsrpt; " ED_P, DKIM_PERMERROR},
    {"for no service", "v=DKIM1; k=ed25519; s=; " ED_P, DKIM_PERMERROR},
    {"for mail among others", "v=DKIM1; k=ed25519; s=other:email; " ED_P, DKIM_PASS},
    {"unknown flags", "v=DKIM1; k=ed25519; t=x:whatever; " ED_P, DKIM_PASS},
    {"appendix C.2: g= is ignored", "v=DKIM1; k=ed25519; g=; " ED_P, DKIM_PASS},
    {"an Ed25519 key of 31 bytes",
     "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==", DKIM_PERMERROR},
    {"an Ed25519 key as SubjectPublicKeyInfo",
     "k=ed25519; p=MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", DKIM_PERMERROR},
    {"an Ed25519 key said to be RSA", "v=DKIM1; " ED_P, DKIM_PERMERROR},
    {"RFC 8301 section 3.2: a short key", "v=DKIM1; " SHORT_P, DKIM_POLICY},
    {"bytes behind the key",
     "v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALVRzjWJ4iQL5d0vLh"
     "nnMIbrAvSZeYSLGK/B1eQdZV0Cx8oOK1PIMKNZkMCoZ0xjRLP9wFpaoLFOtWWEx0SYtqcCAwEAAQAA",
     DKIM_PERMERROR},
};

TEST(rfc6376_3_6_1_and_6_1_2_key_records)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct dkim_key key;
        dkim_key_parse(&arena, str_of(rows[i].record), &key);
        CHECK_ROW(rows[i].sentence, key.verdict.result == rows[i].result);
        dkim_key_done(&key);
        arena_reset(&arena);
    }
}

TEST(flags_are_read)
{
    struct arena arena = arena_make();
    struct dkim_key key;
    dkim_key_parse(&arena, STR("k=ed25519; t= s : y ; " ED_P), &key);
    CHECK(key.is_testing && key.is_exact);
    CHECK_INT(key.bits, 256);
    dkim_key_done(&key);
    dkim_key_parse(&arena, STR("k=ed25519; t=Y; " ED_P), &key);
    CHECK(!key.is_testing && !key.is_exact);
    dkim_key_done(&key);
    arena_reset(&arena);
}

/* ---- RSA keys that nobody should have ---- */

static BIGNUM *random_number(int bits, bool is_odd)
{
    BIGNUM *number = BN_new();
    int ok =
        BN_rand(number, bits, BN_RAND_TOP_ONE, is_odd ? BN_RAND_BOTTOM_ODD : BN_RAND_BOTTOM_ANY);
    assert(ok == 1);
    return number;
}

static EVP_PKEY *rsa_key(const BIGNUM *n, const BIGNUM *e)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    int ok = EVP_PKEY_fromdata_init(context) == 1 &&
             EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) == 1;
    assert(ok);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static enum dkim_result result_for(const BIGNUM *n, const BIGNUM *e, bool is_bare)
{
    struct arena arena = arena_make();
    EVP_PKEY *pkey = rsa_key(n, e);
    unsigned char *der = NULL;
    int len = is_bare ? i2d_PublicKey(pkey, &der) : i2d_PUBKEY(pkey, &der);
    assert(len > 0);
    struct str text = base64_encode(&arena, str_make((const char *)der, (size_t)len));
    struct dkim_key key;
    dkim_key_parse(&arena, arena_printf(&arena, "v=DKIM1; p=%.*s", STR_FMT(text)), &key);
    enum dkim_result result = key.verdict.result;
    dkim_key_done(&key);
    OPENSSL_free(der);
    EVP_PKEY_free(pkey);
    arena_reset(&arena);
    return result;
}

TEST(rfc8301_3_2_sizes_and_absurd_exponents)
{
    static const struct {
        const char *sentence;
        int bits;
        int exponent_bits;
        enum dkim_result result;
    } keys[] = {
        {"1023 bits", 1023, 17, DKIM_POLICY},
        {"1024 bits", 1024, 17, DKIM_PASS},
        {"4096 bits", 4096, 17, DKIM_PASS},
        {"4097 bits", 4097, 17, DKIM_POLICY},
        {"8192 bits", 8192, 17, DKIM_POLICY},
        {"an exponent of 64 bits", 2048, 64, DKIM_PASS},
        {"an exponent of 65 bits", 2048, 65, DKIM_PERMERROR},
        {"an exponent as long as the modulus", 2048, 2047, DKIM_PERMERROR},
        {"an exponent of 1", 2048, 1, DKIM_PERMERROR},
        {"an exponent of 3", 2048, 2, DKIM_PASS},
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        BIGNUM *n = random_number(keys[i].bits, true);
        BIGNUM *e = random_number(keys[i].exponent_bits, true);
        CHECK_ROW(keys[i].sentence, result_for(n, e, false) == keys[i].result);
        CHECK_ROW(keys[i].sentence, result_for(n, e, true) == keys[i].result);
        BN_free(n);
        BN_free(e);
    }
    BIGNUM *n = random_number(2048, true), *even = BN_new();
    BN_set_word(even, 65536);
    CHECK_INT(result_for(n, even, false), DKIM_PERMERROR);
    BN_free(n);
    BN_free(even);
}

TEST(a_record_of_64_kib_is_read)
{
    struct arena arena = arena_make();
    struct buf record = buf_make(70000);
    CHECK(buf_add(&record, STR("v=DKIM1; k=ed25519; n=")) == OK);
    while (record.len < 65000)
        CHECK(buf_add_char(&record, 'x') == OK);
    CHECK(buf_add(&record, STR("; " ED_P)) == OK);
    struct dkim_key key;
    dkim_key_parse(&arena, buf_str(&record), &key);
    CHECK(dkim_is_good(key.verdict));
    dkim_key_done(&key);
    buf_clear(&record);
    CHECK(buf_add(&record, STR("v=DKIM1; p=")) == OK);
    while (record.len < 65000)
        CHECK(buf_add(&record, STR("MIGf")) == OK);
    dkim_key_parse(&arena, buf_str(&record), &key);
    CHECK_INT(key.verdict.result, DKIM_PERMERROR);
    dkim_key_done(&key);
    buf_free(&record);
    arena_reset(&arena);
}

int main(void)
{
    RUN(rfc6376_3_6_1_and_6_1_2_key_records);
    RUN(flags_are_read);
    RUN(rfc8301_3_2_sizes_and_absurd_exponents);
    RUN(a_record_of_64_kib_is_read);
    return test_summary();
}
