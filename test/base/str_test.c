#include "test.h"

TEST(case_is_folded_for_ascii_only)
{
    CHECK(str_eq_nocase(STR("MAIL from"), STR("mail FROM")));
    CHECK(!str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
    CHECK(!str_eq_nocase(STR("@[`{"), STR("`{@[")));
    CHECK(!str_eq_nocase(STR("a"), STR("ab")));
}

TEST(order_is_by_bytes_and_shorter_first)
{
    CHECK(str_cmp(STR("a"), STR("b")) < 0);
    CHECK(str_cmp(STR("b"), STR("a")) > 0);
    CHECK(str_cmp(STR("a"), STR("ab")) < 0);
    CHECK(str_cmp(STR(""), STR("")) == 0);
    CHECK(str_cmp(STR("z"), STR("\xff")) < 0);
}

TEST(starts_and_ends)
{
    CHECK(str_starts(STR("example"), STR("ex")) && !str_starts(STR("e"), STR("ex")));
    CHECK(str_ends(STR("example"), STR("ple")) && !str_ends(STR("le"), STR("ple")));
    CHECK(str_starts_nocase(STR("EXample"), STR("exA")));
    CHECK(str_ends_nocase(STR("exampLE"), STR("PLE")));
    CHECK(str_starts(STR(""), STR("")) && str_ends(STR("a"), STR("")));
}

TEST(finding)
{
    CHECK_INT(str_find(STR("a.b.c"), '.'), 1);
    CHECK_INT(str_find_last(STR("a.b.c"), '.'), 3);
    CHECK(str_find(STR(""), '.') == SIZE_MAX);
    CHECK(str_find_last(STR("abc"), '.') == SIZE_MAX);
    CHECK_INT(str_search(STR("abcabd"), STR("abd")), 3);
    CHECK_INT(str_search(STR("abc"), STR("")), 0);
    CHECK(str_search(STR("ab"), STR("abc")) == SIZE_MAX);
}

TEST(slices_are_clamped)
{
    CHECK_STR(str_from(STR("abc"), 1), STR("bc"));
    CHECK_STR(str_from(STR("abc"), 9), STR(""));
    CHECK_STR(str_first(STR("abc"), 2), STR("ab"));
    CHECK_STR(str_first(STR("abc"), SIZE_MAX), STR("abc"));
}

TEST(cutting_at_the_first_separator)
{
    struct str head = STR("x");
    struct str tail = STR("y");
    CHECK(str_cut(STR("key=a=b"), '=', &head, &tail));
    CHECK_STR(head, STR("key"));
    CHECK_STR(tail, STR("a=b"));
    CHECK(!str_cut(STR("none"), '=', &head, &tail));
    CHECK_STR(head, STR("key"));
    CHECK(str_cut(STR("="), '=', &head, &tail));
    CHECK(head.len == 0 && tail.len == 0);
}

TEST(trimming)
{
    CHECK_STR(str_trim(STR(" \t a b \r\n")), STR("a b"));
    CHECK_STR(str_trim(STR("  ")), STR(""));
    CHECK_STR(str_trim(STR("\v")), STR("\v"));
}

static const struct {
    const char *row;
    struct str text;
    uint64_t max;
    bool ok;
    uint64_t value;
} numbers[] = {
    {"zero", STR("0"), 10, true, 0},
    {"leading zeros are digits", STR("007"), 10, true, 7},
    {"the maximum itself", STR("255"), 255, true, 255},
    {"one above the maximum", STR("256"), 255, false, 0},
    {"the largest number", STR("18446744073709551615"), UINT64_MAX, true, UINT64_MAX},
    {"one above the largest", STR("18446744073709551616"), UINT64_MAX, false, 0},
    {"twenty digits that wrap around", STR("99999999999999999999"), UINT64_MAX, false, 0},
    {"nothing", STR(""), 10, false, 0},
    {"a sign", STR("+1"), 10, false, 0},
    {"a minus", STR("-1"), UINT64_MAX, false, 0},
    {"a blank", STR(" 1"), 10, false, 0},
    {"a letter at the end", STR("1k"), 10, false, 0},
    {"a NUL at the end", STR("1\0"), 10, false, 0},
    {"nothing fits below 0 but 0", STR("1"), 0, false, 0},
};

TEST(numbers_are_whole_and_bounded)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uint64_t value = 4711;
        bool ok = str_to_u64(numbers[i].text, numbers[i].max, &value);
        CHECK_ROW(numbers[i].row, ok == numbers[i].ok);
        CHECK_ROW(numbers[i].row, value == (ok ? numbers[i].value : 4711));
    }
}

static const struct {
    const char *row;
    struct str bytes;
    bool ok;
} utf8[] = {
    {"nothing", STR(""), true},
    {"ASCII with NUL", STR("a\0b"), true},
    {"smallest of two bytes", STR("\xc2\x80"), true},
    {"largest of two bytes", STR("\xdf\xbf"), true},
    {"smallest of three bytes", STR("\xe0\xa0\x80"), true},
    {"before the surrogates", STR("\xed\x9f\xbf"), true},
    {"behind the surrogates", STR("\xee\x80\x80"), true},
    {"smallest of four bytes", STR("\xf0\x90\x80\x80"), true},
    {"U+10FFFF", STR("\xf4\x8f\xbf\xbf"), true},
    {"a continuation alone", STR("\x80"), false},
    {"overlong slash in two bytes", STR("\xc0\xaf"), false},
    {"overlong U+007F", STR("\xc1\xbf"), false},
    {"overlong in three bytes", STR("\xe0\x9f\xbf"), false},
    {"overlong in four bytes", STR("\xf0\x8f\xbf\xbf"), false},
    {"a surrogate", STR("\xed\xa0\x80"), false},
    {"the last surrogate", STR("\xed\xbf\xbf"), false},
    {"beyond U+10FFFF", STR("\xf4\x90\x80\x80"), false},
    {"a lead byte that cannot be", STR("\xf5\x80\x80\x80"), false},
    {"FE and FF", STR("\xfe\xff"), false},
    {"cut within a sequence", STR("a\xe2\x82"), false},
    {"a letter inside a sequence", STR("\xe2\x82g"), false},
};

TEST(utf8_is_well_formed_or_not)
{
    for (size_t i = 0; i < ARRAY_LEN(utf8); i++)
        CHECK_ROW(utf8[i].row, str_is_utf8(utf8[i].bytes) == utf8[i].ok);
}

TEST(hashes_depend_on_every_byte_and_the_length)
{
    char bytes[40] = {0};
    for (size_t len = 0; len < sizeof bytes; len++) {
        uint64_t hash = str_hash(str_make(bytes, len));
        CHECK(hash == str_hash(str_make(bytes, len)));
        CHECK(hash != str_hash(str_make(bytes, len + 1)));
        for (size_t at = 0; at < len; at++) {
            bytes[at] = 1;
            CHECK(hash != str_hash(str_make(bytes, len)));
            bytes[at] = 0;
        }
    }
}

int main(void)
{
    RUN(case_is_folded_for_ascii_only);
    RUN(order_is_by_bytes_and_shorter_first);
    RUN(starts_and_ends);
    RUN(finding);
    RUN(slices_are_clamped);
    RUN(cutting_at_the_first_separator);
    RUN(trimming);
    RUN(numbers_are_whole_and_bounded);
    RUN(utf8_is_well_formed_or_not);
    RUN(hashes_depend_on_every_byte_and_the_length);
    return test_summary();
}
