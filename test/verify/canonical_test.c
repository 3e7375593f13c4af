#include "verify/canonical.h"

#include "base/buf.h"
#include "test.h"

static void put(void *context, struct str bytes)
{
    enum err err = buf_add(context, bytes);
    assert(err == OK);
}

static struct buf field_of(enum canonicalization kind, struct str raw)
{
    struct buf out = buf_make(100000);
    struct canonical_sink sink;
    canonical_sink_init(&sink, put, &out);
    canonical_field(kind, raw, &sink);
    canonical_sink_flush(&sink);
    return out;
}

/* In pieces of that many bytes. */
static struct buf body_of(enum canonicalization kind, struct str bytes, size_t piece)
{
    struct buf out = buf_make(1000000);
    struct canonical_sink sink;
    struct canonical_body body = canonical_body_make(kind);
    canonical_sink_init(&sink, put, &out);
    for (; bytes.len; bytes = str_from(bytes, min_size(piece, bytes.len)))
        canonical_body_add(&body, str_first(bytes, piece), &sink);
    canonical_body_end(&body, &sink);
    return out;
}

static const struct field_row {
    const char *sentence;
    const char *raw;
    const char *relaxed;
} field_rows[] = {
    {"the name becomes lower-case, the value does not", "SUBJect: AbC\r\n", "subject:AbC\r\n"},
    {"folds are taken out, white space around them is one blank", "A: b \r\n \t c\r\n",
     "a:b c\r\n"},
    {"a fold of blanks alone", "A: b\r\n \r\n c\r\n", "a:b c\r\n"},
    {"no value", "A:\r\n", "a:\r\n"},
    {"a value of blanks", "A: \t \r\n", "a:\r\n"},
    {"a colon in the value", "A: b: c\r\n", "a:b: c\r\n"},
    {"a last line without its end", "A: b", "a:b\r\n"},
    {"CR and LF alone are bytes", "A: b\rc\nd\r\n", "a:b\rc\nd\r\n"},
};

TEST(rfc6376_3_4_2_relaxed_header_fields)
{
    for (size_t i = 0; i < ARRAY_LEN(field_rows); i++) {
        struct buf got = field_of(CANONICAL_RELAXED, str_of(field_rows[i].raw));
        CHECK_ROW(field_rows[i].sentence, str_eq(buf_str(&got), str_of(field_rows[i].relaxed)));
        buf_free(&got);
    }
}

TEST(rfc6376_3_4_1_simple_header_fields_stay_as_they_are)
{
    struct buf got = field_of(CANONICAL_SIMPLE, STR("B : Y\t\r\n\tZ  \r\n"));
    CHECK_STR(buf_str(&got), STR("B : Y\t\r\n\tZ  \r\n"));
    buf_free(&got);
    got = field_of(CANONICAL_SIMPLE, STR("B: Y"));
    CHECK_STR(buf_str(&got), STR("B: Y\r\n"));
    buf_free(&got);
}

