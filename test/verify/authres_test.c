#include "verify/authres.h"

#include "test.h"

static struct authres_result result_of(const char *method, const char *result)
{
    return (struct authres_result){
        .method = method, .result = str_of(result), .comment = STR_EMPTY, .reason = STR_EMPTY};
}

static void check_print(const struct authres_result *results, size_t count, const char *want)
{
    struct buf buf = buf_make(4096);
    CHECK(authres_print(&buf, STR("mx.example.org"), results, count) == OK);
    CHECK_STR(buf_str(&buf), str_of(want));
    buf_free(&buf);
}

TEST(a_field_without_results_says_none)
{
    check_print(NULL, 0, "Authentication-Results: mx.example.org; none\r\n");
}

/* RFC 8601 section 2.2: reason before properties. */
TEST(results_stand_each_on_a_line)
{
    struct authres_result results[] = {result_of("spf", "pass"), result_of("dkim", "fail")};
    authres_add_property(&results[0], "smtp", "mailfrom", STR("alice@example.net"));
    results[1].comment = STR("2048-bit key");
    results[1].reason = STR("the \"body\" was changed");
    authres_add_property(&results[1], "header", "d", STR("example.net"));
    authres_add_property(&results[1], "header", "b", STR("AbC/+9=="));
    check_print(results, ARRAY_LEN(results),
                "Authentication-Results: mx.example.org;\r\n"
                "\tspf=pass smtp.mailfrom=alice@example.net;\r\n"
                "\tdkim=fail (2048-bit key) reason=\"the \\\"body\\\" was changed\"\r\n"
                "\theader.d=example.net header.b=\"AbC/+9==\"\r\n");
}

TEST(values_are_quoted_where_they_must)
{
    static const char *const rows[][2] = {
        {"example.org", "example.org"},
        {"alice@example.org", "alice@example.org"},
        {"@example.org", "@example.org"},
        {"", "\"\""},
        {"a b@example.org", "\"a b@example.org\""},
        {"\"a b\"@example.org", "\"\\\"a b\\\"@example.org\""},
        {"a@b@example.org", "\"a@b@example.org\""},
        {"[192.0.2.1]", "\"[192.0.2.1]\""},
        {"a; dkim=pass header.d=bank.example", "\"a; dkim=pass header.d=bank.example\""},
        {"a\r\nDKIM: x", "\"a??DKIM: x\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"d\xc3\xb6@example.org", "\"d\xc3\xb6@example.org\""},
        {"\xff@example.org", "?@example.org"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct authres_result result = result_of("spf", "none");
        authres_add_property(&result, "smtp", "helo", str_of(rows[i][0]));
        struct str want = arena_printf(&arena,
                                       "Authentication-Results: mx.example.org;\r\n"
                                       "\tspf=none smtp.helo=%s\r\n",
                                       rows[i][1]);
        check_print(&result, 1, want.at);
        arena_reset(&arena);
    }
}

TEST(what_is_too_long_is_cut)
{
    char text[5001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct authres_result result = result_of("spf", "none");
    result.comment = result.reason = str_of(text);
    authres_add_property(&result, "smtp", "helo", str_of(text));
    struct buf buf = buf_make(4096);
    CHECK(authres_print(&buf, STR("mx.example.org"), &result, 1) == OK);
    struct str line, rest = buf_str(&buf);
    while (str_cut(rest, '\n', &line, &rest))
        CHECK(line.len <= 998);
    buf_free(&buf);
}

static bool is_forged(const char *raw)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    CHECK(mail_header_next(&reader, str_of(raw), true, &field) == MAIL_HEADER_FIELD);
    return authres_is_forged(&field, STR("mx.example.org"));
}

/* RFC 8601 section 5 */
TEST(fields_under_our_name_are_found)
{
    CHECK(is_forged("Authentication-Results: mx.example.org; spf=pass\r\n"));
    CHECK(is_forged("authentication-results :\r\n (c) MX.Example.Org 1; spf=pass\r\n"));
    CHECK(is_forged("Authentication-Results: \"mx.example\\.org\"; none\r\n"));
    CHECK(is_forged("Authentication-Results: mx.example.org\r\n"));
    CHECK(is_forged("Authentication-Results: ; spf=pass\r\n"));
    CHECK(is_forged("Authentication-Results: (mx.example.org; spf=pass\r\n"));
    CHECK(!is_forged("Authentication-Results: mx.example.net; spf=pass\r\n"));
    CHECK(!is_forged("Authentication-Results: xmx.example.org; spf=pass\r\n"));
    CHECK(!is_forged("ARC-Authentication-Results: i=1; mx.example.org; spf=pass\r\n"));
}

TEST(fields_under_our_name_are_taken_out)
{
    struct buf buf = buf_make(4096);
    size_t removed = 0;
    struct str header = STR("From: a@example.org\r\n"
                            "Authentication-Results: mx.example.org;\r\n"
                            "\tspf=pass\r\n"
                            "Authentication-Results: mx.example.net; spf=pass\r\n"
                            "no field\r\n"
                            "Authentication-Results: mx.example.org; none\r\n"
                            "\r\n");
    CHECK(authres_strip(&buf, header, STR("mx.example.org"), &removed) == OK);
    CHECK_INT(removed, 2);
    CHECK_STR(buf_str(&buf), STR("From: a@example.org\r\n"
                                 "Authentication-Results: mx.example.net; spf=pass\r\n"
                                 "no field\r\n"
                                 "\r\n"));
    buf_free(&buf);
}

int main(void)
{
    RUN(a_field_without_results_says_none);
    RUN(results_stand_each_on_a_line);
    RUN(values_are_quoted_where_they_must);
    RUN(what_is_too_long_is_cut);
    RUN(fields_under_our_name_are_found);
    RUN(fields_under_our_name_are_taken_out);
    return test_summary();
}
