#include "smtp/content.h"
#include "test.h"

static const struct row {
    const char *sentence;
    struct str bytes;
    uint64_t bare_cr, bare_lf, nul;
    bool has_8bit;
} rows[] = {
    {"clean lines", STR("a\r\n\r\nb\r\n"), 0, 0, 0, false},
    {"nothing", STR(""), 0, 0, 0, false},
    {"a bare LF", STR("a\nb\r\n"), 0, 1, 0, false},
    {"a bare CR", STR("a\rb\r\n"), 1, 0, 0, false},
    {"CRCRLF is one bare CR", STR("\r\r\n"), 1, 0, 0, false},
    {"LFCR is one of each", STR("\n\rx"), 1, 1, 0, false},
    {"a CR at the very end", STR("a\r"), 1, 0, 0, false},
    {"NUL", STR("\0a\0\r\n"), 0, 0, 2, false},
    {"8-bit", STR("aaaaaaaaaaaaaaa\xe4"), 0, 0, 0, true},
    {"8-bit in the first byte", STR("\x80"), 0, 0, 0, true},
};

static struct smtp_content look_at(struct str bytes, size_t piece)
{
    struct smtp_content content = smtp_content_make();
    for (; bytes.len; bytes = str_from(bytes, piece))
        smtp_content_add(&content, str_first(bytes, piece));
    smtp_content_end(&content);
    return content;
}

TEST(content_is_seen_as_it_is_whatever_the_split)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t piece = 1; piece <= rows[i].bytes.len + 1; piece++) {
            struct smtp_content facts = look_at(rows[i].bytes, piece);
            CHECK_ROW(rows[i].sentence, facts.bare_cr == rows[i].bare_cr);
            CHECK_ROW(rows[i].sentence, facts.bare_lf == rows[i].bare_lf);
            CHECK_ROW(rows[i].sentence, facts.nul == rows[i].nul);
            CHECK_ROW(rows[i].sentence, facts.has_8bit == rows[i].has_8bit);
            CHECK_INT(facts.bytes, rows[i].bytes.len);
            CHECK_ROW(rows[i].sentence, smtp_content_is_clean(&facts) ==
                                            (rows[i].bare_cr + rows[i].bare_lf + rows[i].nul == 0));
        }
    }
}

TEST(a_line_is_long_above_998_bytes)
{
    char line[1003];
    memset(line, 'a', sizeof line);
    memcpy(line + 998, "\r\n", 2);
    CHECK_INT(look_at(str_make(line, 1000), 1000).long_lines, 0);
    CHECK_INT(look_at(str_make(line, 998), 7).long_lines, 0);
    memcpy(line + 998, "a\r\n", 3);
    CHECK_INT(look_at(str_make(line, 1001), 1001).long_lines, 1);
    CHECK_INT(look_at(str_make(line, 1001), 1000).long_lines, 1);
    CHECK_INT(look_at(str_make(line, 999), 3).long_lines, 1);
    line[500] = '\n';
    CHECK_INT(look_at(str_make(line, 1001), 1001).long_lines, 1);
    line[997] = '\r';
    CHECK_INT(look_at(str_make(line, 1001), 998).long_lines, 1);
}

int main(void)
{
    RUN(content_is_seen_as_it_is_whatever_the_split);
    RUN(a_line_is_long_above_998_bytes);
    return test_summary();
}
