#include "verify/spf_macro.h"

#include "test.h"

TEST(section_7_1_syntax)
{
    static const struct {
        const char *row, *text;
        bool domain, string, explanation; /* whether it is one */
    } rows[] = {
        {"an ordinary name", "mail.example.com", true, true, true},
        {"with the root's dot", "mail.example.com.", true, true, true},
        {"two dots at the end", "mail.example.com..", false, true, true},
        {"a top label alone", "museum", false, true, true},
        {"a top label alone with a dot behind", "museum.", false, true, true},
        {"a dot in front of it", ".museum", true, true, true},
        {"digits alone as a top label", "111.222.33.44", false, true, true},
        {"a top label with a hyphen", "example.xn--zckzah", true, true, true},
        {"digits and a hyphen", "example.1-2", true, true, true},
        {"a hyphen in front", "example.-com", false, true, true},
        {"a hyphen at the end", "example.com-", false, true, true},
        {"a colon in the top label", "example.com:8080", false, true, true},
        {"odd bytes elsewhere", "foo:bar/baz.example.com", true, true, true},
        {"a macro at the end", "%{d}", true, true, true},
        {"a macro at the end, of the short ones", "a%%", true, true, true},
        {"a macro within", "%{i}.%{d2}.example.org", true, true, true},
        {"a macro with a label glued to it", "%{d}com", false, true, true},
        {"every letter of a name", "%{s}%{l}%{o}%{d}%{i}%{p}%{v}%{h}", true, true, true},
        {"letters for explanations only", "%{c}%{r}%{t}", false, true, true},
        {"upper case letters and R", "%{S1R.-+,/_=}", true, true, true},
        {"a letter that is none", "%{x}.example.org", false, false, false},
        {"no letter", "%{}.example.org", false, false, false},
        {"zero parts", "%{d0}", false, false, false},
        {"zero parts in many digits", "%{d000}", false, false, false},
        {"parts with a zero in front", "%{d02}", true, true, true},
        {"parts beyond all numbers", "%{d99999999999999999999999}", true, true, true},
        {"reversal before the count", "%{dr2}", false, false, false},
        {"a delimiter that is none", "%{d2;}", false, false, false},
        {"no closing brace", "%{d", false, false, false},
        {"a brace that is none", "%(d)", false, false, false},
        {"a percent sign at the end", "a.example%", false, false, false},
        {"a percent sign and a letter", "%abc.example.org", false, false, false},
        {"a blank", "a b.example.org", false, false, true},
        {"a tab", "a\tb.example.org", false, false, false},
        {"8-bit bytes", "\xc3\xa4.example.org", false, false, false},
        {"nothing", "", false, true, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = str_of(rows[i].text);
        CHECK_ROW(rows[i].row, (spf_macro_check(text, SPF_MACRO_DOMAIN) == OK) == rows[i].domain);
        CHECK_ROW(rows[i].row, (spf_macro_check(text, SPF_MACRO_STRING) == OK) == rows[i].string);
        CHECK_ROW(rows[i].row,
                  (spf_macro_check(text, SPF_MACRO_EXPLANATION) == OK) == rows[i].explanation);
    }
    CHECK(spf_macro_check(str_make("a.example\0", 10), SPF_MACRO_DOMAIN) == ERR_SYNTAX);
}

static struct spf_macro_values example(struct str ip, struct str v)
{
    struct spf_macro_values values = {0};
    values.of[SPF_MACRO('s')] = STR("strong-bad@email.example.com");
    values.of[SPF_MACRO('l')] = STR("strong-bad");
    values.of[SPF_MACRO('o')] = STR("email.example.com");
    values.of[SPF_MACRO('d')] = STR("email.example.com");
    values.of[SPF_MACRO('i')] = ip;
    values.of[SPF_MACRO('v')] = v;
    values.of[SPF_MACRO('p')] = STR("mx.example.org");
    values.of[SPF_MACRO('h')] = STR("");
    return values;
}

static void check_expansion(const struct spf_macro_values *values, const char *text,
                            const char *want)
{
    struct arena arena = arena_make();
    struct str name = STR_EMPTY;
    CHECK_ROW(text, spf_macro_check(str_of(text), SPF_MACRO_DOMAIN) == OK);
    CHECK_ROW(text, spf_macro_expand_domain(&arena, str_of(text), values, &name) == OK);
    CHECK_STR(name, str_of(want));
    arena_reset(&arena);
}

/* The RFC's own. */
TEST(section_7_4_examples)
{
    static const char *const rows[][2] = {
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d}", "email.example.com"},
        {"%{d4}", "email.example.com"},
        {"%{d3}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l}", "strong-bad"},
        {"%{l-}", "strong.bad"},
        {"%{lr}", "strong-bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
        {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
        {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
        {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
    };
    struct spf_macro_values values = example(STR("192.0.2.3"), STR("in-addr"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_expansion(&values, rows[i][0], rows[i][1]);
    values =
        example(STR("2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1"), STR("ip6"));
    check_expansion(
        &values, "%{ir}.%{v}._spf.%{d2}",
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
}

TEST(section_7_3_details)
{
    struct spf_macro_values values = example(STR("192.0.2.3"), STR("in-addr"));
    check_expansion(&values, "a%%b%_c%-d.example.com", "a%b c%20d.example.com");
    check_expansion(&values, "mail.example.com.", "mail.example.com");
    check_expansion(&values, "%{d127}", "email.example.com");
    check_expansion(&values, "%{S}", "strong-bad%40email.example.com");
    check_expansion(&values, "%{h}.example.com", ".example.com");
    values.of[SPF_MACRO('l')] = STR("foo-bar+zip+quux");
    check_expansion(&values, "%{l2r+-}.user.%{d2}", "bar.foo.user.example.com");
    values.of[SPF_MACRO('l')] = STR("~jack&jill=up-a_b3.c");
    check_expansion(&values, "%{L}", "~jack%26jill%3Dup-a_b3.c");
    values.of[SPF_MACRO('l')] = STR("--a--");
    check_expansion(&values, "%{lr-}.x.y", "..a...x.y");
}

TEST(names_are_shortened_from_the_left_by_labels)
{
    struct spf_macro_values values = example(STR("192.0.2.3"), STR("in-addr"));
    struct str o = STR("somewhat.long.exp.example.com");
    values.of[SPF_MACRO('o')] = o;
    check_expansion(&values, "foobar.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.example.com",
                    "somewhat.long.exp.example.com.somewhat.long.exp.example.com.somewhat.long.exp."
                    "example.com.somewhat.long.exp.example.com.somewhat.long.exp.example.com."
                    "somewhat.long.exp.example.com.somewhat.long.exp.example.com.somewhat.long.exp."
                    "example.com.example.com");
    char one_label[301];
    memset(one_label, 'x', 300);
    one_label[300] = '\0';
    values.of[SPF_MACRO('o')] = str_of(one_label);
    check_expansion(&values, "%{o}.example.com", "example.com");
    check_expansion(&values, "%{o}", "");
}

/* However large the record, memory does not grow with it. */
TEST(strings_that_grow_are_bounded)
{
    enum { COPIES = 15000 };
    struct arena arena = arena_make();
    char *text = arena_alloc(&arena, 4 * COPIES + 1);
    for (size_t i = 0; i < COPIES; i++)
        memcpy(text + 4 * i, "%{s}", 4);
    struct spf_macro_values values = example(STR("192.0.2.3"), STR("in-addr"));
    struct str spec = str_make(text, 4 * COPIES), out;
    REQUIRE(spf_macro_expand_domain(&arena, spec, &values, &out) == OK);
    CHECK(out.len <= 253 && str_ends(out, STR("strong-bad@email.example.com")));
    CHECK(spf_macro_expand_explanation(&arena, spec, &values, &out) == ERR_LIMIT);
    arena_reset(&arena);
}

/* RFC 8616 section 4 */
TEST(names_that_are_not_ascii_match_nothing)
{
    struct arena arena = arena_make();
    struct spf_macro_values values = example(STR("192.0.2.3"), STR("in-addr"));
    struct str out;
    values.of[SPF_MACRO('l')] = STR("d\xc3\xb6");
    CHECK(spf_macro_expand_domain(&arena, STR("%{l}.example.com"), &values, &out) ==
          ERR_UNSUPPORTED);
    CHECK(spf_macro_expand_explanation(&arena, STR("no %{l}"), &values, &out) == ERR_UNSUPPORTED);
    CHECK(spf_macro_expand_domain(&arena, STR("%{d}"), &values, &out) == OK);
    arena_reset(&arena);
}

TEST(explanations_keep_their_dot)
{
    struct arena arena = arena_make();
    struct spf_macro_values values = example(STR("192.0.2.3"), STR("in-addr"));
    values.of[SPF_MACRO('c')] = STR("192.0.2.3");
    struct str out;
    REQUIRE(spf_macro_expand_explanation(&arena, STR("%{c} is no host of %{d2}."), &values, &out) ==
            OK);
    CHECK_STR(out, STR("192.0.2.3 is no host of example.com."));
    arena_reset(&arena);
}

TEST(uses_of_a_letter_are_found)
{
    CHECK(spf_macro_uses(STR("a.%{P2r}.b"), 'p'));
    CHECK(!spf_macro_uses(STR("%%{p}.%{d}"), 'p'));
}

int main(void)
{
    RUN(section_7_1_syntax);
    RUN(section_7_4_examples);
    RUN(section_7_3_details);
    RUN(names_are_shortened_from_the_left_by_labels);
    RUN(strings_that_grow_are_bounded);
    RUN(names_that_are_not_ascii_match_nothing);
    RUN(explanations_keep_their_dot);
    RUN(uses_of_a_letter_are_found);
    return test_summary();
}
