#include "base/buf.h"
#include "test.h"

TEST(an_empty_buffer_is_an_empty_string)
{
    struct buf buf = buf_make(10);
    CHECK_STR(buf_str(&buf), STR(""));
    CHECK(buf_str(&buf).at != NULL);
    buf_free(&buf);
}

TEST(the_limit_is_reached_exactly)
{
    struct buf buf = buf_make(5);
    CHECK_INT(buf_add(&buf, STR("abc")), OK);
    CHECK_INT(buf_add(&buf, STR("de")), OK);
    CHECK_INT(buf_add_char(&buf, 'f'), ERR_LIMIT);
    CHECK_STR(buf_str(&buf), STR("abcde"));
    CHECK_INT(buf_add(&buf, STR_EMPTY), OK);
    buf_free(&buf);
}

TEST(what_does_not_fit_adds_nothing)
{
    struct buf buf = buf_make(5);
    CHECK_INT(buf_add(&buf, STR("abc")), OK);
    CHECK_INT(buf_add(&buf, STR("defg")), ERR_LIMIT);
    CHECK_INT(buf_printf(&buf, "%s", "defg"), ERR_LIMIT);
    CHECK_INT(buf_reserve(&buf, SIZE_MAX), ERR_LIMIT);
    CHECK_STR(buf_str(&buf), STR("abc"));
    buf_free(&buf);
}

TEST(cutting_keeps_the_front)
{
    struct buf buf = buf_make(5);
    buf_add_cut(&buf, STR("abc"));
    buf_add_cut(&buf, STR("defg"));
    buf_add_cut(&buf, STR("h"));
    CHECK_STR(buf_str(&buf), STR("abcde"));
    buf_free(&buf);
}

TEST(printed_text_may_fill_the_buffer_to_the_last_byte)
{
    struct buf buf = buf_make(1000);
    CHECK_INT(buf_printf(&buf, "%1000d", 1), OK);
    CHECK_INT(buf.len, 1000);
    CHECK(buf.at[999] == '1');
    buf_free(&buf);
}

TEST(dropping_moves_the_rest_to_the_front)
{
    struct buf buf = buf_make(100);
    CHECK_INT(buf_add(&buf, STR("abcdef")), OK);
    buf_drop(&buf, 2);
    CHECK_STR(buf_str(&buf), STR("cdef"));
    buf_drop(&buf, 4);
    CHECK_STR(buf_str(&buf), STR(""));
    buf_free(&buf);
}

TEST(a_freed_buffer_keeps_its_limit)
{
    struct buf buf = buf_make(3);
    CHECK_INT(buf_add(&buf, STR("abc")), OK);
    buf_free(&buf);
    CHECK_INT(buf_add(&buf, STR("abcd")), ERR_LIMIT);
    CHECK_INT(buf_add(&buf, STR("xyz")), OK);
    buf_free(&buf);
}

TEST(reserved_room_can_be_written_to)
{
    struct buf buf = buf_make(10000);
    for (int i = 0; i < 100; i++) {
        REQUIRE(buf_reserve(&buf, 100) == OK);
        memset(buf.at + buf.len, 'a' + i % 26, 100);
        buf.len += 100;
    }
    CHECK_INT(buf.len, 10000);
    CHECK(buf.at[0] == 'a' && buf.at[9999] == 'a' + 99 % 26);
    buf_free(&buf);
}

int main(void)
{
    RUN(an_empty_buffer_is_an_empty_string);
    RUN(the_limit_is_reached_exactly);
    RUN(what_does_not_fit_adds_nothing);
    RUN(cutting_keeps_the_front);
    RUN(printed_text_may_fill_the_buffer_to_the_last_byte);
    RUN(dropping_moves_the_rest_to_the_front);
    RUN(a_freed_buffer_keeps_its_limit);
    RUN(reserved_room_can_be_written_to);
    return test_summary();
}
