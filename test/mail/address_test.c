#include "mail/address.h"
#include "test.h"

static const struct address_row {
    const char *sentence;
    const char *text;
    enum mail_address_flags flags;
    enum err err;
    const char *local;
    const char *domain;
    const char *printed; /* NULL: as parsed */
} addresses[] = {
    {"a plain address", "alice@example.org", 0, OK, "alice", "example.org", NULL},
    {"one label is enough", "root@localhost", 0, OK, "root", "localhost", NULL},
    {"all of atext", "!#$%&'*+-/=?^_`{|}~@a.b", 0, OK, "!#$%&'*+-/=?^_`{|}~", "a.b", NULL},
    {"dots within", "a.b.c@d.e", 0, OK, "a.b.c", "d.e", NULL},
    {"the percent hack is a plain local part", "a%b.example@c.d", 0, OK, "a%b.example", "c.d",
     NULL},
    {"a bang path is a plain local part", "host!user@c.d", 0, OK, "host!user", "c.d", NULL},
    {"quotes that nobody needs go", "\"alice\"@a.b", 0, OK, "alice", "a.b", "alice@a.b"},
    {"escapes that nobody needs go", "\"al\\ice\"@a.b", 0, OK, "alice", "a.b", "alice@a.b"},
    {"a space needs quotes", "\"a b\"@c.d", 0, OK, "a b", "c.d", NULL},
    {"a quoted at sign stays local", "\"u@other\"@c.d", 0, OK, "u@other", "c.d", NULL},
    {"a quoted angle bracket", "\"a>b\"@c.d", 0, OK, "a>b", "c.d", NULL},
    {"quote and backslash are escaped", "\"a\\\"b\\\\c\"@d.e", 0, OK, "a\"b\\c", "d.e", NULL},
    {"two dots only in quotes", "\"a..b\"@c.d", 0, OK, "a..b", "c.d", NULL},
    {"an IPv4 literal", "a@[192.0.2.1]", 0, OK, "a", "[192.0.2.1]", NULL},
    {"an IPv6 literal", "a@[IPv6:2001:db8::1]", 0, OK, "a", "[IPv6:2001:db8::1]", NULL},
    {"upper case is kept", "Alice@Example.ORG", 0, OK, "Alice", "Example.ORG", NULL},
    {"hyphens within labels", "a@b--c.d-e", 0, OK, "a", "b--c.d-e", NULL},
    {"digits alone are a label", "a@1.2.3.4", 0, OK, "a", "1.2.3.4", NULL},
    {"UTF-8 with SMTPUTF8",
     "j\xc3\xbcrgen@b\xc3\xbc"
     "cher.example",
     MAIL_ADDRESS_UTF8, OK, "j\xc3\xbcrgen",
     "b\xc3\xbc"
     "cher.example",
     NULL},
    {"UTF-8 in quotes", "\"\xc3\xbc \"@a.b", MAIL_ADDRESS_UTF8, OK, "\xc3\xbc ", "a.b", NULL},
    {"UTF-8 without SMTPUTF8", "j\xc3\xbcrgen@a.b", 0, ERR_UNSUPPORTED, "", "", NULL},
    {"a UTF-8 domain without SMTPUTF8", "a@b\xc3\xbc.c", 0, ERR_UNSUPPORTED, "", "", NULL},
    {"bad UTF-8", "a\xff@a.b", MAIL_ADDRESS_UTF8, ERR_SYNTAX, "", "", NULL},
    {"an overlong slash", "a\xc0\xaf@a.b", MAIL_ADDRESS_UTF8, ERR_SYNTAX, "", "", NULL},
    {"NEL is a control", "a\xc2\x85@a.b", MAIL_ADDRESS_UTF8, ERR_SYNTAX, "", "", NULL},
    {"an ideographic full stop",
     "a@b\xe3\x80\x82"
     "c",
     MAIL_ADDRESS_UTF8, ERR_SYNTAX, "", "", NULL},
    {"a fullwidth full stop",
     "a@b\xef\xbc\x8e"
     "c",
     MAIL_ADDRESS_UTF8, ERR_SYNTAX, "", "", NULL},
    {"UTF-8 may not be escaped", "\"\\\xc3\xbc\"@a.b", MAIL_ADDRESS_UTF8, ERR_SYNTAX, "", "", NULL},
    {"nothing", "", 0, ERR_SYNTAX, "", "", NULL},
    {"no domain", "alice", 0, ERR_SYNTAX, "", "", NULL},
    {"an empty domain", "alice@", 0, ERR_SYNTAX, "", "", NULL},
    {"no local part", "@a.b", 0, ERR_SYNTAX, "", "", NULL},
    {"an empty quoted local part", "\"\"@a.b", 0, ERR_SYNTAX, "", "", NULL},
    {"a trailing dot", "a@b.c.", 0, ERR_SYNTAX, "", "", NULL},
    {"an empty label", "a@b..c", 0, ERR_SYNTAX, "", "", NULL},
    {"a leading dot in the domain", "a@.b", 0, ERR_SYNTAX, "", "", NULL},
    {"a hyphen at the start of a label", "a@-b.c", 0, ERR_SYNTAX, "", "", NULL},
    {"a hyphen at the end of a label", "a@b-.c", 0, ERR_SYNTAX, "", "", NULL},
    {"an underscore in the domain", "a@b_c.d", 0, ERR_SYNTAX, "", "", NULL},
    {"a port suffix", "a@b.c:25", 0, ERR_SYNTAX, "", "", NULL},
    {"two at signs", "u@local@other", 0, ERR_SYNTAX, "", "", NULL},
    {"a leading dot", ".a@b.c", 0, ERR_SYNTAX, "", "", NULL},
    {"a trailing dot in the local part", "a.@b.c", 0, ERR_SYNTAX, "", "", NULL},
    {"two dots", "a..b@c.d", 0, ERR_SYNTAX, "", "", NULL},
    {"a space without quotes", "a b@c.d", 0, ERR_SYNTAX, "", "", NULL},
    {"a space behind", "a@b.c ", 0, ERR_SYNTAX, "", "", NULL},
    {"brackets around", "<a@b.c>", 0, ERR_SYNTAX, "", "", NULL},
    {"two addresses", "a@b.c,d@e.f", 0, ERR_SYNTAX, "", "", NULL},
    {"a comment", "a(x)@b.c", 0, ERR_SYNTAX, "", "", NULL},
    {"half a quoted string", "\"a@b.c", 0, ERR_SYNTAX, "", "", NULL},
    {"an escape at the end", "\"a\\", 0, ERR_SYNTAX, "", "", NULL},
    {"text behind the quotes", "\"a\"b@c.d", 0, ERR_SYNTAX, "", "", NULL},
    {"a control",
     "a\x01"
     "b@c.d",
     0, ERR_SYNTAX, "", "", NULL},
    {"a quoted control", "\"a\x01\"@c.d", 0, ERR_SYNTAX, "", "", NULL},
    {"an escaped line end", "\"a\\\n\"@c.d", 0, ERR_SYNTAX, "", "", NULL},
    {"DEL", "\"\x7f\"@c.d", 0, ERR_SYNTAX, "", "", NULL},
    {"an IPv4 literal out of range", "a@[192.0.2.256]", 0, ERR_SYNTAX, "", "", NULL},
    {"a short IPv4 literal", "a@[127.1]", 0, ERR_SYNTAX, "", "", NULL},
    {"IPv6 without its tag", "a@[2001:db8::1]", 0, ERR_SYNTAX, "", "", NULL},
    {"IPv6 with a zone", "a@[IPv6:fe80::1%eth0]", 0, ERR_SYNTAX, "", "", NULL},
    {"an unknown family", "a@[x25:1234]", 0, ERR_SYNTAX, "", "", NULL},
    {"an empty literal", "a@[]", 0, ERR_SYNTAX, "", "", NULL},
    {"half a literal", "a@[192.0.2.1", 0, ERR_SYNTAX, "", "", NULL},
    {"text behind a literal", "a@[192.0.2.1]x", 0, ERR_SYNTAX, "", "", NULL},
};

