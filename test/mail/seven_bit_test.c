#include "mail/seven_bit.h"
#include "test.h"

#define TOP   "From: a\r\nMIME-Version: 1.0\r\n"
#define MIXED TOP "Content-Type: multipart/mixed; boundary=b\r\n"
#define TEXT  "Content-Type: text/plain; charset=utf-8\r\n"
#define DATA  "Content-Type: image/png\r\n"
#define CTE   "Content-Transfer-Encoding: "
#define QP    CTE "quoted-printable\r\n"

static enum seven_bit_answer plan(struct seven_bit_plan *plan, struct str message, size_t piece)
{
    static struct seven_bit_planner planner;
    seven_bit_plan_begin(&planner, plan);
    for (; message.len; message = str_from(message, piece))
        seven_bit_plan_add(&planner, str_first(message, piece));
    seven_bit_plan_end(&planner);
    return plan->answer;
}

static struct str convert(struct buf *out, const struct seven_bit_plan *plan, struct str message,
                          size_t piece)
{
    static struct seven_bit_converter converter;
    seven_bit_convert_begin(&converter, plan, out);
    for (; message.len; message = str_from(message, piece))
        CHECK(seven_bit_convert(&converter, str_first(message, piece)) == OK);
    CHECK(seven_bit_convert_end(&converter) == OK);
    return buf_str(out);
}

