/* What the tests of signatures share: the keys of RFC 6376 appendix C and RFC 8463 appendix A,
 * and a message checked against a scripted zone. */
#ifndef TEST_VERIFY_SIGNING_H
#define TEST_VERIFY_SIGNING_H

#include "base/encode.h"
#include "on_loop.h"
#include "verify/dkim_verify.h"
#include "verify/header_digest.h"
#include "verify/private_key.h"

/* RFC 8463 section A.2: selector brisbane of football.example.com. */
#define ED25519_SEED   "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
#define ED25519_RECORD "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
/* The same as PKCS#8: the seed behind a fixed head (RFC 8410 section 7). */
#define ED25519_PEM                                                      \
    "-----BEGIN PRIVATE KEY-----\n"                                      \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n" \
    "-----END PRIVATE KEY-----\n"
/* RFC 8463 section A.2: selector test of football.example.com. */
#define RSA_RECORD_8463                                                        \
    "v=DKIM1; k=rsa; "                                                         \
    "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5" \
    "qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lx" \
    "j+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
/* RFC 6376 appendix C: selector brisbane. */
#define RSA_RECORD_6376                              \
    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ"  \
    "KBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt" \
    "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v" \
    "/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi" \
    "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
#define RSA_PEM_6376                                                     \
    "-----BEGIN RSA PRIVATE KEY-----\n"                                  \
    "MIICXwIBAAKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFC\n" \
    "jxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gb\n" \
    "to/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB\n" \
    "AoGBALmn+XwWk7akvkUlqb+dOxyLB9i5VBVfje89Teolwc9YJT36BGN/l4e0l6QX\n" \
    "/1//6DWUTB3KI6wFcm7TWJcxbS0tcKZX7FsJvUz1SbQnkS54DJck1EZO/BLa5ckJ\n" \
    "gAYIaqlA9C0ZwM6i58lLlPadX/rtHb7pWzeNcZHjKrjM461ZAkEA+itss2nRlmyO\n" \
    "n1/5yDyCluST4dQfO8kAB3toSEVc7DeFeDhnC1mZdjASZNvdHS4gbLIA1hUGEF9m\n" \
    "3hKsGUMMPwJBAPW5v/U+AWTADFCS22t72NUurgzeAbzb1HWMqO4y4+9Hpjk5wvL/\n" \
    "eVYizyuce3/fGke7aRYw/ADKygMJdW8H/OcCQQDz5OQb4j2QDpPZc0Nc4QlbvMsj\n" \
    "7p7otWRO5xRa6SzXqqV3+F0VpqvDmshEBkoCydaYwc2o6WQ5EBmExeV8124XAkEA\n" \
    "qZzGsIxVP+sEVRWZmW6KNFSdVUpk3qzK0Tz/WjQMe5z0UunY9Ax9/4PVhp/j61bf\n" \
    "eAYXunajbBSOLlx4D+TunwJBANkPI5S9iylsbLs6NkaMHV6k5ioHBBmgCak95JGX\n" \
    "GMot/L2x0IYyMLAz6oLWh2hm7zwtb0CgOrPo1ke44hFYnfc=\n"                 \
    "-----END RSA PRIVATE KEY-----\n"

static inline struct private_key *key_of(const char *pem)
{
    struct private_key *key = NULL;
    enum err err = private_key_parse(str_of(pem), &key);
    assert(err == OK);
    return key;
}

/* Feeds it in pieces of `piece` bytes. */
static inline void feed(struct verify_message *message, struct str bytes, size_t piece)
{
    for (; bytes.len; bytes = str_from(bytes, min_size(piece, bytes.len)))
        verify_message_add(message, str_first(bytes, piece));
    verify_message_end(message);
}

/* Verifies all signatures; the list lives in `arena`. On a loop. */
static inline struct dkim_verified_list verify_all(struct resolver *resolver, struct str bytes,
                                                   int64_t now_s, struct arena *arena)
{
    struct verify_message *message = verify_message_new();
    struct dkim_verifier *verifier = dkim_verifier_new(message);
    feed(message, bytes, 1000);
    struct dkim_keys keys = dkim_keys_make(resolver, loop_now_ms() + 20000, arena);
    struct dkim_verified_list list = {0};
    CHECK(dkim_verifier_finish(verifier, &keys, now_s, arena, &list) == OK);
    dkim_keys_done(&keys);
    verify_message_free(message);
    return list;
}

static inline struct str body_hash_text(struct arena *arena, struct str body,
                                        const struct dkim_signature *signature)
{
    struct body_digests digests;
    body_digests_init(&digests);
    const struct body_digest *digest = body_digests_want(&digests, signature->body_canonicalization,
                                                         signature->body_length, arena);
    body_digests_add(&digests, body);
    body_digests_end(&digests);
    body_digests_done(&digests);
    return base64_encode(arena, str_make((const char *)digest->bytes, DIGEST_LEN));
}

/* A message with a field on top that has these tags, and bh= and b= as they must be. The tags say
 * how to sign; what they say need not be right otherwise. `name` is DKIM-Signature or the like. */
static inline struct str sign_as(struct arena *arena, const struct private_key *key,
                                 const char *name, const char *tags, const char *header,
                                 const char *body)
{
    struct dkim_signature signature;
    struct tag_list list;
    CHECK(tag_list_parse(arena_copy(arena, str_of(tags)), &list) == OK);
    dkim_signature_read(arena, &list, SIGNATURE_DKIM, &signature);
    struct str hash = body_hash_text(arena, str_of(body), &signature);
    struct str field = arena_printf(arena, "%s: %s; bh=%.*s;\r\n b=", name, tags, STR_FMT(hash));
    struct field_index index;
    field_index_init(&index, str_of(header), 1000);
    struct header_digest digest;
    uint8_t bytes[DIGEST_LEN];
    header_digest_begin(&digest, signature.header_canonicalization);
    header_digest_add_picked(&digest, &index, signature.signed_names, NULL);
    header_digest_end(&digest, field, str_from(field, field.len), bytes);
    field_index_done(&index);
    struct str text = base64_encode(arena, private_key_sign(arena, key, bytes));
    return arena_printf(arena, "%.*s%.*s\r\n%s\r\n%s", STR_FMT(field), STR_FMT(text), header, body);
}

#endif
