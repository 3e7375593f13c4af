/* The pure parts: words, quantities, ways, likeness. */
#include "server/config_lexer.h"
#include "server/config_nearest.h"
#include "server/config_quantity.h"
#include "server/config_way.h"
#include "test.h"

/* "W word;S value;= , { } !" with lines where they change. */
static struct str words(struct arena *arena, struct str text)
{
    static const char kinds[] = "EWS=,{}";
    struct config_lexer lexer = config_lexer_make(text);
    struct str all = STR_EMPTY;
    for (;;) {
        struct config_token token = config_lexer_next(&lexer);
        struct str value = token.kind == CONFIG_TOKEN_WORD || token.kind == CONFIG_TOKEN_STRING
                               ? config_token_value(arena, &token)
                               : STR_EMPTY;
        all = arena_printf(arena, "%.*s%u%c%.*s%s;", STR_FMT(all), token.line, kinds[token.kind],
                           STR_FMT(value), token.problem ? "!" : "");
        if (token.kind == CONFIG_TOKEN_END)
            return all;
    }
}

TEST(text_is_cut_into_words)
{
    static const struct {
        const char *about, *text, *words;
    } rows[] = {
        {"nothing", "", "1E;"},
        {"a mark of byte order", "\xef\xbb\xbfx", "1Wx;1E;"},
        {"blanks, lines, comments", " \t# x = {\n\r\n# y", "3E;"},
        {"marks need no blanks", "a={b,c}", "1Wa;1=;1{;1Wb;1,;1Wc;1};1E;"},
        {"words hold most bytes", "*.x_y-z/:+%@[]();'!?", "1W*.x_y-z/:+%@[]();'!?;1E;"},
        {"a comment ends a word", "a#b", "1Wa;1E;"},
        {"strings hold marks and blanks", "\"{ } = , #\"", "1S{ } = , #;1E;"},
        {"strings beside each other", "\"a\"\"b\"", "1Sa;1Sb;1E;"},
        {"escapes", "\"a\\\"b\\\\\"", "1Sa\"b\\;1E;"},
        {"an empty string", "\"\"", "1S;1E;"},
        {"not closed at the end of a line", "\"a\nb", "1Sa!;2Wb;2E;"},
        {"not closed at the end", "\"", "1S!;1E;"},
        {"closed by an escaped quote", "\"a\\\"", "1Sa\"!;1E;"},
        {"a wrong escape", "\"a\\n\"", "1San!;1E;"},
        {"a backslash before the end of a line", "\"a\\\nb", "1Sa\\!;2Wb;2E;"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct str got = words(&arena, str_of(rows[i].text));
        CHECK_STR(got, str_of(rows[i].words));
        CHECK_ROW(rows[i].about, str_eq(got, str_of(rows[i].words)));
        arena_reset(&arena);
    }
}

TEST(a_nul_is_a_mistake_within_a_word)
{
    struct config_lexer lexer = config_lexer_make(STR("a\0b"));
    struct config_token token = config_lexer_next(&lexer);
    CHECK_INT(token.raw.len, 3);
    CHECK(token.problem != NULL);
}

TEST(quantities_have_units)
{
    static const struct {
        const char *text;
        enum config_quantity kind;
        const char *problem;
        uint64_t value;
    } rows[] = {
        {"30s", CONFIG_DURATION, NULL, 30},
        {"5m", CONFIG_DURATION, NULL, 300},
        {"4h", CONFIG_DURATION, NULL, 14400},
        {"5d", CONFIG_DURATION, NULL, 432000},
        {"0s", CONFIG_DURATION, NULL, 0},
        {"30", CONFIG_DURATION, "without a unit", 0},
        {"30M", CONFIG_DURATION, "a size", 0},
        {"30w", CONFIG_DURATION, "of an unknown unit", 0},
        {"64K", CONFIG_SIZE, NULL, 65536},
        {"50M", CONFIG_SIZE, NULL, 52428800},
        {"2G", CONFIG_SIZE, NULL, 2147483648},
        {"100", CONFIG_SIZE, NULL, 100},
        {"50m", CONFIG_SIZE, "a duration", 0},
        {"50k", CONFIG_SIZE, "of an unknown unit", 0},
        {"7", CONFIG_NUMBER, NULL, 7},
        {"7K", CONFIG_NUMBER, "a size", 0},
        {"7s", CONFIG_NUMBER, "a duration", 0},
        {"", CONFIG_NUMBER, "none", 0},
        {"s", CONFIG_DURATION, "none", 0},
        {"-1", CONFIG_NUMBER, "none", 0},
        {"1.5h", CONFIG_DURATION, "none", 0},
        {"1h30m", CONFIG_DURATION, "none", 0},
        {"MB", CONFIG_SIZE, "none", 0},
        {"18446744073709551615", CONFIG_SIZE, NULL, UINT64_MAX},
        {"18446744073709551616", CONFIG_SIZE, "too large", 0},
        {"17179869184G", CONFIG_SIZE, "too large", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t value = 0;
        const char *problem = config_quantity_parse(str_of(rows[i].text), rows[i].kind, &value);
        CHECK_STR(str_of(problem ? problem : "right"),
                  str_of(rows[i].problem ? rows[i].problem : "right"));
        CHECK_INT(value, rows[i].value);
    }
}

TEST(ways_are_read)
{
    static const struct {
        const char *text;
        enum route_via via;
        const char *name, *host;
        uint16_t port;
        bool is_in_clear; /* unless somebody says otherwise */
    } rows[] = {
        {"mx", ROUTE_MX, "mx", "", 0},
        {"hold", ROUTE_HOLD, "hold", "", 0},
        {"maildir:/m/%{user}", ROUTE_MAILDIR, "maildir", "", 0},
        {"smtp:127.0.0.1:2526", ROUTE_SMTP, "smtp:127.0.0.1:2526", "127.0.0.1", 2526},
        {"smtp:mail.example", ROUTE_SMTP, "smtp:mail.example:25", "mail.example", 25},
        {"smtp:[2001:db8::1]", ROUTE_SMTP, "smtp:[2001:db8::1]:25", "2001:db8::1", 25},
        {"smtp:[::1]:65535", ROUTE_SMTP, "smtp:[::1]:65535", "::1", 65535},
        {"lmtp:mail.example", ROUTE_LMTP, "lmtp:mail.example:24", "mail.example", 24},
        {"lmtp:127.0.0.1:24", ROUTE_LMTP, "lmtp:127.0.0.1:24", "127.0.0.1", 24, true},
        {"lmtp:[::1]:2400", ROUTE_LMTP, "lmtp:[::1]:2400", "::1", 2400, true},
        {"lmtp:localhost:2400", ROUTE_LMTP, "lmtp:localhost:2400", "localhost", 2400, true},
        {"lmtp:192.0.2.1:24", ROUTE_LMTP, "lmtp:192.0.2.1:24", "192.0.2.1", 24},
        {"lmtp:unix:/run/dovecot/lmtp", ROUTE_LMTP, "lmtp:unix:/run/dovecot/lmtp",
         "unix:/run/dovecot/lmtp", 0, true},
    };
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct route_way way = {0};
        CHECK_ROW(rows[i].text, config_way_parse(str_of(rows[i].text), &arena, &way) == NULL);
        CHECK_INT(way.via, rows[i].via);
        CHECK_STR(way.name, str_of(rows[i].name));
        CHECK_STR(way.host, str_of(rows[i].host));
        CHECK_INT(way.port, rows[i].port);
        CHECK_INT(way.tls, rows[i].is_in_clear ? ROUTE_TLS_NONE : ROUTE_TLS_MAY);
    }
    static const char *const wrong[] = {"",
                                        "mx2",
                                        "MX",
                                        "smtp",
                                        "smtp:",
                                        "smtp::25",
                                        "smtp:a:",
                                        "smtp:a:0",
                                        "smtp:a:65536",
                                        "smtp:a:b",
                                        "smtp:[::1",
                                        "smtp:[::1]25",
                                        "smtp:[::1]:",
                                        "smtp:a b:25",
                                        "smtp:1.2.3:25",
                                        "maildir:",
                                        "maildir:m",
                                        "maildir:/m/%",
                                        "maildir:/../%{user}",
                                        "maildir:/m/..",
                                        "lmtp:",
                                        "lmtp:/run/lmtp",
                                        "lmtp:unix:",
                                        "lmtp:unix:lmtp",
                                        "lmtp:a:25",
                                        "smtp:a:+25"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct route_way way;
        CHECK_ROW(wrong[i], config_way_parse(str_of(wrong[i]), &arena, &way) != NULL);
    }
    struct route_way way;
    struct str long_path = arena_printf(&arena, "lmtp:unix:/%0*d", 120, 0);
    CHECK(config_way_parse(long_path, &arena, &way) != NULL);
    arena_reset(&arena);
}

TEST(likeness_counts_letters)
{
    CHECK_INT(config_distance(STR(""), STR("")), 0);
    CHECK_INT(config_distance(STR("abc"), STR("")), 3);
    CHECK_INT(config_distance(STR("hostnam"), STR("hostname")), 1);
    CHECK_INT(config_distance(STR("HostName"), STR("hostname")), 0);
    CHECK_INT(config_distance(STR("kitten"), STR("sitting")), 3);
    static char long_name[1000];
    CHECK(config_distance(str_make(long_name, sizeof long_name), STR("a")) == SIZE_MAX);

    struct config_nearest nearest = config_nearest_make(STR("recipents"));
    config_nearest_show(&nearest, "connections");
    config_nearest_show(&nearest, "recipients");
    config_nearest_show(&nearest, "recipient_x");
    CHECK_STR(str_of(nearest.name), STR("recipients"));
    nearest = config_nearest_make(STR("xyz"));
    config_nearest_show(&nearest, "recipients");
    CHECK(nearest.name == NULL);
}

int main(void)
{
    RUN(text_is_cut_into_words);
    RUN(a_nul_is_a_mistake_within_a_word);
    RUN(quantities_have_units);
    RUN(ways_are_read);
    RUN(likeness_counts_letters);
    return test_summary();
}
