#include "smtp/reply.h"

#include "test.h"

static const struct row {
    const char *sentence;
    struct str in;
    enum err err;
    const char *summary;
    size_t lines;
    const char *left;
} rows[] = {
    {"one line", STR("250 Ok\r\n"), OK, "250 Ok", 1, ""},
    {"a status", STR("550 5.1.1 No such user\r\n"), OK, "550 5.1.1 No such user", 1, ""},
    {"a status alone", STR("250 2.0.0\r\n"), OK, "250 2.0.0", 1, ""},
    {"several lines", STR("250-a\r\n250-b\r\n250 c\r\nmore"), OK, "250 a b c", 3, "more"},
    {"a status in each line", STR("451-4.7.1 a\r\n451 4.7.1 b\r\n"), OK, "451 4.7.1 a b", 2, ""},
    {"a status in the second line", STR("451-a\r\n451 4.7.1 b\r\n"), OK, "451 4.7.1 a b", 2, ""},
    {"no text", STR("250\r\n"), OK, "250", 1, ""},
    {"no text, with a space", STR("250 \r\n"), OK, "250", 1, ""},
    {"an empty line between", STR("250-a\r\n250-\r\n250 b\r\n"), OK, "250 a b", 3, ""},
    {"LF alone", STR("250-a\n250 b\n"), OK, "250 a b", 2, ""},
    {"no space", STR("250Ok\r\n"), OK, "250 Ok", 1, ""},
    {"the status of another class is text", STR("250 5.1.1 x\r\n"), OK, "250 5.1.1 x", 1, ""},
    {"controls are not shown", STR("550 a\x1b[2J\rb\0c\r\n"), OK, "550 a?[2J?b?c", 1, ""},
    {"bad UTF-8 is not shown", STR("550 \xff\xc3\xbc\r\n"), OK, "550 ???", 1, ""},
    {"UTF-8 is", STR("550 \xc3\xbc\r\n"), OK, "550 \xc3\xbc", 1, ""},
    {"unfinished lines", STR("250-a\r\n250-b\r\n"), ERR_MORE, "", 0, ""},
    {"half a line", STR("250 O"), ERR_MORE, "", 0, ""},
    {"nothing", STR(""), ERR_MORE, "", 0, ""},
    {"another code", STR("250-a\r\n251 b\r\n"), ERR_SYNTAX, "", 0, ""},
    {"no code in the second line", STR("250-a\r\nb\r\n"), ERR_SYNTAX, "", 0, ""},
    {"no code", STR("hello\r\n"), ERR_SYNTAX, "", 0, ""},
    {"two digits", STR("25 a\r\n"), ERR_SYNTAX, "", 0, ""},
    {"four digits", STR("2500 a\r\n"), ERR_SYNTAX, "", 0, ""},
    {"a code below 200", STR("100 a\r\n"), ERR_SYNTAX, "", 0, ""},
    {"a code above 599", STR("600 a\r\n"), ERR_SYNTAX, "", 0, ""},
    {"a sign", STR("+25 a\r\n"), ERR_SYNTAX, "", 0, ""},
    {"an empty line", STR("\r\n"), ERR_SYNTAX, "", 0, ""},
    {"a blank in front", STR(" 250 a\r\n"), ERR_SYNTAX, "", 0, ""},
    {"a web server", STR("HTTP/1.1 400 Bad Request\r\n"), ERR_SYNTAX, "", 0, ""},
};

TEST(replies_are_read_whole)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct smtp_reply reply;
        size_t used = 0;
        enum err err = smtp_reply_parse(rows[i].in, &reply, &used);
        CHECK_ROW(rows[i].sentence, err == rows[i].err);
        if (err || rows[i].err)
            continue;
        CHECK_STR(smtp_reply_summary(&arena, &reply), str_of(rows[i].summary));
        CHECK_ROW(rows[i].sentence, reply.line_count == rows[i].lines);
        CHECK_STR(str_from(rows[i].in, used), str_of(rows[i].left));
        for (size_t len = 0; len < used; len++)
            CHECK_ROW(rows[i].sentence,
                      smtp_reply_parse(str_first(rows[i].in, len), &reply, &used) == ERR_MORE);
    }
    arena_reset(&arena);
}

