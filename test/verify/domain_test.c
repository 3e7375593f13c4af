#include "verify/domain.h"

#include "test.h"

#define LABEL63 "a12345678901234567890123456789012345678901234567890123456789012"

TEST(what_can_be_asked_for)
{
    static const struct {
        const char *row, *domain;
        bool is_name;
    } rows[] = {
        {"an ordinary name", "example.org", true},
        {"one label", "localhost", true},
        {"a label of 63 bytes", LABEL63 ".org", true},
        {"a label of 64 bytes", LABEL63 "3.org", false},
        {"nothing", "", false},
        {"an empty label in the middle", "a..org", false},
        {"an empty label in front", ".org", false},
        {"an empty label at the end", "org.", false},
        {"odd bytes", "a b:c/d.org", true},
        {"253 bytes",
         LABEL63 "." LABEL63 "." LABEL63
                 ".12345678901234567890123456789012345678901234567890123456789.x",
         true},
        {"254 bytes",
         LABEL63 "." LABEL63 "." LABEL63
                 ".12345678901234567890123456789012345678901234567890123456789.xy",
         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_ROW(rows[i].row, domain_is_name(str_of(rows[i].domain)) == rows[i].is_name);
}

TEST(labels_are_counted_and_taken_from_the_right)
{
    CHECK_INT(domain_label_count(STR("")), 0);
    CHECK_INT(domain_label_count(STR("org")), 1);
    CHECK_INT(domain_label_count(STR("a.mail.example.org")), 4);
    CHECK_STR(domain_last_labels(STR("a.mail.example.org"), 2), STR("example.org"));
    CHECK_STR(domain_last_labels(STR("a.mail.example.org"), 4), STR("a.mail.example.org"));
    CHECK_STR(domain_last_labels(STR("a.mail.example.org"), 9), STR("a.mail.example.org"));
    CHECK_STR(domain_last_labels(STR("org"), 0), STR(""));
}

TEST(within_is_by_labels)
{
    CHECK(domain_is_within(STR("example.org"), STR("EXAMPLE.org")));
    CHECK(domain_is_within(STR("a.example.org"), STR("example.org")));
    CHECK(!domain_is_within(STR("anexample.org"), STR("example.org")));
    CHECK(!domain_is_within(STR("example.org"), STR("a.example.org")));
    CHECK(!domain_is_within(STR("example.org"), STR("")));
}

TEST(u_labels_become_a_labels)
{
    struct arena arena = arena_make();
    struct str ascii;
    REQUIRE(domain_to_ascii(&arena, STR("b\xc3\xbc\x63her.Example"), &ascii) == OK);
    CHECK_STR(ascii, STR("xn--bcher-kva.example"));
    REQUIRE(domain_to_ascii(&arena, STR("Example.ORG."), &ascii) == OK);
    CHECK_STR(ascii, STR("Example.ORG"));
    CHECK(domain_to_ascii(&arena, STR("\xff.example"), &ascii) == ERR_SYNTAX);
    CHECK(domain_to_ascii(&arena, STR("a..example"), &ascii) == ERR_SYNTAX);
    CHECK(domain_to_ascii(&arena, STR(""), &ascii) == ERR_SYNTAX);
    arena_reset(&arena);
}

int main(void)
{
    RUN(what_can_be_asked_for);
    RUN(labels_are_counted_and_taken_from_the_right);
    RUN(within_is_by_labels);
    RUN(u_labels_become_a_labels);
    return test_summary();
}