TEST(addresses_parse_by_their_meaning_and_print_in_one_form)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        const struct address_row *row = &addresses[i];
        struct mail_address address;
        enum err err = mail_address_parse(&arena, str_of(row->text), row->flags, &address);
        CHECK_ROW(row->sentence, err == row->err);
        if (err || row->err)
            continue;
        struct str printed = mail_address_text(&arena, &address);
        CHECK_ROW(row->sentence, str_eq(address.local, str_of(row->local)));
        CHECK_ROW(row->sentence, str_eq(address.domain, str_of(row->domain)));
        CHECK_STR(printed, str_of(row->printed ? row->printed : row->text));
        CHECK_ROW(row->sentence, address.is_literal == (row->domain[0] == '['));
    }
    arena_reset(&arena);
}

TEST(a_nul_is_never_part_of_an_address)
{
    struct arena arena = arena_make();
    struct mail_address address;
    CHECK(mail_address_parse(&arena, STR("a\0b@c.d"), 0, &address) == ERR_SYNTAX);
    CHECK(mail_address_parse(&arena, STR("\"a\0b\"@c.d"), 0, &address) == ERR_SYNTAX);
    CHECK(mail_address_parse(&arena, STR("a@c.d\0"), 0, &address) == ERR_SYNTAX);
    CHECK(mail_address_parse(&arena, STR("a@[127.0.0.1\0]"), 0, &address) == ERR_SYNTAX);
    arena_reset(&arena);
}

