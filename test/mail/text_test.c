#include "mail/text.h"
#include "test.h"

static const struct {
    const char *sentence;
    struct str text;
    const char *clean;
} rows[] = {
    {"printable ASCII stays", STR("a b~"), "a b~"},
    {"UTF-8 stays", STR("\xc3\xbc"), "\xc3\xbc"},
    {"controls go", STR("a\r\n\t\x1b\x7f\0z"), "a??????z"},
    {"NEL goes", STR("a\xc2\x85z"), "a??z"},
    {"bad UTF-8 goes", STR("\xc3\xbc\xff"), "???"},
    {"nothing", STR(""), ""},
};

TEST(controls_and_bad_bytes_are_replaced)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_STR(mail_text_clean(&arena, rows[i].text), str_of(rows[i].clean));
        CHECK_ROW(rows[i].sentence,
                  mail_text_is_clean(rows[i].text) == str_eq(rows[i].text, str_of(rows[i].clean)));
    }
    arena_reset(&arena);
}

int main(void)
{
    RUN(controls_and_bad_bytes_are_replaced);
    return test_summary();
}
