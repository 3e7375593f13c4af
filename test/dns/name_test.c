#include "dns/name.h"

#include "test.h"

static const struct {
    const char *row;
    const char *text;
    const char *printed; /* NULL: ERR_SYNTAX */
} texts[] = {
    {"an ordinary name", "mx.example.org", "mx.example.org"},
    {"one label", "localhost", "localhost"},
    {"the root", "", ""},
    {"case is kept", "MX.Example.ORG", "MX.Example.ORG"},
    {"underscores and stars are ordinary", "_dmarc.*.example", "_dmarc.*.example"},
    {"an escaped dot", "a\\.b.example", "a\\.b.example"},
    {"an escaped backslash", "a\\\\b", "a\\\\b"},
    {"a dot in decimal", "a\\046b", "a\\.b"},
    {"a letter escaped for nothing", "\\a\\098c", "abc"},
    {"NUL and controls", "a\\000\\010\\127b", "a\\000\\010\\127b"},
    {"a blank", "a b", "a\\032b"},
    {"8-bit bytes",
     "b\xc3\xbc"
     "cher",
     "b\\195\\188cher"},
    {"parentheses", "(ip).example", "(ip).example"},
    {"63 bytes in a label", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b"},
    {"64 bytes in a label", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
     NULL},
    {"a trailing dot", "example.org.", NULL},
    {"a leading dot", ".example.org", NULL},
    {"a lone dot", ".", NULL},
    {"two dots", "example..org", NULL},
    {"a trailing backslash", "example\\", NULL},
    {"a short decimal", "example\\04", NULL},
    {"a decimal that is none", "example\\04x", NULL},
    {"a decimal too high", "example\\256", NULL},
};

TEST(names_are_read_from_text_and_printed)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct dns_name name;
        enum err err = dns_name_from_text(str_of(texts[i].text), &name);
        CHECK_ROW(texts[i].row, (err == OK) == (texts[i].printed != NULL));
        if (err || !texts[i].printed)
            continue;
        CHECK_ROW(texts[i].row, str_eq(dns_name_print(&arena, &name), str_of(texts[i].printed)));
        struct dns_name again;
        REQUIRE(dns_name_from_text(str_of(texts[i].printed), &again) == OK);
        CHECK_ROW(texts[i].row, str_eq(dns_name_wire(&name), dns_name_wire(&again)));
    }
    arena_reset(&arena);
}

static enum err from_labels(size_t len, struct dns_name *out_name)
{
    char text[300];
    for (size_t i = 0; i < len; i++)
        text[i] = i % 2 ? '.' : 'a';
    return dns_name_from_text(str_make(text, len), out_name);
}

TEST(a_name_holds_255_bytes_and_no_more)
{
    struct dns_name name;
    CHECK_INT(from_labels(253, &name), OK);
    CHECK_INT(name.len, 255);
    CHECK_INT(from_labels(255, &name), ERR_SYNTAX);
    CHECK_INT(from_labels(254, &name), ERR_SYNTAX);
}

TEST(names_are_equal_whatever_their_case)
{
    struct dns_name one, other, third;
    REQUIRE(dns_name_from_text(STR("MX.example.ORG"), &one) == OK);
    REQUIRE(dns_name_from_text(STR("mx.EXAMPLE.org"), &other) == OK);
    REQUIRE(dns_name_from_text(STR("mx.example.or"), &third) == OK);
    CHECK(dns_name_eq(&one, &other));
    CHECK(!dns_name_eq(&one, &third));
}

static const struct {
    const char *row;
    struct str message;
    size_t at;
    bool may_point;
    const char *name; /* NULL: ERR_SYNTAX */
    size_t next;
} wires[] = {
    {"a whole name", STR("\1a\1b\0"), 0, false, "a.b", 5},
    {"the root", STR("\0"), 0, false, "", 1},
    {"a pointer back", STR("\1a\0\1b\xc0\0"), 3, true, "b.a", 7},
    {"a pointer to a pointer", STR("\1a\0\xc0\0\xc0\3"), 5, true, "a", 7},
    {"a pointer where none may be", STR("\1a\0\1b\xc0\0"), 3, false, NULL, 0},
    {"a pointer to itself", STR("\xc0\0"), 0, true, NULL, 0},
    {"a pointer to its own name", STR("\1a\xc0\0"), 0, true, NULL, 0},
    {"a pointer forward", STR("\xc0\2\1a\0"), 0, true, NULL, 0},
    {"pointers in a circle", STR("\xc0\2\xc0\0"), 2, true, NULL, 0},
    {"a pointer cut off", STR("\1a\xc0"), 0, true, NULL, 0},
    {"a label cut off", STR("\5abc"), 0, true, NULL, 0},
    {"no end", STR("\1a"), 0, true, NULL, 0},
    {"reserved label bits", STR("\x40\0"), 0, true, NULL, 0},
    {"nothing", STR(""), 0, true, NULL, 0},
    {"behind the end", STR("\0"), 1, true, NULL, 0},
};

TEST(names_are_read_from_messages)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(wires); i++) {
        struct dns_name name;
        size_t next = 0;
        enum err err =
            dns_name_read(wires[i].message, wires[i].at, wires[i].may_point, &name, &next);
        CHECK_ROW(wires[i].row, (err == OK) == (wires[i].name != NULL));
        if (err || !wires[i].name)
            continue;
        CHECK_ROW(wires[i].row, str_eq(dns_name_print(&arena, &name), str_of(wires[i].name)));
        CHECK_ROW(wires[i].row, next == wires[i].next);
    }
    arena_reset(&arena);
}

int main(void)
{
    RUN(names_are_read_from_text_and_printed);
    RUN(a_name_holds_255_bytes_and_no_more);
    RUN(names_are_equal_whatever_their_case);
    RUN(names_are_read_from_messages);
    return test_summary();
}
