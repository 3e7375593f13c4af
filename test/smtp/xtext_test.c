#include "smtp/xtext.h"

#include "test.h"

static const struct {
    const char *sentence;
    const char *text;
    enum err err;
    const char *bytes;
} rows[] = {
    {"plain text", "abc", OK, "abc"},
    {"nothing", "", OK, ""},
    {"encoded bytes", "a+2Bb+3Dc+20d", OK, "a+b=c d"},
    {"lower-case hex", "+2b", OK, "+"},
    {"a line end", "a+0Ab", ERR_SYNTAX, ""},
    {"a NUL", "+00", ERR_SYNTAX, ""},
    {"an 8-bit byte", "+FF", ERR_SYNTAX, ""},
    {"DEL", "+7F", ERR_SYNTAX, ""},
    {"half a code", "a+2", ERR_SYNTAX, ""},
    {"a plus alone", "+", ERR_SYNTAX, ""},
    {"no hex", "+GG", ERR_SYNTAX, ""},
    {"an equals sign", "a=b", ERR_SYNTAX, ""},
    {"a space", "a b", ERR_SYNTAX, ""},
    {"a raw 8-bit byte", "\xe4", ERR_SYNTAX, ""},
};

TEST(xtext_decodes_to_printable_text_or_not_at_all)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str bytes;
        enum err err = smtp_xtext_decode(&arena, str_of(rows[i].text), &bytes);
        CHECK_ROW(rows[i].sentence, err == rows[i].err);
        if (!err)
            CHECK_STR(bytes, str_of(rows[i].bytes));
    }
    arena_reset(&arena);
}

TEST(any_bytes_encode)
{
    struct buf buf = buf_make(64);
    CHECK(smtp_xtext_encode(&buf, STR("a+b=c \n\xff")) == OK);
    CHECK_STR(buf_str(&buf), STR("a+2Bb+3Dc+20+0A+FF"));
    buf_free(&buf);
    buf = buf_make(5);
    CHECK(smtp_xtext_encode(&buf, STR("a++")) == ERR_LIMIT);
    CHECK_INT(buf.len, 0);
    buf_free(&buf);
}

static const struct {
    const char *sentence;
    const char *text;
    bool utf8;
    enum err err;
    const char *type, *address;
    const char *printed;
} orcpts[] = {
    {"an internet address", "rfc822;a@b.c", false, OK, "rfc822", "a@b.c", "rfc822;a@b.c"},
    {"encoded", "rfc822;a+2Bb@c.d", false, OK, "rfc822", "a+b@c.d", "rfc822;a+2Bb@c.d"},
    {"another type", "x400;/S=x", false, ERR_SYNTAX, "", "", ""},
    {"another type, encoded", "x400;/S+3Dx", false, OK, "x400", "/S=x", "x400;/S+3Dx"},
    {"the form of RFC 6533", "utf-8;\\x{FC}@b.c", false, OK, "utf-8", "\\x{FC}@b.c",
     "utf-8;\\x{FC}@b.c"},
    {"UTF-8 where allowed", "utf-8;\xc3\xbc@b.c", true, OK, "utf-8", "\xc3\xbc@b.c",
     "utf-8;\xc3\xbc@b.c"},
    {"UTF-8 where not", "utf-8;\xc3\xbc@b.c", false, ERR_SYNTAX, "", "", ""},
    {"UTF-8 of the wrong type", "rfc822;\xc3\xbc@b.c", true, ERR_SYNTAX, "", "", ""},
    {"a line end", "rfc822;a+0Ab@c.d", false, ERR_SYNTAX, "", "", ""},
    {"a line end in UTF-8", "utf-8;a\nb", true, ERR_SYNTAX, "", "", ""},
    {"no type", ";a@b.c", false, ERR_SYNTAX, "", "", ""},
    {"no address", "rfc822;", false, ERR_SYNTAX, "", "", ""},
    {"no semicolon", "a@b.c", false, ERR_SYNTAX, "", "", ""},
    {"a type that is no atom", "rfc 822;a@b.c", false, ERR_SYNTAX, "", "", ""},
};

TEST(orcpt_is_a_type_and_an_address)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(orcpts); i++) {
        struct smtp_orcpt orcpt;
        enum err err = smtp_orcpt_parse(&arena, str_of(orcpts[i].text), orcpts[i].utf8, &orcpt);
        CHECK_ROW(orcpts[i].sentence, err == orcpts[i].err);
        if (err)
            continue;
        struct buf buf = buf_make(100);
        CHECK_STR(orcpt.type, str_of(orcpts[i].type));
        CHECK_STR(orcpt.address, str_of(orcpts[i].address));
        CHECK(smtp_orcpt_print(&buf, &orcpt) == OK);
        CHECK_STR(buf_str(&buf), str_of(orcpts[i].printed));
        buf_free(&buf);
    }
    arena_reset(&arena);
}

TEST(envelope_ids_have_a_limit)
{
    char text[501];
    struct arena arena = arena_make();
    struct str envid;
    struct smtp_orcpt orcpt;
    memset(text, 'a', sizeof text);
    memcpy(text, "rfc822;", 7);
    CHECK(smtp_envid_parse(&arena, str_make(text, 100), &envid) == OK);
    CHECK(smtp_envid_parse(&arena, str_make(text, 101), &envid) == ERR_LIMIT);
    CHECK(smtp_orcpt_parse(&arena, str_make(text, 500), false, &orcpt) == OK);
    CHECK(smtp_orcpt_parse(&arena, str_make(text, 501), false, &orcpt) == ERR_LIMIT);
    arena_reset(&arena);
}

TEST(an_address_in_utf8_is_written_in_ascii)
{
    struct arena arena = arena_make();
    CHECK_STR(smtp_utf8_address_encode(&arena, STR("b\xc3\xbcro+\\=\xf0\x9f\x93\xaf@x.example")),
              STR("b\\x{FC}ro\\x{2B}\\x{5C}\\x{3D}\\x{1F4EF}@x.example"));
    CHECK_STR(smtp_utf8_address_encode(&arena, STR_EMPTY), STR_EMPTY);
    arena_reset(&arena);
}

int main(void)
{
    RUN(xtext_decodes_to_printable_text_or_not_at_all);
    RUN(any_bytes_encode);
    RUN(orcpt_is_a_type_and_an_address);
    RUN(an_address_in_utf8_is_written_in_ascii);
    RUN(envelope_ids_have_a_limit);
    return test_summary();
}
