#include "base/encode.h"
#include "base/random.h"
#include "test.h"

/* RFC 4648 section 10, and all values of the last groups. */
static const struct {
    const char *row;
    struct str bytes;
    struct str base64;
    struct str hex;
} examples[] = {
    {"nothing", STR(""), STR(""), STR("")},
    {"one byte", STR("f"), STR("Zg=="), STR("66")},
    {"two bytes", STR("fo"), STR("Zm8="), STR("666f")},
    {"three bytes", STR("foo"), STR("Zm9v"), STR("666f6f")},
    {"four bytes", STR("foob"), STR("Zm9vYg=="), STR("666f6f62")},
    {"five bytes", STR("fooba"), STR("Zm9vYmE="), STR("666f6f6261")},
    {"six bytes", STR("foobar"), STR("Zm9vYmFy"), STR("666f6f626172")},
    {"NULs", STR("\0\0\0\0"), STR("AAAAAA=="), STR("00000000")},
    {"all bits", STR("\xff\xff\xff"), STR("////"), STR("ffffff")},
    {"both signs", STR("\xfb\xef\xbe\xff"), STR("++++/w=="), STR("fbefbeff")},
};

TEST(examples_encode_and_decode)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        struct str bytes = STR("untouched");
        CHECK_STR(base64_encode(&arena, examples[i].bytes), examples[i].base64);
        CHECK_ROW(examples[i].row, base64_decode(&arena, examples[i].base64, &bytes) == OK);
        CHECK_STR(bytes, examples[i].bytes);
        CHECK_STR(hex_encode(&arena, examples[i].bytes), examples[i].hex);
        CHECK_ROW(examples[i].row, hex_decode(&arena, examples[i].hex, &bytes) == OK);
        CHECK_STR(bytes, examples[i].bytes);
    }
    arena_reset(&arena);
}

static const struct {
    const char *row;
    struct str text;
} not_base64[] = {
    {"one character", STR("Z")},
    {"padding is missing", STR("Zg")},
    {"half of the padding is missing", STR("Zg=")},
    {"only padding", STR("====")},
    {"three signs of padding", STR("Z===")},
    {"padding alone in the last group", STR("Zm9v====")},
    {"padding in the middle", STR("Zg==Zg==")},
    {"padding before a character", STR("Zg=a")},
    {"stray bits behind one byte", STR("Zh==")},
    {"stray bits behind two bytes", STR("Zm9=")},
    {"a blank", STR("Zm 9v===")},
    {"a blank at the end", STR("Zg== ")},
    {"a line end inside", STR("Zm9\n")},
    {"CRLF at the end", STR("Zm9v\r\n")},
    {"the URL alphabet", STR("-_-_")},
    {"a NUL", STR("Zm9\0")},
    {"an 8-bit byte", STR("Zm9\xe4")},
    {"the sign that cancels AUTH", STR("*")},
};

TEST(what_is_not_canonical_base64_is_refused)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(not_base64); i++) {
        struct str bytes = STR("untouched");
        CHECK_ROW(not_base64[i].row,
                  base64_decode(&arena, not_base64[i].text, &bytes) == ERR_SYNTAX);
        CHECK_STR(bytes, STR("untouched"));
    }
    arena_reset(&arena);
}

TEST(what_is_not_hexadecimal_is_refused)
{
    struct arena arena = arena_make();
    struct str bytes = STR("untouched");
    const struct str wrong[] = {STR("0"), STR("0g"), STR(" 00"), STR("0x00"), STR("@@"), STR("``")};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        CHECK_INT(hex_decode(&arena, wrong[i], &bytes), ERR_SYNTAX);
    CHECK_STR(bytes, STR("untouched"));
    CHECK_INT(hex_decode(&arena, STR("aAfF"), &bytes), OK);
    CHECK_STR(bytes, STR("\xaa\xff"));
    arena_reset(&arena);
}

TEST(random_bytes_survive_the_way_there_and_back)
{
    struct arena arena = arena_make();
    struct random random = random_seeded(2);
    char bytes[64];
    for (size_t len = 0; len <= sizeof bytes; len++) {
        struct str back = STR_EMPTY;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)random_u64(&random);
        struct str text = base64_encode(&arena, str_make(bytes, len));
        CHECK_INT(text.len, base64_encoded_len(len));
        CHECK(base64_decode(&arena, text, &back) == OK && str_eq(back, str_make(bytes, len)));
        text = hex_encode(&arena, str_make(bytes, len));
        CHECK(hex_decode(&arena, text, &back) == OK && str_eq(back, str_make(bytes, len)));
    }
    arena_reset(&arena);
}

int main(void)
{
    RUN(examples_encode_and_decode);
    RUN(what_is_not_canonical_base64_is_refused);
    RUN(what_is_not_hexadecimal_is_refused);
    RUN(random_bytes_survive_the_way_there_and_back);
    return test_summary();
}