/* `lines` lines of `len` bytes each, the last one final when asked. */
static enum err parse_of_size(size_t lines, size_t len, bool is_final)
{
    struct buf buf = buf_make(1 << 20);
    for (size_t i = 0; i < lines; i++) {
        CHECK(buf_add(&buf, is_final && i + 1 == lines ? STR("250 ") : STR("250-")) == OK);
        for (size_t j = 4; j < len; j++)
            CHECK(buf_add_char(&buf, 'a') == OK);
        CHECK(buf_add(&buf, STR("\r\n")) == OK);
    }
    struct smtp_reply reply;
    size_t used;
    enum err err = smtp_reply_parse(buf_str(&buf), &reply, &used);
    buf_free(&buf);
    return err;
}

TEST(a_reply_has_bounds)
{
    CHECK_INT(parse_of_size(1, 2048, true), OK);
    CHECK_INT(parse_of_size(1, 2049, true), ERR_LIMIT);
    CHECK_INT(parse_of_size(1, 1000000, true), ERR_LIMIT);
    CHECK_INT(parse_of_size(128, 10, true), OK);
    CHECK_INT(parse_of_size(129, 10, true), ERR_LIMIT);
    CHECK_INT(parse_of_size(127, 10, false), ERR_MORE);
    CHECK_INT(parse_of_size(8, 2046, true), OK);
    CHECK_INT(parse_of_size(9, 2046, true), ERR_LIMIT);
    CHECK_INT(parse_of_size(8, 2046, false), ERR_LIMIT);
}

TEST(a_line_without_an_end_is_a_limit_and_not_a_wait)
{
    char line[4096];
    struct smtp_reply reply;
    size_t used;
    memset(line, '2', sizeof line);
    CHECK(smtp_reply_parse(str_make(line, 2049), &reply, &used) == ERR_MORE);
    CHECK(smtp_reply_parse(str_make(line, 2050), &reply, &used) == ERR_LIMIT);
}

static const struct {
    const char *sentence;
    int code;
    struct mail_status status;
    struct str text;
    const char *printed;
} printed[] = {
    {"one line", 250, {2, 0, 0}, STR("Ok"), "250 2.0.0 Ok\r\n"},
    {"no status", 220, {0}, STR("mx ESMTP"), "220 mx ESMTP\r\n"},
    {"several lines", 550, {5, 7, 1}, STR("a\nb"), "550-5.7.1 a\r\n550 5.7.1 b\r\n"},
    {"CRLF between, LF behind", 550, {0}, STR("a\r\nb\n"), "550-a\r\n550 b\r\n"},
    {"no text", 250, {2, 0, 0}, STR(""), "250 2.0.0\r\n"},
    {"neither", 250, {0}, STR(""), "250\r\n"},
    {"controls and 8-bit", 550, {0}, STR("a\x1b\0\tb\xff"), "550 a???b?\r\n"},
    {"a bare CR forges nothing", 550, {0}, STR("a\r250 ok"), "550 a?250 ok\r\n"},
};

TEST(replies_are_printed_so_that_nothing_is_forged)
{
    for (size_t i = 0; i < ARRAY_LEN(printed); i++) {
        struct buf buf = buf_make(256);
        CHECK_ROW(printed[i].sentence, smtp_reply_print(&buf, printed[i].code, printed[i].status,
                                                        printed[i].text) == OK);
        CHECK_STR(buf_str(&buf), str_of(printed[i].printed));
        buf_free(&buf);
    }
}

TEST(long_texts_are_broken_at_512_bytes)
{
    char text[1600];
    memset(text, 'a', sizeof text);
    text[300] = text[900] = ' ';
    struct buf buf = buf_make(4096);
    CHECK(smtp_reply_print(&buf, 550, MAIL_STATUS(5, 0, 0), str_make(text, sizeof text)) == OK);
    struct smtp_reply reply;
    size_t used;
    REQUIRE(smtp_reply_parse(buf_str(&buf), &reply, &used) == OK && used == buf.len);
    struct str line, rest = buf_str(&buf);
    while (str_cut(rest, '\n', &line, &rest))
        CHECK(line.len + 1 <= 512);
    buf_free(&buf);
    buf = buf_make(100);
    CHECK(smtp_reply_print(&buf, 550, MAIL_STATUS(5, 0, 0), str_make(text, sizeof text)) ==
          ERR_LIMIT);
    CHECK_INT(buf.len, 0);
    buf_free(&buf);
}

int main(void)
{
    RUN(replies_are_read_whole);
    RUN(a_reply_has_bounds);
    RUN(a_line_without_an_end_is_a_limit_and_not_a_wait);
    RUN(replies_are_printed_so_that_nothing_is_forged);
    RUN(long_texts_are_broken_at_512_bytes);
    return test_summary();
}
