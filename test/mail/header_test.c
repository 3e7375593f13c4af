#include "base/buf.h"
#include "mail/header.h"
#include "test.h"

static const struct row {
    const char *sentence;
    const char *message;
    const char *names; /* in brackets, one after the other */
    const char *body;
} rows[] = {
    {"fields and a body", "A: 1\r\nB: 2\r\n\r\nbody", "[A][B]", "body"},
    {"folds belong to their field", "A: 1\r\n 2\r\n\t3\r\nB: 4\r\n\r\n", "[A][B]", ""},
    {"a fold of blanks only is a fold", "A: 1\r\n \r\nB: 2\r\n\r\n", "[A][B]", ""},
    {"no header at all", "\r\nbody", "", "body"},
    {"no body, no empty line", "A: 1\r\n", "[A]", ""},
    {"a last line without its end", "A: 1\r\nB: 2", "[A][B]", ""},
    {"nothing", "", "", ""},
    {"blanks before the colon are not the name", "From : a\r\nTo\t: b\r\n\r\n", "[From][To]", ""},
    {"no colon is no field, and hides nothing", "From alice Mon\r\nA: 1\r\n\r\n", "[][A]", ""},
    {"a fold of nothing is no field", " x: y\r\nA: 1\r\n\r\n", "[][A]", ""},
    {"a blank within a name is no field", "A B: 1\r\n\r\n", "[]", ""},
    {"a control within a name is no field", "Fr\x01om: 1\r\n\r\n", "[]", ""},
    {"8-bit within a name is no field", "Fr\xc3\xbcm: 1\r\n\r\n", "[]", ""},
    {"an empty name is no field", ": 1\r\n\r\n", "[]", ""},
    {"a bare LF ends no line", "A: 1\nB: 2\r\n\r\n", "[A]", ""},
    {"two bare LF end no header", "A: 1\n\nB: 2\r\n\r\nx", "[A]", "x"},
    {"a bare CR ends no line", "A: 1\rB: 2\r\n\r\n", "[A]", ""},
    {"CR CRLF is not the empty line", "A: 1\r\n\r\r\nB: 2\r\n\r\nx", "[A][][B]", "x"},
    {"CRLF LF is not the empty line", "A: 1\r\n\nB: 2\r\n\r\nx", "[A][]", "x"},
};

static void collect(struct str message, struct buf *names, struct buf *raw, size_t *out_body)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    while (mail_header_next(&reader, message, true, &field) == MAIL_HEADER_FIELD) {
        CHECK(buf_printf(names, "[%.*s]", STR_FMT(field.name)) == OK);
        CHECK(buf_add(raw, field.raw) == OK);
    }
    *out_body = reader.at;
}

TEST(the_header_is_cut_into_fields)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf names = buf_make(256), raw = buf_make(256);
        struct str message = str_of(rows[i].message);
        size_t body;
        collect(message, &names, &raw, &body);
        CHECK_ROW(rows[i].sentence, str_eq(buf_str(&names), str_of(rows[i].names)));
        CHECK_STR(str_from(message, body), str_of(rows[i].body));
        CHECK_ROW(rows[i].sentence, str_starts(message, buf_str(&raw)));
        CHECK_ROW(rows[i].sentence, body - raw.len == 0 || body - raw.len == 2);
        buf_free(&names);
        buf_free(&raw);
    }
}

TEST(fields_come_the_same_when_the_message_arrives_byte_by_byte)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str message = str_of(rows[i].message);
        struct buf names = buf_make(256);
        struct mail_header_reader reader = mail_header_reader_make();
        struct mail_field field;
        for (size_t len = 0; len <= message.len + 1 && !reader.is_at_end;) {
            bool is_whole = len > message.len;
            enum mail_header_event event =
                mail_header_next(&reader, str_first(message, len), is_whole, &field);
            if (event == MAIL_HEADER_FIELD)
                CHECK(buf_printf(&names, "[%.*s]", STR_FMT(field.name)) == OK);
            else
                len++;
        }
        CHECK_ROW(rows[i].sentence, str_eq(buf_str(&names), str_of(rows[i].names)));
        CHECK_STR(str_from(message, reader.at), str_of(rows[i].body));
        buf_free(&names);
    }
}

TEST(a_field_knows_its_parts)
{
    struct mail_field field;
    struct str message = STR("X: 0\r\nSubject: a\r\n b\r\nsubject: c\r\n\r\nSubject: d\r\n");
    REQUIRE(mail_header_find(message, STR("SUBJECT"), &field));
    CHECK_STR(field.raw, STR("Subject: a\r\n b\r\n"));
    CHECK_STR(field.value, STR(" a\r\n b"));
    CHECK_INT(mail_header_count(message, STR("subject")), 2);
    CHECK(!mail_header_find(message, STR("Subj"), &field));
    CHECK_STR(str_from(message, mail_header_len(message)), STR("Subject: d\r\n"));
}

TEST(unfolding_takes_out_line_ends_and_nothing_else)
{
    struct arena arena = arena_make();
    CHECK_STR(mail_field_unfold(&arena, STR(" a\r\n b\r\n\tc ")), STR("a b\tc"));
    CHECK_STR(mail_field_unfold(&arena, STR(" plain ")), STR("plain"));
    CHECK_STR(mail_field_unfold(&arena, STR("")), STR(""));
    arena_reset(&arena);
}

static const struct {
    const char *sentence;
    const char *value;
    const char *id; /* NULL: none */
} authserv_rows[] = {
    {"a plain one", " mx.example.org; spf=pass", "mx.example.org"},
    {"with a version", " mx.example.org 1; none", "mx.example.org"},
    {"behind a comment", " (x) mx.example.org; none", "mx.example.org"},
    {"before a comment", " mx.example.org(x); none", "mx.example.org"},
    {"folded", "\r\n\tmx.example.org;\r\n none", "mx.example.org"},
    {"quoted", " \"mx.example.org\"; none", "mx.example.org"},
    {"quoted with an escape", " \"mx\\.example.org\"; none", "mx.example.org"},
    {"alone", "mx.example.org", "mx.example.org"},
    {"nothing", "", NULL},
    {"only results", "; spf=pass", NULL},
    {"an open comment", "(mx.example.org; none", NULL},
};

TEST(the_authserv_id_is_found_behind_comments_and_quotes)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(authserv_rows); i++) {
        struct str id = STR("-");
        enum err err = mail_field_authserv_id(&arena, str_of(authserv_rows[i].value), &id);
        const char *want = authserv_rows[i].id;
        CHECK_ROW(authserv_rows[i].sentence, err == (want ? OK : ERR_SYNTAX));
        CHECK_STR(id, str_of(want ? want : "-"));
    }
    arena_reset(&arena);
}

int main(void)
{
    RUN(the_header_is_cut_into_fields);
    RUN(fields_come_the_same_when_the_message_arrives_byte_by_byte);
    RUN(a_field_knows_its_parts);
    RUN(unfolding_takes_out_line_ends_and_nothing_else);
    RUN(the_authserv_id_is_found_behind_comments_and_quotes);
    return test_summary();
}
