#include "verify/keyring.h"

#include "signing.h"
#include "test.h"

static const struct row {
    const char *from;
    const char *domain; /* of the keys found; NULL: none */
    size_t count;
} rows[] = {
    {"example.org", "example.org", 2},
    {"EXAMPLE.ORG", "example.org", 2},
    {"example.org.", "example.org", 2},
    {"a.b.example.org", "example.org", 2},
    {"sub.example.org", "sub.example.org", 1},
    {"x.sub.example.org", "sub.example.org", 1},
    {"b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example", 1},
    {"xn--bcher-kva.example", "xn--bcher-kva.example", 1},
    {"notexample.org", NULL, 0},
    {"org", NULL, 0},
    {"a..b", NULL, 0},
    {"", NULL, 0},
};

static struct keyring *make(void)
{
    struct keyring *keyring = keyring_new();
    struct str pem = STR(ED25519_PEM);
    CHECK_INT(keyring_add(keyring, STR("example.org"), STR("a"), pem), OK);
    CHECK_INT(keyring_add(keyring, STR("sub.example.org"), STR("b"), pem), OK);
    CHECK_INT(keyring_add(keyring, STR("example.org"), STR("c"), pem), OK);
    CHECK_INT(keyring_add(keyring,
                          STR("B\xc3\xbc"
                              "cher.example"),
                          STR("d"), pem),
              OK);
    return keyring;
}

TEST(the_nearest_domain_that_has_keys_signs)
{
    struct keyring *keyring = make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct keyring_domain *found = keyring_find(keyring, str_of(rows[i].from));
        CHECK_ROW(rows[i].from, (found ? found->count : 0) == rows[i].count);
        for (size_t k = 0; found && k < found->count; k++)
            CHECK_STR(found->keys[k].domain, str_of(rows[i].domain));
    }
    keyring_free(keyring);
}

TEST(keys_stand_in_the_order_they_were_added)
{
    struct keyring *keyring = make();
    const struct keyring_domain *found = keyring_find(keyring, STR("example.org"));
    REQUIRE(found && found->count == 2);
    CHECK_STR(found->keys[0].selector, STR("a"));
    CHECK_STR(found->keys[1].selector, STR("c"));
    keyring_free(keyring);
}

TEST(what_is_no_key_or_no_domain_is_not_added)
{
    struct keyring *keyring = keyring_new();
    CHECK_INT(keyring_add(keyring, STR("example.org"), STR("a"), STR("secret")), ERR_SYNTAX);
    CHECK_INT(keyring_add(keyring, STR("a..b"), STR("a"), STR(ED25519_PEM)), ERR_SYNTAX);
    CHECK(!keyring_find(keyring, STR("example.org")));
    keyring_free(keyring);
}

TEST(no_keyring_holds_nothing)
{
    CHECK(!keyring_find(NULL, STR("example.org")));
    keyring_free(NULL);
}

int main(void)
{
    RUN(the_nearest_domain_that_has_keys_signs);
    RUN(keys_stand_in_the_order_they_were_added);
    RUN(what_is_no_key_or_no_domain_is_not_added);
    RUN(no_keyring_holds_nothing);
    return test_summary();
}
