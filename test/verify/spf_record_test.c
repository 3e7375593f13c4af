#include "verify/spf_record.h"

#include "test.h"

TEST(section_4_5_selecting_records)
{
    CHECK(spf_record_is_one(STR("v=spf1")));
    CHECK(spf_record_is_one(STR("V=SpF1 -all")));
    CHECK(!spf_record_is_one(STR("v=spf10")));
    CHECK(!spf_record_is_one(STR("v=spf1-all")));
    CHECK(!spf_record_is_one(STR("v=spf1\t-all")));
    CHECK(!spf_record_is_one(STR(" v=spf1 -all")));
    CHECK(!spf_record_is_one(STR("")));
}

TEST(syntax_errors_are_found_anywhere)
{
    static const struct {
        const char *row, *terms;
        const char *fault; /* NULL: well formed */
    } rows[] = {
        {"4.6.1: nothing", "", NULL},
        {"4.6.1: blanks only", "   ", NULL},
        {"4.6.1: several blanks", "  mx   -all  ", NULL},
        {"4.6.1: a tab", "mx\t-all", "mx\t-all"},
        {"4.6: behind all", "-all moo", "moo"},
        {"4.6.1: names in any case", "MX A:Example.Com -ALL", NULL},
        {"4.6.1: every qualifier", "+a -a ~a ?a", NULL},
        {"4.6.1: two qualifiers", "--a", "--a"},
        {"4.6.1: a qualifier alone", "-", "-"},
        {"4.6.1: 8-bit bytes",
         "a:example.net \x96"
         "all",
         "\x96"
         "all"},
        {"5.1: all with a dot", "-all.", "-all."},
        {"5.1: all with an argument", "-all:foo", "-all:foo"},
        {"5.1: all with a length", "-all/8", "-all/8"},
        {"5.2: include", "include:example.org", NULL},
        {"5.2: include of nothing", "include", "include"},
        {"5.2: include of an empty name", "include:", "include:"},
        {"5.2: include with a length", "include:example.org/24", "include:example.org/24"},
        {"5.3: a in all forms", "a a/0 a/24//64 a//128 a:e.org a:e.org/32 a:e.org//0 a:e.org/1//2",
         NULL},
        {"5.3: an empty name", "a:", "a:"},
        {"5.3: too long a prefix", "a/33", "a/33"},
        {"5.3: too long a prefix for IPv6", "a//129", "a//129"},
        {"5.3: a zero in front", "a/032", "a/032"},
        {"5.3: no digits", "a/", "a/"},
        {"5.3: no digits for IPv6", "a/24//", "a/24//"},
        {"5.3: one slash too few", "a/24/64", "a/24/64"},
        {"5.3: the lengths swapped", "a//64/24", "a//64/24"},
        {"5.3: a length in front of the name", "a/24:example.org", "a/24:example.org"},
        {"5.4: mx in all forms", "mx mx:e.org mx/24 mx//64 mx:e.org/24//64", NULL},
        {"5.5: ptr in all forms", "ptr ptr:e.org", NULL},
        {"5.5: ptr with a length", "ptr/0", "ptr/0"},
        {"5.6: ip4 in all forms", "ip4:1.2.3.4 ip4:1.2.3.4/0 ip4:1.2.3.4/32", NULL},
        {"5.6: ip4 without an address", "ip4", "ip4"},
        {"5.6: ip4 with too few parts", "ip4:1.2.3", "ip4:1.2.3"},
        {"5.6: ip4 with a port", "ip4:1.2.3.4:25", "ip4:1.2.3.4:25"},
        {"5.6: ip4 with zeros in front", "ip4:1.2.03.4", "ip4:1.2.03.4"},
        {"5.6: ip4 beyond 255", "ip4:1.2.3.256", "ip4:1.2.3.256"},
        {"5.6: ip4 with two slashes", "ip4:1.2.3.4//32", "ip4:1.2.3.4//32"},
        {"5.6: ip4 of IPv6", "ip4:::1", "ip4:::1"},
        {"5.6: ip6 in all forms", "ip6:::1 ip6:2001:DB8::/32 ip6:::1.2.3.4/128 ip6:1:2:3:4:5:6:7:8",
         NULL},
        {"5.6: ip6 with too long a prefix", "ip6:::1/129", "ip6:::1/129"},
        {"5.6: ip6 with two slashes", "ip6:::1//33", "ip6:::1//33"},
        {"5.6: ip6 with a colon too many", "ip6::CAFE::BABE", "ip6::CAFE::BABE"},
        {"5.6: ip6 of a zone", "ip6:fe80::1%eth0", "ip6:fe80::1%eth0"},
        {"5.7: exists", "exists:%{i}.e.org", NULL},
        {"5.7: exists of nothing", "exists", "exists"},
        {"5.7: exists with a length", "exists:e.org/24", "exists:e.org/24"},
        {"6: modifiers anywhere", "redirect=a.org exp=b.org x=", NULL},
        {"6: redirect twice", "redirect=a.org redirect=a.org", "redirect=a.org"},
        {"6: exp twice", "exp=a.org -all EXP=a.org", "EXP=a.org"},
        {"6.1: redirect without a name", "redirect=", "redirect="},
        {"6.1: redirect of no name", "redirect=-all", "redirect=-all"},
        {"6.1: redirect as a mechanism", "redirect:a.org", "redirect:a.org"},
        {"6.2: exp without a name", "exp= -all", "exp="},
        {"6.2: letters only explanations may have", "exp=%{r}.example.com", "exp=%{r}.example.com"},
        {"6: unknown modifiers, twice", "moo.cow-far_out=man:dog/cat moo.cow-far_out=man", NULL},
        {"6: an unknown modifier with a bad macro", "foo=%abc", "foo=%abc"},
        {"12: a slash before the equals sign", "moo/far=a", "moo/far=a"},
        {"12: a modifier that begins with a digit", "1up=foo", "1up=foo"},
        {"12: a modifier without a name", "=all", "=all"},
        {"12: a qualifier before a modifier", "-exp=a.org", "-exp=a.org"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct str txt = arena_printf(&arena, "v=spf1 %s", rows[i].terms);
        struct str fault = STR_EMPTY;
        struct spf_record record;
        enum err err = spf_record_parse(&arena, txt, &record, &fault);
        CHECK_ROW(rows[i].row, (err == OK) == (rows[i].fault == NULL));
        if (err && rows[i].fault)
            CHECK_STR(fault, str_of(rows[i].fault));
        arena_reset(&arena);
    }
}

TEST(terms_are_read)
{
    struct arena arena = arena_make();
    struct spf_record record;
    struct str fault;
    struct str txt = STR(
        "v=spf1 ~A:Foo.Example/24//64 ip6:2001:db8::1/33 redirect=r.example exp=%{d}.x.example");
    REQUIRE(spf_record_parse(&arena, txt, &record, &fault) == OK);
    REQUIRE(record.count == 2);
    CHECK_INT(record.directives[0].qualifier, SPF_TILDE);
    CHECK_INT(record.directives[0].mechanism, SPF_A);
    CHECK_STR(record.directives[0].domain_spec, STR("Foo.Example"));
    CHECK_STR(record.directives[0].text, STR("~A:Foo.Example/24//64"));
    CHECK_INT(record.directives[0].bits4, 24);
    CHECK_INT(record.directives[0].bits6, 64);
    CHECK_INT(record.directives[1].bits6, 33);
    CHECK(memcmp(record.directives[1].network, "\x20\x01\x0d\xb8", 4) == 0);
    CHECK_STR(record.redirect, STR("r.example"));
    CHECK_STR(record.explanation, STR("%{d}.x.example"));
    arena_reset(&arena);
}

int main(void)
{
    RUN(section_4_5_selecting_records);
    RUN(syntax_errors_are_found_anywhere);
    RUN(terms_are_read);
    return test_summary();
}
