#include "mail/address_list.h"
#include "test.h"

static const struct row {
    const char *sentence;
    const char *value;
    enum err err;
    const char *addresses; /* canonical, with a space between them */
    bool is_ambiguous;
} rows[] = {
    {"a bare address", " alice@example.org", OK, "alice@example.org", false},
    {"a name and an address", " Alice Liddell <alice@example.org>", OK, "alice@example.org", false},
    {"no name, but brackets", "<a@b.c>", OK, "a@b.c", false},
    {"a quoted name", "\"Liddell, Alice\" <a@b.c>", OK, "a@b.c", false},
    {"an address in a quoted name is a name", "\"x@y.z\" <a@b.c>", OK, "a@b.c", false},
    {"an encoded word", "=?utf-8?q?x=40y.z?= <a@b.c>", OK, "a@b.c", false},
    {"a name with dots", "Alice B. Liddell <a@b.c>", OK, "a@b.c", false},
    {"a raw UTF-8 name", "J\xc3\xbcrgen <a@b.c>", OK, "a@b.c", false},
    {"a raw Latin-1 name", "J\xfcrgen <a@b.c>", OK, "a@b.c", false},
    {"a UTF-8 address", "j\xc3\xbc@b.c", OK, "j\xc3\xbc@b.c", false},
    {"a bad UTF-8 address", "j\xfc@b.c", ERR_SYNTAX, "", false},
    {"a name behind, as before 1982", "a@b.c (Alice)", OK, "a@b.c", false},
    {"nested comments", "(a (b) \\) c) a@b.c (d)", OK, "a@b.c", false},
    {"several", "a@b.c, Bob <d@e.f>,g@h.i", OK, "a@b.c d@e.f g@h.i", false},
    {"folded", " Alice\r\n <a@b.c>,\r\n\tBob <d@e.f>", OK, "a@b.c d@e.f", false},
    {"a group", "friends: a@b.c, Bob <d@e.f>;", OK, "a@b.c d@e.f", false},
    {"an empty group", "undisclosed-recipients:;", OK, "", false},
    {"a group among others", "x@y.z, g: a@b.c;, d@e.f", OK, "x@y.z a@b.c d@e.f", false},
    {"empty entries, as of old", ",, a@b.c ,,", OK, "a@b.c", false},
    {"nothing", "", OK, "", false},
    {"only a comment", "(nobody)", OK, "", false},
    {"a quoted local part", "\"a b\"@c.d", OK, "\"a b\"@c.d", false},
    {"words of both kinds", "\"a\".b@c.d", OK, "a.b@c.d", false},
    {"two dots exist in the wild", "a..b@c.d", OK, "\"a..b\"@c.d", false},
    {"a dot at the end of the local part too", "a.@c.d", OK, "\"a.\"@c.d", false},
    {"an underscore in the domain", "a@b_c.d", OK, "a@b_c.d", false},
    {"an address literal", "a@[192.0.2.1]", OK, "a@[192.0.2.1]", false},
    {"a local part beyond 64 bytes",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.c", OK,
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.c", false},
    {"an address for a name counts too", "admin@bank.example <x@evil.example>", OK,
     "admin@bank.example x@evil.example", true},
    {"the same address for a name", "a@b.c <a@B.c>, d@e.f", OK, "a@b.c d@e.f", false},
    {"a source route", "<@evil.example,@any.example:admin@bank.example>", OK, "admin@bank.example",
     true},
    {"blanks within an address", "admin @ bank . example", OK, "admin@bank.example", true},
    {"a comment within an address", "admin@bank(evil).example", OK, "admin@bank.example", true},
    {"a fold within an address", "<admin@\r\n bank.example>", OK, "admin@bank.example", true},
    {"an address and more for a name", "a@b.c via List <l@d.e>", ERR_SYNTAX, "", false},
    {"two angle addresses", "<a@b.c><d@e.f>", ERR_SYNTAX, "", false},
    {"two angle addresses with a blank", "<a@b.c> <d@e.f>", ERR_SYNTAX, "", false},
    {"text behind the bracket", "<a@b.c> x", ERR_SYNTAX, "", false},
    {"an address behind the bracket", "<a@b.c>, d@e.f>", ERR_SYNTAX, "", false},
    {"a name alone", "root", ERR_SYNTAX, "", false},
    {"names without a comma", "alice bob", ERR_SYNTAX, "", false},
    {"two addresses without a comma", "a@b.c d@e.f", ERR_SYNTAX, "", false},
    {"a semicolon between", "a@b.c; d@e.f", ERR_SYNTAX, "", false},
    {"two at signs", "a@b.c@d.e", ERR_SYNTAX, "", false},
    {"no domain", "a@", ERR_SYNTAX, "", false},
    {"no local part", "@b.c", ERR_SYNTAX, "", false},
    {"an empty quoted local part", "\"\"@b.c", ERR_SYNTAX, "", false},
    {"empty brackets", "Alice <>", ERR_SYNTAX, "", false},
    {"brackets that stay open", "Alice <a@b.c", ERR_SYNTAX, "", false},
    {"a quote that stays open", "\"Alice <a@b.c>", ERR_SYNTAX, "", false},
    {"a comment that stays open", "a@b.c (Alice", ERR_SYNTAX, "", false},
    {"a group that stays open", "friends: a@b.c", ERR_SYNTAX, "", false},
    {"a group in a group", "a: b: c@d.e;;", ERR_SYNTAX, "", false},
    {"a group without a name", ": a@b.c;", ERR_SYNTAX, "", false},
    {"text behind a group", "a:; b@c.d", ERR_SYNTAX, "", false},
    {"a trailing dot in the domain", "a@b.c.", ERR_SYNTAX, "", false},
    {"an empty label", "a@b..c", ERR_SYNTAX, "", false},
    {"a quoted domain", "a@\"b.c\"", ERR_SYNTAX, "", false},
    {"a control", "a\x01@b.c", ERR_SYNTAX, "", false},
    {"an escaped control", "\"a\\\x01\"@b.c", ERR_SYNTAX, "", false},
    {"a bare line feed", "a@b.c\n,d@e.f", ERR_SYNTAX, "", false},
    {"a bare carriage return", "a@b.c\r", ERR_SYNTAX, "", false},
    {"a literal that is none", "a@[evil]", ERR_SYNTAX, "", false},
    {"a foreign dot",
     "a@b\xe3\x80\x82"
     "c",
     ERR_SYNTAX, "", false},
};

static struct str print_list(struct buf *buf, const struct mail_address_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        CHECK(i == 0 || buf_add_char(buf, ' ') == OK);
        CHECK(mail_address_print(buf, &list->items[i]) == OK);
    }
    return buf_str(buf);
}

