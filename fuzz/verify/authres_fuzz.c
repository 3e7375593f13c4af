/* Whatever peers put into values, a printed field is one field, its lines are short, it has as many
 * results as were given, and it names us; and it is found to be under our name. What was stripped
 * has no such field left. */
#include "verify/authres.h"

#include "mail/lexer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str our_id = STR("mx.example.org");

static size_t count_semicolons(struct str value)
{
    struct mail_lexer lexer = mail_lexer_make(value);
    struct mail_token token;
    size_t count = 0;
    do {
        enum err err = mail_lexer_next(&lexer, &token);
        assert(!err);
        count += mail_token_is(&token, ';');
    } while (token.kind != MAIL_TOKEN_END);
    return count;
}

static void check_lines(struct str field)
{
    struct str line;
    while (str_cut(field, '\n', &line, &field)) {
        assert(line.len <= 998 && str_ends(line, STR("\r")));
        assert(field.len == 0 || field.at[0] == '\t');
    }
    assert(field.len == 0);
}

static void check_printed(const struct authres_result *results, size_t count)
{
    struct buf buf = buf_make(64 * 1024);
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    enum err err = authres_print(&buf, our_id, results, count);
    assert(!err);
    check_lines(buf_str(&buf));
    enum mail_header_event event = mail_header_next(&reader, buf_str(&buf), true, &field);
    assert(event == MAIL_HEADER_FIELD && field.raw.len == buf.len);
    assert(count_semicolons(field.value) == count);
    assert(authres_is_forged(&field, our_id));
    buf_free(&buf);
}

static void check_stripped(struct str header)
{
    struct buf once = buf_make(1 << 20), twice = buf_make(1 << 20);
    size_t removed, again;
    enum err err = authres_strip(&once, header, our_id, &removed);
    assert(!err);
    err = authres_strip(&twice, buf_str(&once), our_id, &again);
    assert(!err && str_eq(buf_str(&once), buf_str(&twice)) && again == 0);
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size), first = text, rest = text;
    struct authres_result results[2] = {
        {.method = "spf", .result = STR("pass"), .comment = text, .reason = STR_EMPTY},
        {.method = "dkim", .result = STR("fail"), .comment = STR_EMPTY, .reason = text},
    };
    str_cut(text, '\n', &first, &rest);
    authres_add_property(&results[0], "smtp", "mailfrom", first);
    authres_add_property(&results[1], "header", "d", rest);
    check_printed(results, ARRAY_LEN(results));
    check_stripped(text);
    return 0;
}
