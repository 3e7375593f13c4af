#include "base/buf.h"
#include "mail/lexer.h"
#include "test.h"

static const struct row {
    const char *sentence;
    const char *value;
    const char *tokens; /* kind and raw; `_` before what is separated; `!` for an error */
} rows[] = {
    {"atoms and specials", "a.b@c", "a:a s:. a:b s:@ a:c"},
    {"blanks separate", "a b\t c", "a:a _a:b _a:c"},
    {"folds separate", "a\r\n b", "a:a _a:b"},
    {"comments separate", "a(x)b", "a:a _a:b"},
    {"a quoted string keeps its quotes", "\"a \\\"b\"", "q:\"a \\\"b\""},
    {"a literal keeps its brackets", "[1.2.3.4]", "l:[1.2.3.4]"},
    {"8-bit is atext", "\xc3\xbc", "a:\xc3\xbc"},
    {"a CRLF without a blank is no fold", "a\r\nb", "a:a !"},
    {"a control", "\x01", "!"},
    {"an open comment", "(a", "!"},
    {"a comment with an escaped end", "(a\\)", "!"},
    {"an open quote", "\"a", "!"},
    {"an escape at the end", "\"a\\", "!"},
    {"an open literal", "[a", "!"},
    {"a control in a comment", "(\x01)", "!"},
};

TEST(fields_fall_into_tokens)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mail_lexer lexer = mail_lexer_make(str_of(rows[i].value));
        struct mail_token token;
        struct buf buf = buf_make(256);
        enum err err;
        while ((err = mail_lexer_next(&lexer, &token)) == OK && token.kind != MAIL_TOKEN_END)
            CHECK(buf_printf(&buf, "%s%s%c:%.*s", buf.len ? " " : "", token.is_separated ? "_" : "",
                             "-aqls"[token.kind], STR_FMT(token.raw)) == OK);
        if (err)
            CHECK(buf_printf(&buf, "%s!", buf.len ? " " : "") == OK);
        if (!str_eq(buf_str(&buf), str_of(rows[i].tokens)))
            CHECK_STR(buf_str(&buf), str_of(rows[i].tokens));
        buf_free(&buf);
    }
}

TEST(the_text_of_a_quoted_string_has_no_quotes_escapes_and_folds)
{
    struct arena arena = arena_make();
    struct mail_lexer lexer = mail_lexer_make(STR("\"a\r\n \\\"b\\\\\""));
    struct mail_token token;
    REQUIRE(mail_lexer_next(&lexer, &token) == OK);
    CHECK_STR(mail_token_text(&arena, &token), STR("a \"b\\"));
    arena_reset(&arena);
}

int main(void)
{
    RUN(fields_fall_into_tokens);
    RUN(the_text_of_a_quoted_string_has_no_quotes_escapes_and_folds);
    return test_summary();
}