/* `local` times a, then a domain of labels of 60 bytes cut to `domain` bytes. */
static enum err parse_of_size(size_t local, size_t domain)
{
    char text[600];
    size_t len = 0;
    for (size_t i = 0; i < local; i++)
        text[len++] = 'a';
    text[len++] = '@';
    for (size_t i = 0; i < domain; i++)
        text[len++] = i % 61 == 60 ? '.' : 'b';
    struct arena arena = arena_make();
    struct mail_address address;
    enum err err = mail_address_parse(&arena, str_make(text, len), 0, &address);
    arena_reset(&arena);
    return err;
}

TEST(lengths_end_where_rfc_5321_says)
{
    CHECK_INT(parse_of_size(64, 100), OK);
    CHECK_INT(parse_of_size(65, 100), ERR_LIMIT);
    CHECK_INT(parse_of_size(1, 252), OK);
    CHECK_INT(parse_of_size(1, 253), ERR_LIMIT);
    CHECK_INT(parse_of_size(64, 189), OK);
    CHECK_INT(parse_of_size(64, 190), ERR_LIMIT);
    struct str label = STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    CHECK(mail_domain_is_valid(str_first(label, 63), 0));
    CHECK(!mail_domain_is_valid(label, 0));
}

static const struct path_row {
    const char *sentence;
    const char *text;
    enum mail_address_flags flags;
    enum err err;
    const char *printed;
    const char *rest;
    bool is_null, is_postmaster, has_route;
} paths[] = {
    {"a path and what follows", "<a@b.c> SIZE=1", 0, OK, "<a@b.c>", " SIZE=1", 0, 0, 0},
    {"a bracket in quotes does not end it", "<\"a> b\"@c.d>x", 0, OK, "<\"a> b\"@c.d>", "x", 0, 0,
     0},
    {"the null path where allowed", "<> X", MAIL_ADDRESS_NULL, OK, "<>", " X", 1, 0, 0},
    {"the null path where not", "<>", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"postmaster where allowed", "<PostMaster>", MAIL_ADDRESS_POSTMASTER, OK, "<PostMaster>", "", 0,
     1, 0},
    {"postmaster where not", "<postmaster>", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"postmaster with a domain is an address", "<postmaster@a.b>", MAIL_ADDRESS_POSTMASTER, OK,
     "<postmaster@a.b>", "", 0, 0, 0},
    {"another bare name", "<root>", MAIL_ADDRESS_POSTMASTER, ERR_SYNTAX, "", "", 0, 0, 0},
    {"a source route is told", "<@a.b,@c.d:u@e.f>", 0, OK, "<u@e.f>", "", 0, 0, 1},
    {"a route of one", "<@a.b:u@e.f>", 0, OK, "<u@e.f>", "", 0, 0, 1},
    {"a route without an address", "<@a.b:>", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"a route with half a host", "<@a.b,:u@e.f>", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"a route without its colon", "<@a.b u@e.f>", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"no brackets", "a@b.c", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"no closing bracket", "<a@b.c", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"two addresses in one path", "<a@b.c,d@e.f>", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"a space within", "<a@b.c >", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"a space in front", "< a@b.c>", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"brackets twice", "<<a@b.c>>", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"a display name", "<Alice <a@b.c>>", 0, ERR_SYNTAX, "", "", 0, 0, 0},
    {"nothing", "", MAIL_ADDRESS_NULL, ERR_SYNTAX, "", "", 0, 0, 0},
};

