#include "verify/private_key.h"

#include "verify/dkim_key.h"
#include "verify/signing.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(keys_are_read_as_pkcs8_and_as_they_used_to_be)
{
    struct private_key *rsa = key_of(RSA_PEM_6376), *ed25519 = key_of(ED25519_PEM);
    CHECK_INT(private_key_algorithm(rsa), DKIM_RSA_SHA256);
    CHECK_INT(private_key_bits(rsa), 1024);
    CHECK_INT(private_key_algorithm(ed25519), DKIM_ED25519_SHA256);
    private_key_free(rsa);
    private_key_free(ed25519);
}

static const struct row {
    const char *sentence;
    const char *pem;
    enum err err;
} rows[] = {
    {"nothing", "", ERR_SYNTAX},
    {"no PEM", "hello", ERR_SYNTAX},
    {"no key in it", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ERR_SYNTAX},
    {"a public key",
     "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
     "-----END PUBLIC KEY-----\n",
     ERR_SYNTAX},
    {"a key for something else",
     "-----BEGIN PRIVATE "
     "KEY-----\nMC4CAQAwBQYDK2VuBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
     "-----END PRIVATE KEY-----\n",
     ERR_UNSUPPORTED},
};

TEST(what_is_no_key_to_sign_with_is_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct private_key *key = NULL;
        CHECK_ROW(rows[i].sentence, private_key_parse(str_of(rows[i].pem), &key) == rows[i].err);
        CHECK_ROW(rows[i].sentence, key == NULL);
    }
}

/* It can sign, but nobody could verify that. */
TEST(a_damaged_rsa_key_is_refused)
{
    struct arena arena = arena_make();
    struct private_key *key = NULL;
    struct str pem = arena_copy(&arena, STR(RSA_PEM_6376));
    char *damaged = arena_alloc(&arena, pem.len);
    memcpy(damaged, pem.at, pem.len);
    damaged[str_search(pem, STR("xN2SnFC"))] = 'y';
    CHECK_INT(private_key_parse(str_make(damaged, pem.len), &key), ERR_SYNTAX);
    arena_reset(&arena);
}

TEST(short_rsa_keys_are_refused)
{
    struct arena arena = arena_make();
    struct private_key *key = private_key_generate(DKIM_RSA_SHA256, 768), *again = NULL;
    CHECK_INT(private_key_parse(private_key_print(&arena, key), &again), ERR_UNSUPPORTED);
    private_key_free(key);
    arena_reset(&arena);
}

static void check_round_trip(enum dkim_algorithm algorithm)
{
    static const uint8_t digest[32] = {1, 2, 3};
    struct arena arena = arena_make();
    struct private_key *key = private_key_generate(algorithm, 1024), *again = NULL;
    struct str pem = private_key_print(&arena, key);
    REQUIRE(private_key_parse(pem, &again) == OK);
    CHECK(str_starts(pem, STR("-----BEGIN PRIVATE KEY-----\n")));
    CHECK_STR(private_key_print(&arena, again), pem);
    struct dkim_key public_key;
    dkim_key_parse(&arena, private_key_record(&arena, again), &public_key);
    CHECK(dkim_is_good(public_key.verdict));
    struct str signature = private_key_sign(&arena, key, digest);
    CHECK(dkim_is_good(dkim_key_prove(&public_key, digest, signature)));
    dkim_key_done(&public_key);
    private_key_free(key);
    private_key_free(again);
    arena_reset(&arena);
}

TEST(a_new_key_is_printed_published_and_used)
{
    check_round_trip(DKIM_ED25519_SHA256);
    check_round_trip(DKIM_RSA_SHA256);
}

TEST(the_records_to_publish_are_those_of_the_rfcs)
{
    struct arena arena = arena_make();
    struct private_key *rsa = key_of(RSA_PEM_6376), *ed25519 = key_of(ED25519_PEM);
    CHECK_STR(private_key_record(&arena, ed25519), STR(ED25519_RECORD));
    struct str record = private_key_record(&arena, rsa), published = STR(RSA_RECORD_6376);
    CHECK_STR(str_from(record, str_search(record, STR("p="))),
              str_from(published, str_search(published, STR("p="))));
    private_key_free(rsa);
    private_key_free(ed25519);
    arena_reset(&arena);
}

TEST(key_files_that_others_may_read_are_told)
{
    char path[] = "/tmp/postrider-test-XXXXXX";
    int fd = mkstemp(path);
    REQUIRE(fd >= 0 && write(fd, ED25519_PEM, sizeof ED25519_PEM - 1) > 0);
    close(fd);
    struct private_key *key = NULL;
    CHECK_INT(private_key_check_file(path), OK);
    CHECK_INT(private_key_read(path, &key), OK);
    CHECK(chmod(path, 0640) == 0);
    CHECK_INT(private_key_check_file(path), ERR_DENIED);
    unlink(path);
    CHECK_INT(private_key_check_file(path), ERR_NOT_FOUND);
    private_key_free(key);
    CHECK_INT(private_key_read(path, &key), ERR_NOT_FOUND);
}

int main(void)
{
    RUN(keys_are_read_as_pkcs8_and_as_they_used_to_be);
    RUN(what_is_no_key_to_sign_with_is_refused);
    RUN(a_damaged_rsa_key_is_refused);
    RUN(short_rsa_keys_are_refused);
    RUN(a_new_key_is_printed_published_and_used);
    RUN(the_records_to_publish_are_those_of_the_rfcs);
    RUN(key_files_that_others_may_read_are_told);
    return test_summary();
}
