#include "smtp/sasl.h"
#include "test.h"

static const struct {
    const char *sentence;
    struct str message;
    enum err err;
    const char *authzid, *authcid, *password;
} rows[] = {
    {"no authzid", STR("\0alice\0secret"), OK, "", "alice", "secret"},
    {"an authzid", STR("bob\0alice\0secret"), OK, "bob", "alice", "secret"},
    {"UTF-8", STR("\0j\xc3\xbc\0\xc3\xa4"), OK, "", "j\xc3\xbc", "\xc3\xa4"},
    {"a control in the password", STR("\0a\0b\tc"), OK, "", "a", "b\tc"},
    {"no NUL", STR("alice secret"), ERR_SYNTAX, "", "", ""},
    {"one NUL", STR("alice\0secret"), ERR_SYNTAX, "", "", ""},
    {"three NULs", STR("\0alice\0secret\0more"), ERR_SYNTAX, "", "", ""},
    {"a NUL behind", STR("\0alice\0secret\0"), ERR_SYNTAX, "", "", ""},
    {"no authcid", STR("\0\0secret"), ERR_SYNTAX, "", "", ""},
    {"no password", STR("\0alice\0"), ERR_SYNTAX, "", "", ""},
    {"bad UTF-8", STR("\0al\xff\0secret"), ERR_SYNTAX, "", "", ""},
    {"a bad password", STR("\0alice\0\xff"), ERR_SYNTAX, "", "", ""},
    {"a line end in the name", STR("\0al\nice\0secret"), ERR_SYNTAX, "", "", ""},
    {"nothing", STR(""), ERR_SYNTAX, "", "", ""},
};

TEST(plain_has_two_nuls_and_no_tricks)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct smtp_credentials found;
        enum err err = smtp_sasl_plain_decode(rows[i].message, &found);
        CHECK_ROW(rows[i].sentence, err == rows[i].err);
        if (err)
            continue;
        CHECK_STR(found.authzid, str_of(rows[i].authzid));
        CHECK_STR(found.authcid, str_of(rows[i].authcid));
        CHECK_STR(found.password, str_of(rows[i].password));
    }
}

TEST(plain_fields_have_a_limit)
{
    static char message[3000] = {0};
    memset(message + 1, 'a', 1025);
    struct smtp_credentials found;
    message[1027] = 'x';
    CHECK(smtp_sasl_plain_decode(str_make(message, 1028), &found) == ERR_LIMIT);
    message[1025] = '\0';
    message[1026] = 'x';
    CHECK(smtp_sasl_plain_decode(str_make(message, 1028), &found) == OK);
}

TEST(responses_are_base64_or_a_sign)
{
    struct arena arena = arena_make();
    struct str bytes;
    CHECK(smtp_sasl_decode(&arena, STR("*"), &bytes) == ERR_CANCELLED);
    CHECK(smtp_sasl_decode(&arena, STR("!"), &bytes) == ERR_SYNTAX);
    CHECK(smtp_sasl_decode(&arena, STR("YQ"), &bytes) == ERR_SYNTAX);
    CHECK(smtp_sasl_decode(&arena, STR("YQ== "), &bytes) == ERR_SYNTAX);
    REQUIRE(smtp_sasl_decode(&arena, STR("="), &bytes) == OK);
    CHECK_STR(bytes, STR(""));
    REQUIRE(smtp_sasl_decode(&arena, SMTP_SASL_LOGIN_USERNAME, &bytes) == OK);
    CHECK_STR(bytes, STR("Username:"));
    REQUIRE(smtp_sasl_decode(&arena, SMTP_SASL_LOGIN_PASSWORD, &bytes) == OK);
    CHECK_STR(bytes, STR("Password:"));
    CHECK_STR(smtp_sasl_encode(&arena, STR("a")), STR("YQ=="));
    CHECK_STR(smtp_sasl_encode(&arena, STR("")), STR("="));
    arena_reset(&arena);
}

TEST(what_the_client_encodes_the_server_decodes)
{
    struct arena arena = arena_make();
    struct smtp_credentials ours = {STR(""), STR("alice"), STR("secret")}, found;
    struct str line, message;
    REQUIRE(smtp_sasl_plain_encode(&arena, &ours, &line) == OK);
    CHECK_STR(line, STR("AGFsaWNlAHNlY3JldA=="));
    REQUIRE(smtp_sasl_decode(&arena, line, &message) == OK);
    REQUIRE(smtp_sasl_plain_decode(message, &found) == OK);
    CHECK_STR(found.password, STR("secret"));
    ours.password = STR("a\0b");
    CHECK(smtp_sasl_plain_encode(&arena, &ours, &line) == ERR_SYNTAX);
    arena_reset(&arena);
}

TEST(login_responses_are_checked_like_plain)
{
    CHECK(smtp_sasl_login_check(STR("alice"), false) == OK);
    CHECK(smtp_sasl_login_check(STR(""), false) == ERR_SYNTAX);
    CHECK(smtp_sasl_login_check(STR("al\rice"), false) == ERR_SYNTAX);
    CHECK(smtp_sasl_login_check(STR("pass\tword"), true) == OK);
    CHECK(smtp_sasl_login_check(STR("pass\0word"), true) == ERR_SYNTAX);
}

int main(void)
{
    RUN(plain_has_two_nuls_and_no_tricks);
    RUN(plain_fields_have_a_limit);
    RUN(responses_are_base64_or_a_sign);
    RUN(what_the_client_encodes_the_server_decodes);
    RUN(login_responses_are_checked_like_plain);
    return test_summary();
}