/* The message of the section in its four forms. */
TEST(rfc6376_3_4_5_examples)
{
    static const struct {
        enum canonicalization kind;
        const char *a, *b, *body;
    } rows[] = {
        {CANONICAL_RELAXED, "a:X\r\n", "b:Y Z\r\n", " C\r\nD E\r\n"},
        {CANONICAL_SIMPLE, "A: X\r\n", "B : Y\t\r\n\tZ  \r\n", " C \r\nD \t E\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf a = field_of(rows[i].kind, STR("A: X\r\n"));
        struct buf b = field_of(rows[i].kind, STR("B : Y\t\r\n\tZ  \r\n"));
        struct buf body = body_of(rows[i].kind, STR(" C \r\nD \t E\r\n\r\n\r\n"), 100);
        CHECK_STR(buf_str(&a), str_of(rows[i].a));
        CHECK_STR(buf_str(&b), str_of(rows[i].b));
        CHECK_STR(buf_str(&body), str_of(rows[i].body));
        buf_free(&a);
        buf_free(&b);
        buf_free(&body);
    }
}

static const struct body_row {
    const char *sentence;
    const char *body;
    const char *simple;
    const char *relaxed;
} body_rows[] = {
    {"section 3.4.5", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
    {"no body", "", "\r\n", ""},
    {"one empty line", "\r\n", "\r\n", ""},
    {"only empty lines", "\r\n\r\n\r\n", "\r\n", ""},
    {"only blanks", "  ", "  \r\n", ""},
    {"a line of blanks at the end", "a\r\n \t \r\n", "a\r\n \t \r\n", "a\r\n"},
    {"lines of blanks within", "a\r\n \r\n\t\r\nb\r\n", "a\r\n \r\n\t\r\nb\r\n",
     "a\r\n\r\n\r\nb\r\n"},
    {"no line end at the end", "a", "a\r\n", "a\r\n"},
    {"empty lines in front", "\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
    {"empty lines within", "a\r\n\r\n\r\nb\r\n\r\n", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n"},
    {"blanks in front of text are one", "a\r\n  \tb\r\n", "a\r\n  \tb\r\n", "a\r\n b\r\n"},
    {"a tab is a blank", "a\tb\r\n", "a\tb\r\n", "a b\r\n"},
    {"a CR alone", "a\rb\r\n", "a\rb\r\n", "a\rb\r\n"},
    {"an LF alone", "a\nb\n", "a\nb\n\r\n", "a\nb\n\r\n"},
    {"a CR at the end", "a\r", "a\r\r\n", "a\r\r\n"},
    {"a CR before the last line end", "a\r\r\n", "a\r\r\n", "a\r\r\n"},
    {"blanks before a CR alone stay", "a  \rb\r\n", "a  \rb\r\n", "a \rb\r\n"},
    {"LF behind blanks and no CR", "a \n\r\n", "a \n\r\n", "a \n\r\n"},
    {"a CR alone among the last lines", "a\r\n\r\r\n", "a\r\n\r\r\n", "a\r\n\r\r\n"},
    {"two CRs at the end", "a\r\n\r\r", "a\r\n\r\r\r\n", "a\r\n\r\r\r\n"},
    {"text, blank, line end, blank, line end", "x \r\n \r\n\r\ny", "x \r\n \r\n\r\ny\r\n",
     "x\r\n\r\n\r\ny\r\n"},
    {"a line longer than a processor's word",
     "the quick brown fox jumps over the lazy dog  and on\r\n",
     "the quick brown fox jumps over the lazy dog  and on\r\n",
     "the quick brown fox jumps over the lazy dog and on\r\n"},
};

static void check_body(const struct body_row *row, enum canonicalization kind, const char *want)
{
    struct str body = str_of(row->body);
    for (size_t piece = 1; piece <= body.len + 1; piece++) {
        struct buf got = body_of(kind, body, piece);
        CHECK_ROW(row->sentence, str_eq(buf_str(&got), str_of(want)));
        struct buf again = body_of(kind, buf_str(&got), piece);
        CHECK_ROW(row->sentence, str_eq(buf_str(&again), buf_str(&got)));
        buf_free(&got);
        buf_free(&again);
    }
}

TEST(rfc6376_3_4_3_simple_bodies_in_any_pieces)
{
    for (size_t i = 0; i < ARRAY_LEN(body_rows); i++)
        check_body(&body_rows[i], CANONICAL_SIMPLE, body_rows[i].simple);
}

TEST(rfc6376_3_4_4_relaxed_bodies_in_any_pieces)
{
    for (size_t i = 0; i < ARRAY_LEN(body_rows); i++)
        check_body(&body_rows[i], CANONICAL_RELAXED, body_rows[i].relaxed);
}

TEST(line_ends_held_back_come_out_however_many_they_are)
{
    struct buf body = buf_make(300000);
    for (int i = 0; i < 100000; i++)
        CHECK(buf_add(&body, STR("\r\n")) == OK);
    struct buf got = body_of(CANONICAL_SIMPLE, buf_str(&body), 333);
    CHECK_STR(buf_str(&got), STR("\r\n"));
    buf_free(&got);
    CHECK(buf_add(&body, STR("x\r\n")) == OK);
    got = body_of(CANONICAL_RELAXED, buf_str(&body), 333);
    CHECK(str_eq(buf_str(&got), buf_str(&body)));
    buf_free(&got);
    buf_free(&body);
}

int main(void)
{
    RUN(rfc6376_3_4_2_relaxed_header_fields);
    RUN(rfc6376_3_4_1_simple_header_fields_stay_as_they_are);
    RUN(rfc6376_3_4_5_examples);
    RUN(rfc6376_3_4_3_simple_bodies_in_any_pieces);
    RUN(rfc6376_3_4_4_relaxed_bodies_in_any_pieces);
    RUN(line_ends_held_back_come_out_however_many_they_are);
    return test_summary();
}
