#include "mail/mime.h"
#include "test.h"

static const char *const kind_names[] = {
    [MIME_TEXT] = "text",       [MIME_DATA] = "data",     [MIME_MULTIPART] = "multipart",
    [MIME_MESSAGE] = "message", [MIME_SEALED] = "sealed", [MIME_UNENCODABLE] = "unencodable",
    [MIME_UNKNOWN] = "unknown",
};

static const struct {
    const char *sentence;
    const char *value;
    const char *kind;
    const char *boundary;
} types[] = {
    {"text of any kind", "text/html; charset=utf-8", "text", ""},
    {"names in any case, blanks, folds and comments", " (a (b) \\)) TEXT\r\n / (c) Plain;", "text",
     ""},
    {"everything else is data", "image/png", "data", ""},
    {"also what nobody knows", "x-world/x-vrml; a=b", "data", ""},
    {"subtypes have dots and plus signs", "application/vnd.ms-excel+xml", "data", ""},

    {"a boundary in quotes", "multipart/mixed; boundary=\"a b\"", "multipart", "a b"},
    {"a boundary without", "multipart/mixed; boundary=ab", "multipart", "ab"},
    {"without quotes that it needs", "multipart/mixed; boundary=--=_(1)/?:x; a=b", "multipart",
     "--=_(1)/?:x"},
    {"with escapes and a fold", "multipart/mixed;\r\n\tboundary=\"a\\\"\\b\r\n c\"", "multipart",
     "a\"b c"},
    {"behind other parameters",
     "multipart/related; type=\"text/html; x\"; a=b ; BOUNDARY = ab (c) ;", "multipart", "ab"},
    {"no boundary", "multipart/mixed", "unknown", ""},
    {"an empty boundary", "multipart/mixed; boundary=\"\"", "unknown", ""},
    {"two boundaries", "multipart/mixed; boundary=a; boundary=b", "unknown", ""},
    {"a boundary in pieces", "multipart/mixed; boundary*0=a; boundary*1=b", "unknown", ""},
    {"a boundary in pieces beside one", "multipart/mixed; boundary=a; boundary*0=b", "unknown", ""},
    {"a boundary that ends in a blank", "multipart/mixed; boundary=\"a \"", "unknown", ""},
    {"a boundary that does not end", "multipart/mixed; boundary=\"a", "unknown", ""},
    {"a boundary with 8-bit in it", "multipart/mixed; boundary=\"\xc3\xbc\"", "unknown", ""},
    {"something strange behind the boundary", "multipart/mixed; boundary=a b", "unknown", ""},
    {"a comment that does not end", "multipart/mixed; boundary=a (b", "unknown", ""},

    {"a message", "message/rfc822", "message", ""},
    {"messages in pieces stay as they are", "message/partial; id=x", "unencodable", ""},
    {"reports as well", "message/delivery-status", "unencodable", ""},
    {"messages in UTF-8 may be encoded", "message/global", "text", ""},
    {"and what reports about them", "message/global-delivery-status", "text", ""},
    {"signed", "multipart/signed; boundary=a; protocol=x", "sealed", ""},
    {"encrypted", "multipart/encrypted; boundary=a", "sealed", ""},
    {"S/MIME", "application/pkcs7-mime; smime-type=signed-data", "sealed", ""},
    {"PGP", "application/pgp-signature", "sealed", ""},

    {"what is no type is text", "text", "text", ""},
    {"whatever it is", "multipart", "text", ""},
    {"nothing is text", "", "text", ""},
    {"no subtype is text", "multipart/; boundary=a", "text", ""},
};

TEST(a_content_type_says_what_a_part_is)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct mime_type type = mime_type_parse(str_of(types[i].value));
        CHECK_ROW(types[i].sentence, strcmp(kind_names[type.kind], types[i].kind) == 0);
        if (type.kind == MIME_MULTIPART)
            CHECK_ROW(types[i].sentence, str_eq(str_make(type.boundary.at, type.boundary.len),
                                                str_of(types[i].boundary)));
    }
}

TEST(a_digest_is_known)
{
    CHECK(mime_type_parse(STR("multipart/Digest; boundary=a")).is_digest);
    CHECK(!mime_type_parse(STR("multipart/mixed; boundary=a")).is_digest);
}

TEST(a_boundary_has_a_limit)
{
    char value[300] = "multipart/mixed; boundary=";
    size_t len = strlen(value);
    memset(value + len, 'x', MIME_BOUNDARY_MAX_BYTES + 1);
    CHECK(mime_type_parse(str_make(value, len + MIME_BOUNDARY_MAX_BYTES)).kind == MIME_MULTIPART);
    CHECK(mime_type_parse(str_make(value, len + MIME_BOUNDARY_MAX_BYTES + 1)).kind == MIME_UNKNOWN);
}

static const struct {
    const char *sentence;
    const char *value;
    enum mime_encoding encoding;
} encodings[] = {
    {"as it is", " 7bit", MIME_7BIT},
    {"with 8-bit bytes", "8Bit\r\n", MIME_8BIT},
    {"anything", "BINARY", MIME_BINARY},
    {"quoted-printable, with a comment and a fold", " (q)\r\n Quoted-Printable (p) ",
     MIME_QUOTED_PRINTABLE},
    {"base64", "base64", MIME_BASE64},
    {"one that nobody knows", "x-uuencode", MIME_OTHER_ENCODING},
    {"two words", "8bit 8bit", MIME_OTHER_ENCODING},
    {"none", "", MIME_OTHER_ENCODING},
};

TEST(an_encoding_is_one_word)
{
    for (size_t i = 0; i < ARRAY_LEN(encodings); i++)
        CHECK_ROW(encodings[i].sentence,
                  mime_encoding_parse(str_of(encodings[i].value)) == encodings[i].encoding);
}

int main(void)
{
    RUN(a_content_type_says_what_a_part_is);
    RUN(a_digest_is_known);
    RUN(a_boundary_has_a_limit);
    RUN(an_encoding_is_one_word);
    return test_summary();
}