/* ---- what comes out ---- */
static const struct {
    const char *sentence;
    const char *message;
    const char *converted;
} rows[] = {
    {"text becomes quoted-printable, in the place of its field",
     TOP TEXT CTE "8bit\r\nX: y\r\n\r\n\xc3\xbc = \r\n",
     TOP TEXT QP "X: y\r\n\r\n=C3=BC =3D=20\r\n"},
    {"what says 7bit, or nothing, too", TOP TEXT "\r\n\xc3\xbc\r\n", TOP TEXT QP "\r\n=C3=BC\r\n"},
    {"a folded field goes as a whole", TOP TEXT CTE "\r\n 8bit\r\n (a)\r\nX: y\r\n\r\n\xfc",
     TOP TEXT QP "X: y\r\n\r\n=FC"},
    {"everything else becomes base64", TOP DATA CTE "binary\r\n\r\n\xff\xfe\r\n",
     TOP DATA CTE "base64\r\n\r\n//4NCg==\r\n"},
    {"no MIME, but UTF-8", "From: a\r\n\r\n\xc3\xbc\r\n",
     "From: a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" QP
     "\r\n=C3=BC\r\n"},
    {"no MIME, and who knows what", "From: a\r\n\r\n\xfc\r\n\xc3\xbc",
     "From: a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n" QP
     "\r\n=FC\r\n=C3=BC"},
    {"no MIME-Version, but the rest", TEXT CTE "8bit\r\n\r\n\xc3\xbc\r\n",
     TEXT QP "MIME-Version: 1.0\r\n\r\n=C3=BC\r\n"},
    {"a type that is none is text and stays", TOP "Content-Type: text\r\n\r\n\xfc\r\n",
     TOP "Content-Type: text\r\n" QP "\r\n=FC\r\n"},

    {"parts: each for itself, what lies around them stays",
     MIXED CTE "8bit\r\n\r\npre\r\n--b\r\n" TEXT CTE "8bit\r\n\r\n\xc3\xbc\r\n\r\n--b \r\n" TEXT CTE
               "8bit\r\n\r\nplain = \r\n--b\r\n" DATA CTE "base64\r\n\r\n//4=\r\n--b\r\n" DATA
               "\r\n\xff\r\n--b--\r\npost",
     MIXED CTE "7bit\r\n\r\npre\r\n--b\r\n" TEXT QP "\r\n=C3=BC\r\n\r\n--b \r\n" TEXT CTE
               "8bit\r\n\r\nplain = \r\n--b\r\n" DATA CTE "base64\r\n\r\n//4=\r\n--b\r\n" DATA CTE
               "base64\r\n\r\n/w==\r\n--b--\r\npost"},
    {"a part without a header", MIXED "\r\n--b\r\n\r\n\xc3\xbc\r\n--b--",
     MIXED "\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n" QP "\r\n=C3=BC\r\n--b--"},
    {"the version is missing at the top",
     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" TEXT "\r\n\xc3\xbc\r\n--b--",
     "Content-Type: multipart/mixed; boundary=b\r\nMIME-Version: 1.0\r\n\r\n--b\r\n" TEXT QP
     "\r\n=C3=BC\r\n--b--"},
    {"the containers that say 7bit already stay",
     MIXED CTE "7BIT (of course)\r\n\r\n--b\r\n" TEXT "\r\n\xc3\xbc\r\n--b--",
     MIXED CTE "7BIT (of course)\r\n\r\n--b\r\n" TEXT QP "\r\n=C3=BC\r\n--b--"},
    {"those that hold nothing of it as well",
     MIXED CTE "8bit\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n" CTE
               "8bit\r\n\r\n--c\r\n" TEXT "\r\nx\r\n--c--\r\n--b\r\n" TEXT "\r\n\xc3\xbc\r\n--b--",
     MIXED CTE "7bit\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n" CTE
               "8bit\r\n\r\n--c\r\n" TEXT "\r\nx\r\n--c--\r\n--b\r\n" TEXT QP
               "\r\n=C3=BC\r\n--b--"},
    {"a message within is converted as one",
     MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n" CTE
           "8bit\r\n\r\nSubject: x\r\nDKIM-Signature: of old\r\n\r\n\xfc\r\n--b--",
     MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n" CTE
           "7bit\r\n\r\nSubject: x\r\nDKIM-Signature: of old\r\nMIME-Version: 1.0\r\nContent-Type: "
           "text/plain; charset=unknown-8bit\r\n" QP "\r\n=FC\r\n--b--"},
    {"a message in UTF-8 is encoded as a whole",
     MIXED CTE "8bit\r\n\r\n--b\r\nContent-Type: message/global\r\n" CTE
               "8bit\r\n\r\nSubject: \xc3\xbc\r\n\r\n\xc3\xbc\r\n--b--",
     MIXED CTE "7bit\r\n\r\n--b\r\nContent-Type: message/global\r\n" QP
               "\r\nSubject: =C3=BC\r\n\r\n=C3=BC\r\n--b--"},
    {"what is signed beside it stays",
     MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\nx "
           "\r\n--s--\r\n--b\r\n" TEXT "\r\n\xc3\xbc\r\n--b--",
     MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\nx "
           "\r\n--s--\r\n--b\r\n" TEXT QP "\r\n=C3=BC\r\n--b--"},
    {"no delimiter at the end", MIXED "\r\n--b\r\n" DATA "\r\n\xff\r\n",
     MIXED "\r\n--b\r\n" DATA CTE "base64\r\n\r\n/w0K\r\n"},
};

TEST(each_part_gets_its_encoding_however_the_message_comes)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str message = str_of(rows[i].message);
        for (size_t piece = 1; piece < 400; piece += piece < 10 ? 1 : 97) {
            struct seven_bit_plan made;
            struct buf out = buf_make(10000);
            REQUIRE(plan(&made, message, piece) == SEVEN_BIT_POSSIBLE);
            struct str got = convert(&out, &made, message, piece);
            CHECK_ROW(rows[i].sentence, str_eq(got, str_of(rows[i].converted)));
            if (piece == 1)
                CHECK_STR(got, str_of(rows[i].converted));
            buf_free(&out);
        }
    }
}

TEST(what_is_7_bit_stays_as_it_is)
{
    struct str message =
        STR(CTE "8bit\r\n" DATA "DKIM-Signature: x\r\nbroken\r\n\r\n= \r\n--b\r\n\r\nx");
    struct seven_bit_plan made;
    struct buf out = buf_make(1000);
    CHECK(plan(&made, message, 5) == SEVEN_BIT_ALREADY);
    CHECK_STR(convert(&out, &made, message, 7), message);
    buf_free(&out);
}

/* ---- what cannot be ---- */
#define SIGNED "Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\n\xfc\r\n--s--\r\n"

