#include "mail/utf8.h"
#include "test.h"

/* Every sequence of up to four bytes from those at which the rules change, and what follows them.
 */
static const unsigned char edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                      0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                      0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};

static bool is_utf8_in_pieces(struct str bytes)
{
    struct mail_utf8 utf8 = mail_utf8_make();
    for (size_t i = 0; i < bytes.len; i++)
        mail_utf8_add(&utf8, str_first(str_from(bytes, i), 1));
    return mail_utf8_holds(&utf8);
}

static bool is_utf8_at_once(struct str bytes)
{
    struct mail_utf8 utf8 = mail_utf8_make();
    mail_utf8_add(&utf8, bytes);
    return mail_utf8_holds(&utf8);
}

TEST(it_is_what_is_utf8_as_a_whole)
{
    size_t n = ARRAY_LEN(edges), differences = 0;
    for (size_t i = 0; i < n * n * n * n; i++) {
        char bytes[] = {(char)edges[i % n], (char)edges[i / n % n], (char)edges[i / n / n % n],
                        (char)edges[i / n / n / n]};
        for (size_t len = 0; len <= sizeof bytes; len++) {
            struct str s = str_make(bytes, len);
            differences += is_utf8_in_pieces(s) != str_is_utf8(s);
            differences += is_utf8_at_once(s) != str_is_utf8(s);
        }
    }
    CHECK_INT(differences, 0);
}

int main(void)
{
    RUN(it_is_what_is_utf8_as_a_whole);
    return test_summary();
}