TEST(paths_parse_up_to_their_bracket)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        const struct path_row *row = &paths[i];
        struct mail_path path;
        size_t used = 0;
        enum err err = mail_path_parse(&arena, str_of(row->text), row->flags, &path, &used);
        CHECK_ROW(row->sentence, err == row->err);
        if (err || row->err)
            continue;
        struct buf buf = buf_make(512);
        CHECK(mail_path_print(&buf, &path) == OK);
        CHECK_STR(buf_str(&buf), str_of(row->printed));
        CHECK_STR(str_from(str_of(row->text), used), str_of(row->rest));
        CHECK_ROW(row->sentence, path.is_null == row->is_null && path.has_route == row->has_route &&
                                     path.is_postmaster == row->is_postmaster);
        buf_free(&buf);
    }
    arena_reset(&arena);
}

TEST(printing_beyond_the_limit_adds_nothing)
{
    struct mail_address address = {STR("alice"), STR("example.org"), false};
    struct buf buf = buf_make(16);
    CHECK(mail_address_print(&buf, &address) == ERR_LIMIT);
    CHECK_INT(buf.len, 0);
    buf_free(&buf);
}

TEST(domains_compare_without_case_and_local_parts_with_it)
{
    struct arena arena = arena_make();
    struct mail_address a = {STR("a"), STR("B.c"), false}, same = {STR("a"), STR("b.C"), false};
    struct mail_address other = {STR("A"), STR("B.c"), false};
    struct mail_address copy = mail_address_copy(&arena, &a);
    CHECK(mail_address_eq(&a, &same));
    CHECK(!mail_address_eq(&a, &other));
    CHECK(mail_address_eq(&a, &copy) && copy.local.at != a.local.at);
    CHECK_STR(mail_domain_lower(&arena, STR("ExAmple.ORG")), STR("example.org"));
    CHECK(!mail_address_is_utf8(&a));
    arena_reset(&arena);
}

TEST(underscores_are_let_through_only_when_asked_for)
{
    CHECK(!mail_domain_is_valid(STR("a_b.c"), 0));
    CHECK(mail_domain_is_valid(STR("a_b.c"), MAIL_ADDRESS_UNDERSCORE));
    CHECK(!mail_domain_is_valid(STR(""), MAIL_ADDRESS_UNDERSCORE));
    CHECK(!mail_domain_is_valid(STR("a.b\n"), 0));
}

int main(void)
{
    RUN(addresses_parse_by_their_meaning_and_print_in_one_form);
    RUN(a_nul_is_never_part_of_an_address);
    RUN(lengths_end_where_rfc_5321_says);
    RUN(paths_parse_up_to_their_bracket);
    RUN(printing_beyond_the_limit_adds_nothing);
    RUN(domains_compare_without_case_and_local_parts_with_it);
    RUN(underscores_are_let_through_only_when_asked_for);
    return test_summary();
}
