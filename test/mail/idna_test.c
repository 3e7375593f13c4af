#include "mail/idna.h"
#include "test.h"

#define UE "\xc3\xbc"

TEST(a_domain_has_one_form_in_ascii)
{
    static const struct {
        const char *about, *domain, *ascii; /* NULL: it has none */
    } rows[] = {
        {"ASCII in lower case", "A.Example", "a.example"},
        {"one label", "localhost", "localhost"},
        {"a literal", "[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"},
        {"U-labels", "b" UE "cher.example", "xn--bcher-kva.example"},
        {"in upper case",
         "B\xc3\x9c"
         "CHER.Example",
         "xn--bcher-kva.example"},
        {"decomposed",
         "bu\xcc\x88"
         "cher.example",
         "xn--bcher-kva.example"},
        {"A-labels", "XN--Bcher-KVA.example", "xn--bcher-kva.example"},
        {"A-labels beside U-labels", "xn--bcher-kva.b" UE "cher", "xn--bcher-kva.xn--bcher-kva"},
        {"sharp s is itself, not two letters", "fa\xc3\x9f.example", "xn--fa-hia.example"},
        {"full width is the same", "\xef\xbd\x81.example", "a.example"},
        {"underscores pass", "_dmarc.b" UE ".example", "_dmarc.xn--b-eha.example"},
        {"what IDNA does not know", "\xcd\x8f\xe2\x98\x83.example", NULL},
        {"a combining mark in front",
         "\xcc\x88"
         "a.example",
         NULL},
        {"right to left mixed up",
         "\xd7\x90"
         "a.example",
         NULL},
        {"not UTF-8", "a\xff.example", NULL},
        {"a label that is too long as ASCII",
         UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE
             UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE
                 UE UE UE UE UE UE UE UE UE UE UE ".example",
         NULL},
    };
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str ascii = STR_EMPTY;
        enum err err = mail_domain_to_ascii(&arena, str_of(rows[i].domain), &ascii);
        CHECK_ROW(rows[i].about, err == (rows[i].ascii ? OK : ERR_SYNTAX));
        CHECK_STR(ascii, rows[i].ascii ? str_of(rows[i].ascii) : STR_EMPTY);
    }
    arena_reset(&arena);
}

TEST(an_address_changes_only_where_it_is_not_ascii)
{
    static const struct {
        const char *written, *with_a_labels;
    } rows[] = {
        {"Joe@Example.ORG", "Joe@Example.ORG"},
        {"j" UE "@B" UE "cher.example", "j" UE "@xn--bcher-kva.example"},
        {"a@[192.0.2.1]", "a@[192.0.2.1]"},
    };
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mail_address address;
        REQUIRE(mail_address_parse(&arena, str_of(rows[i].written), MAIL_ADDRESS_UTF8, &address) ==
                OK);
        address = mail_address_with_a_labels(&arena, &address);
        CHECK_STR(mail_address_text(&arena, &address), str_of(rows[i].with_a_labels));
    }
    arena_reset(&arena);
}

int main(void)
{
    RUN(a_domain_has_one_form_in_ascii);
    RUN(an_address_changes_only_where_it_is_not_ascii);
    return test_summary();
}
