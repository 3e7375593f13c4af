#include "verify/field_writer.h"

#include "test.h"

TEST(pieces_stand_whole_on_lines_of_78_columns)
{
    struct buf buf = buf_make(10000);
    struct field_writer writer = field_writer_make(&buf, STR("Name"));
    for (int i = 0; i < 20; i++)
        field_writer_printf(&writer, "piece%d;", i);
    field_writer_add(&writer, STR("h="));
    for (int i = 0; i < 30; i++)
        field_writer_join(&writer, STR("Subject:"));
    field_writer_add_before_text(&writer, STR("b="));
    char text[400];
    memset(text, 'A', sizeof text);
    field_writer_join_text(&writer, str_make(text, sizeof text));
    CHECK(field_writer_end(&writer) == OK);
    struct str rest = buf_str(&buf), line;
    CHECK(str_starts(rest, STR("Name: piece0; piece1;")));
    while (str_cut(rest, '\n', &line, &rest)) {
        CHECK(line.len <= 78 + 1 && str_ends(line, STR("\r")));
        CHECK(rest.len == 0 || rest.at[0] == ' ');
    }
    CHECK_INT(rest.len, 0);
    buf_free(&buf);
}

TEST(a_piece_too_long_for_a_line_has_one_of_its_own)
{
    struct buf buf = buf_make(1000);
    char text[100];
    memset(text, 'x', sizeof text);
    struct field_writer writer = field_writer_make(&buf, STR("N"));
    field_writer_add(&writer, str_make(text, sizeof text));
    field_writer_add(&writer, STR("y"));
    CHECK(field_writer_end(&writer) == OK);
    CHECK(str_starts(buf_str(&buf), STR("N:\r\n xxx")));
    CHECK(str_ends(buf_str(&buf), STR("xxx\r\n y\r\n")));
    buf_free(&buf);
}

TEST(a_buffer_that_is_full_is_told_at_the_end)
{
    struct buf buf = buf_make(10);
    struct field_writer writer = field_writer_make(&buf, STR("Name"));
    field_writer_add(&writer, STR("too long for it"));
    CHECK_INT(field_writer_end(&writer), ERR_LIMIT);
    buf_free(&buf);
}

int main(void)
{
    RUN(pieces_stand_whole_on_lines_of_78_columns);
    RUN(a_piece_too_long_for_a_line_has_one_of_its_own);
    RUN(a_buffer_that_is_full_is_told_at_the_end);
    return test_summary();
}
