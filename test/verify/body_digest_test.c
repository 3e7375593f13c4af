#include "verify/body_digest.h"

#include "base/encode.h"
#include "test.h"

static struct str text_of(struct arena *arena, const struct body_digest *digest)
{
    return base64_encode(arena, str_make((const char *)digest->bytes, DIGEST_LEN));
}

TEST(rfc6376_3_4_3_and_3_4_4_the_hashes_of_no_body)
{
    struct arena arena = arena_make();
    struct body_digests digests;
    body_digests_init(&digests);
    const struct body_digest *simple =
        body_digests_want(&digests, CANONICAL_SIMPLE, BODY_LENGTH_WHOLE, &arena);
    const struct body_digest *relaxed =
        body_digests_want(&digests, CANONICAL_RELAXED, BODY_LENGTH_WHOLE, &arena);
    body_digests_end(&digests);
    CHECK_STR(text_of(&arena, simple), STR("frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="));
    CHECK_STR(text_of(&arena, relaxed), STR("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
    CHECK(!simple->is_partial && !simple->is_too_short);
    body_digests_done(&digests);
    arena_reset(&arena);
}

/* Each length is as if it had been the only one, and the body only so long. */
TEST(rfc6376_3_7_body_lengths_are_taken_on_the_way)
{
    static const uint64_t lengths[] = {7, 0, 2000, 1, 12, 13, 14, BODY_LENGTH_WHOLE, 7};
    struct arena arena = arena_make();
    struct str body = STR("Hello,\r\nworld\r\n\r\n"), canonical = STR("Hello,\r\nworld\r\n");
    struct body_digests digests;
    const struct body_digest *found[ARRAY_LEN(lengths)];
    body_digests_init(&digests);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        found[i] = body_digests_want(&digests, CANONICAL_SIMPLE, lengths[i], &arena);
    for (size_t i = 0; i < body.len; i++)
        body_digests_add(&digests, str_first(str_from(body, i), 1));
    body_digests_end(&digests);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        uint8_t want[DIGEST_LEN];
        struct str part = str_first(canonical, (size_t)lengths[i]);
        CHECK(EVP_Digest(part.at, part.len, want, NULL, EVP_sha256(), NULL) == 1);
        CHECK(memcmp(found[i]->bytes, want, DIGEST_LEN) == 0);
        CHECK(found[i]->is_partial == (lengths[i] < canonical.len));
        CHECK(found[i]->is_too_short == (lengths[i] == 2000));
    }
    CHECK(found[0] == found[8]);
    body_digests_done(&digests);
    arena_reset(&arena);
}

TEST(there_is_a_limit_to_the_lengths)
{
    struct arena arena = arena_make();
    struct body_digests digests;
    body_digests_init(&digests);
    for (uint64_t i = 0; i < BODY_LENGTHS_MAX; i++)
        CHECK(body_digests_want(&digests, CANONICAL_RELAXED, i, &arena) != NULL);
    CHECK(body_digests_want(&digests, CANONICAL_RELAXED, 1000, &arena) == NULL);
    CHECK(body_digests_want(&digests, CANONICAL_RELAXED, 5, &arena) != NULL);
    CHECK(body_digests_want(&digests, CANONICAL_SIMPLE, 1000, &arena) != NULL);
    body_digests_done(&digests);
    arena_reset(&arena);
}

int main(void)
{
    RUN(rfc6376_3_4_3_and_3_4_4_the_hashes_of_no_body);
    RUN(rfc6376_3_7_body_lengths_are_taken_on_the_way);
    RUN(there_is_a_limit_to_the_lengths);
    return test_summary();
}