static const struct {
    const char *sentence;
    const char *message;
    enum seven_bit_answer answer;
} impossible[] = {
    {"DKIM", "DKIM-Signature: v=1\r\n" TOP TEXT "\r\n\xfc\r\n", SEVEN_BIT_SIGNED},
    {"ARC", TOP TEXT "arc-seal : i=1\r\n\r\n\xfc\r\n", SEVEN_BIT_SIGNED},
    {"ARC again", TOP TEXT "ARC-Message-Signature: i=1\r\n\r\n\xfc\r\n", SEVEN_BIT_SIGNED},
    {"S/MIME or PGP", TOP SIGNED, SEVEN_BIT_SEALED},
    {"the same in a part", MIXED "\r\n--b\r\n" SIGNED "\r\n--b--", SEVEN_BIT_SEALED},
    {"a CMS in binary", TOP "Content-Type: application/pkcs7-mime\r\n\r\n\xff\r\n",
     SEVEN_BIT_SEALED},
    {"UTF-8 in the header", "Subject: \xc3\xbc\r\n" TOP TEXT "\r\nx", SEVEN_BIT_UTF8_HEADER},
    {"something else in the header", "Subject: \xfc\r\n" TOP TEXT "\r\nx", SEVEN_BIT_HEADER},
    {"both", "Subject: \xc3\xbc\r\nTo: \xfc\r\n\r\nx", SEVEN_BIT_HEADER},
    {"in the name of a file",
     MIXED "\r\n--b\r\nContent-Type: image/png; name=\"\xc3\xbc\"\r\n\r\nx\r\n",
     SEVEN_BIT_UTF8_HEADER},
    {"before the first part", MIXED "\r\n\xfc\r\n--b\r\n\r\nx\r\n--b--", SEVEN_BIT_OUTSIDE},
    {"behind the last", MIXED "\r\n--b\r\n\r\nx\r\n--b--\r\n\xfc", SEVEN_BIT_OUTSIDE},
    {"without any part", MIXED "\r\n\xfc\r\n", SEVEN_BIT_OUTSIDE},
    {"in a report's fields", TOP "Content-Type: message/delivery-status\r\n\r\n\xfc\r\n",
     SEVEN_BIT_UNENCODABLE},
    {"in what says base64", TOP DATA CTE "base64\r\n\r\n\xfc\r\n", SEVEN_BIT_ENCODED},
    {"in what says quoted-printable", TOP TEXT QP "\r\n\xfc\r\n", SEVEN_BIT_ENCODED},
    {"in what nobody can decode", TOP TEXT CTE "x-zip\r\n\r\n\xfc\r\n", SEVEN_BIT_ENCODED},
    {"two types", TOP TEXT DATA "\r\n\xfc\r\n", SEVEN_BIT_UNCLEAR},
    {"a multipart without a boundary", TOP "Content-Type: multipart/mixed\r\n\r\n\xfc\r\n",
     SEVEN_BIT_UNCLEAR},
    {"a boundary that is doubtful", MIXED "\r\n--b\r\n\r\n\xfc\r\n--bc\r\n--b--",
     SEVEN_BIT_UNCLEAR},
    {"the first reason counts", MIXED "\r\n--b\r\n" SIGNED "\r\n--b\r\n\r\n\xfc\r\n--b--\r\n\xfc",
     SEVEN_BIT_SEALED},
};

TEST(what_would_be_damaged_is_not_converted)
{
    for (size_t i = 0; i < ARRAY_LEN(impossible); i++) {
        struct seven_bit_plan made;
        struct str message = str_of(impossible[i].message);
        CHECK_ROW(impossible[i].sentence, plan(&made, message, 1) == impossible[i].answer);
        CHECK_ROW(impossible[i].sentence, plan(&made, message, 1000) == impossible[i].answer);
    }
}

int main(void)
{
    RUN(each_part_gets_its_encoding_however_the_message_comes);
    RUN(what_is_7_bit_stays_as_it_is);
    RUN(what_would_be_damaged_is_not_converted);
    return test_summary();
}