TEST(lists_hold_every_address_that_a_reader_might_see)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct mail_address_list list;
        enum err err = mail_address_list_parse(&arena, str_of(row->value), 10, &list);
        CHECK_ROW(row->sentence, err == row->err);
        if (err || row->err)
            continue;
        struct buf buf = buf_make(512);
        CHECK_STR(print_list(&buf, &list), str_of(row->addresses));
        CHECK_ROW(row->sentence, list.is_ambiguous == row->is_ambiguous);
        buf_free(&buf);
    }
    arena_reset(&arena);
}

TEST(names_of_this_host_get_its_domain)
{
    static const struct {
        const char *sentence, *value, *completed, *addresses;
    } cases[] = {
        {"a name alone", " root", " root@home.example", "root@home.example"},
        {"with a comment, as cron writes it", " root (Cron Daemon)",
         " root@home.example (Cron Daemon)", "root@home.example"},
        {"in brackets", "Cron Daemon <root>", "Cron Daemon <root@home.example>",
         "root@home.example"},
        {"among others", "a@b.c, root,\r\n bob ,d@e.f",
         "a@b.c, root@home.example,\r\n bob@home.example ,d@e.f",
         "a@b.c root@home.example bob@home.example d@e.f"},
        {"in a group", "all: alice, bob;", "all: alice@home.example, bob@home.example;",
         "alice@home.example bob@home.example"},
        {"with dots and quotes", "a.\"b c\"", "a.\"b c\"@home.example", "\"a.b c\"@home.example"},
        {"all are whole", " Alice <a@b.c>", " Alice <a@b.c>", "a@b.c"},
    };
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mail_address_list list;
        struct str completed = STR_EMPTY;
        enum err err = mail_address_list_complete(&arena, str_of(cases[i].value), 10,
                                                  STR("home.example"), &list, &completed);
        CHECK_ROW(cases[i].sentence, err == OK);
        CHECK_STR(completed, str_of(cases[i].completed));
        struct buf buf = buf_make(512);
        CHECK_STR(err ? STR_EMPTY : print_list(&buf, &list), str_of(cases[i].addresses));
        buf_free(&buf);
    }
    arena_reset(&arena);
}

TEST(names_that_make_no_list_get_nothing)
{
    static const char *const values[] = {
        "alice bob", "<>",   "Alice <>", "root@", "root <a@b.c> x", "\"\"", "root \"x\"@y <a@b.c>",
        "root;",     "(root"};
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct mail_address_list list;
        struct str completed;
        CHECK_ROW(values[i], mail_address_list_complete(&arena, str_of(values[i]), 10, STR("home"),
                                                        &list, &completed) == ERR_SYNTAX);
    }
    arena_reset(&arena);
}

TEST(a_nul_makes_the_list_an_error)
{
    struct arena arena = arena_make();
    struct mail_address_list list;
    CHECK(mail_address_list_parse(&arena, STR("a@b.c\0"), 9, &list) == ERR_SYNTAX);
    CHECK(mail_address_list_parse(&arena, STR("\"\0\" <a@b.c>"), 9, &list) == ERR_SYNTAX);
    CHECK(mail_address_list_parse(&arena, STR("(\0) a@b.c"), 9, &list) == ERR_SYNTAX);
    arena_reset(&arena);
}

TEST(more_addresses_than_wanted_are_a_limit)
{
    struct arena arena = arena_make();
    struct mail_address_list list;
    CHECK(mail_address_list_parse(&arena, STR("a@b,c@d,e@f"), 3, &list) == OK);
    CHECK(mail_address_list_parse(&arena, STR("a@b,c@d,e@f"), 2, &list) == ERR_LIMIT);
    arena_reset(&arena);
}

TEST(deep_comments_need_no_stack)
{
    static char value[200000];
    memset(value, '(', sizeof value / 2);
    memset(value + sizeof value / 2, ')', sizeof value / 2);
    struct arena arena = arena_make();
    struct mail_address_list list;
    CHECK(mail_address_list_parse(&arena, str_make(value, sizeof value), 9, &list) == OK);
    CHECK(mail_address_list_parse(&arena, str_make(value, sizeof value - 1), 9, &list) ==
          ERR_SYNTAX);
    arena_reset(&arena);
}

int main(void)
{
    RUN(lists_hold_every_address_that_a_reader_might_see);
    RUN(names_of_this_host_get_its_domain);
    RUN(names_that_make_no_list_get_nothing);
    RUN(a_nul_makes_the_list_an_error);
    RUN(more_addresses_than_wanted_are_a_limit);
    RUN(deep_comments_need_no_stack);
    return test_summary();
}
