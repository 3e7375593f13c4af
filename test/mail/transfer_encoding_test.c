#include "mail/transfer_encoding.h"
#include "test.h"

#define TEN(x) x x x x x x x x x x

static const struct {
    const char *sentence;
    enum transfer_encoding encoding;
    const char *bytes;
    const char *text;
} rows[] = {
    {"nothing", TRANSFER_QUOTED_PRINTABLE, "", ""},
    {"plain text stays", TRANSFER_QUOTED_PRINTABLE, "a, b!\r\n\r\n.\r\n", "a, b!\r\n\r\n.\r\n"},
    {"the last line may have no end", TRANSFER_QUOTED_PRINTABLE, "a\r\nb", "a\r\nb"},
    {"8-bit, controls and the sign itself are quoted", TRANSFER_QUOTED_PRINTABLE, "\xfc\x7f=\x01",
     "=FC=7F=3D=01"},
    {"blanks are kept, at the end of a line by quoting", TRANSFER_QUOTED_PRINTABLE,
     "a \t b \t\r\n \r\nc ", "a \t b =09\r\n=20\r\nc=20"},
    {"a CR or LF that ends no line is quoted", TRANSFER_QUOTED_PRINTABLE, "a\rb\n\r\r\n \r",
     "a=0Db=0A=0D\r\n =0D"},
    {"a line of 75 bytes is not broken", TRANSFER_QUOTED_PRINTABLE, TEN("1234567") "12345\r\n",
     TEN("1234567") "12345\r\n"},
    {"a longer one is", TRANSFER_QUOTED_PRINTABLE, TEN("1234567") "123456\r\n",
     TEN("1234567") "12345=\r\n6\r\n"},
    {"not within a quoted byte", TRANSFER_QUOTED_PRINTABLE, TEN("1234567") "123\xfc\r\n",
     TEN("1234567") "123=\r\n=FC\r\n"},
    {"a blank before a break is safe", TRANSFER_QUOTED_PRINTABLE, TEN("1234567") "1234 6\r\n",
     TEN("1234567") "1234 =\r\n6\r\n"},
    {"behind a break there is no delimiter", TRANSFER_QUOTED_PRINTABLE,
     TEN("1234567") "12345--boundary\r\n--\r\n", TEN("1234567") "12345=\r\n=2D-boundary\r\n--\r\n"},

    {"nothing", TRANSFER_BASE64, "", ""},
    {"one byte", TRANSFER_BASE64, "\xff", "/w=="},
    {"two", TRANSFER_BASE64, "\xff\xff", "//8="},
    {"a line", TRANSFER_BASE64, TEN("abc") TEN("ab") "abcdefg",
     TEN("YWJj") "YWJhYmFiYWJhYmFiYWJhYmFiYWJhYmNkZWZn"},
    {"a full line has no end", TRANSFER_BASE64, TEN("abc") TEN("def"),
     TEN("YWJj") "ZGVmZGVmZGVmZGVmZGVmZGVmZGVmZGVmZGVm\r\nZGVm"},
};

static struct str encode(struct buf *out, enum transfer_encoding encoding, struct str bytes,
                         size_t piece)
{
    struct transfer_encoder encoder = transfer_encoder_make(encoding, out);
    for (; bytes.len; bytes = str_from(bytes, piece))
        CHECK(transfer_encode(&encoder, str_first(bytes, piece)) == OK);
    CHECK(transfer_encode_end(&encoder) == OK);
    return buf_str(out);
}

TEST(bytes_become_text_however_they_come)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t piece = 1; piece < 100; piece++) {
            struct buf out = buf_make(1000);
            struct str text = encode(&out, rows[i].encoding, str_of(rows[i].bytes), piece);
            CHECK_ROW(rows[i].sentence, str_eq(text, str_of(rows[i].text)));
            buf_free(&out);
        }
    }
}

TEST(a_buffer_that_is_full_is_told)
{
    for (int encoding = 0; encoding <= TRANSFER_BASE64; encoding++) {
        struct buf out = buf_make(10);
        struct transfer_encoder encoder =
            transfer_encoder_make((enum transfer_encoding)encoding, &out);
        char bytes[200];
        memset(bytes, 'x', sizeof bytes);
        CHECK(transfer_encode(&encoder, str_make(bytes, sizeof bytes)) == ERR_LIMIT);
        CHECK(transfer_encode_end(&encoder) == ERR_LIMIT);
        buf_free(&out);
    }
}

int main(void)
{
    RUN(bytes_become_text_however_they_come);
    RUN(a_buffer_that_is_full_is_told);
    return test_summary();
}
