#include "verify/tag_list.h"

#include "base/buf.h"
#include "test.h"

static const struct row {
    const char *sentence;
    const char *text;
    const char *tags; /* [name=value] one after the other; NULL: no list */
} rows[] = {
    {"one tag", "a=1", "[a=1]"},
    {"several, with white space around all", " a = 1 ; b=2;\tc = x y ", "[a=1][b=2][c=x y]"},
    {"the last semicolon may stand there", "a=1;", "[a=1]"},
    {"and white space behind it", "a=1; \r\n ", "[a=1]"},
    {"folds are white space", "a=\r\n 1;\r\n\tb\r\n =\r\n 2\r\n ", "[a=1][b=2]"},
    {"a fold behind a fold", "a=1;\r\n \r\n b=2", "[a=1][b=2]"},
    {"empty values are values", "a=;b= ;c=", "[a=][b=][c=]"},
    {"an equals sign within a value", "a=b=c==", "[a=b=c==]"},
    {"names are case-sensitive", "a=1;A=2", "[a=1][A=2]"},
    {"names with digits and underscores", "a1_=x", "[a1_=x]"},
    {"folds within a value stay", "b=ab\r\n cd", "[b=ab\r\n cd]"},
    {"8-bit bytes stand in values",
     "n=gr\xc3\xbc\xc3\x9f"
     "e",
     "[n=gr\xc3\xbc\xc3\x9f"
     "e]"},
    {"nothing", "", NULL},
    {"only a semicolon", ";", NULL},
    {"only white space", "  ", NULL},
    {"an empty specification", "a=1;;b=2", NULL},
    {"two semicolons at the end", "a=1;;", NULL},
    {"no equals sign", "a", NULL},
    {"no name", "=1", NULL},
    {"a name that begins with a digit", "1a=x", NULL},
    {"a name with a hyphen", "a-b=x", NULL},
    {"a name with a blank", "a b=x", NULL},
    {"the same name twice", "a=1;b=2;a=1", NULL},
    {"a control character", "a=1\x01", NULL},
    {"a line feed alone", "a=1\n b", NULL},
    {"a carriage return alone", "a=1\r b", NULL},
    {"a line end that is no fold", "a=1\r\nb=2", NULL},
    {"DEL", "a=\x7f", NULL},
};

TEST(rfc6376_3_2_tag_lists)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tag_list list;
        struct buf got = buf_make(1000);
        enum err err = tag_list_parse(str_of(rows[i].text), &list);
        CHECK_ROW(rows[i].sentence, (err == OK) == (rows[i].tags != NULL));
        for (size_t t = 0; !err && t < list.count; t++)
            CHECK(buf_printf(&got, "[%.*s=%.*s]", STR_FMT(list.tags[t].name),
                             STR_FMT(list.tags[t].value)) == OK);
        if (!err && rows[i].tags)
            CHECK_ROW(rows[i].sentence, str_eq(buf_str(&got), str_of(rows[i].tags)));
        buf_free(&got);
    }
}

TEST(what_stands_behind_the_equals_sign_is_kept_whole)
{
    struct tag_list list;
    REQUIRE(tag_list_parse(STR("a=1; b = \r\n x \r\n ; c="), &list) == OK);
    CHECK_STR(tag_list_find(&list, STR("b"))->raw, STR(" \r\n x \r\n "));
    CHECK_STR(tag_list_find(&list, STR("c"))->raw, STR(""));
    CHECK(tag_list_find(&list, STR("B")) == NULL);
}

TEST(more_tags_than_we_keep_are_a_limit)
{
    struct buf text = buf_make(10000);
    struct tag_list list;
    for (int i = 0; i < TAG_LIST_MAX; i++)
        CHECK(buf_printf(&text, "t%d=;", i) == OK);
    CHECK(tag_list_parse(buf_str(&text), &list) == OK);
    CHECK(buf_printf(&text, "more=") == OK);
    CHECK_INT(tag_list_parse(buf_str(&text), &list), ERR_LIMIT);
    buf_free(&text);
}

TEST(lists_within_values_are_cut_at_colons)
{
    CHECK(tag_items_have(STR("sha1 : sha256"), STR("sha256")));
    CHECK(tag_items_have(STR("s"), STR("s")));
    CHECK(!tag_items_have(STR("yes:no"), STR("s")));
    CHECK(!tag_items_have(STR("Y"), STR("y")));
    struct tag_items items = tag_items_make(STR("a:\r\n b::"));
    struct str item;
    size_t count = 0;
    while (tag_items_next(&items, &item))
        count++;
    CHECK_INT(count, 4);
}

TEST(rfc6376_2_11_quoted_printable)
{
    struct arena arena = arena_make();
    struct str text = STR("untouched");
    CHECK(tag_value_unquote(&arena, STR("a=3Bb =\r\n 20c"), &text) == OK);
    CHECK_STR(text, STR("a;b c"));
    CHECK_INT(tag_value_unquote(&arena, STR("a=3b"), &text), ERR_SYNTAX);
    CHECK_INT(tag_value_unquote(&arena, STR("a=3"), &text), ERR_SYNTAX);
    CHECK_INT(tag_value_unquote(&arena, STR("a="), &text), ERR_SYNTAX);
    CHECK_STR(text, STR("a;b c"));
    arena_reset(&arena);
}

int main(void)
{
    RUN(rfc6376_3_2_tag_lists);
    RUN(what_stands_behind_the_equals_sign_is_kept_whole);
    RUN(more_tags_than_we_keep_are_a_limit);
    RUN(lists_within_values_are_cut_at_colons);
    RUN(rfc6376_2_11_quoted_printable);
    return test_summary();
}
