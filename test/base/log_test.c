#include "base/log.h"
#include "test.h"

#include <unistd.h>

static int log_pipe[2];
static char line[4096];

/* What was logged since the last call. */
static struct str logged(void)
{
    ssize_t got = read(log_pipe[0], line, sizeof line);
    return str_make(line, got > 0 ? (size_t)got : 0);
}

/* The text of the line, without time, level and area. */
static struct str logged_text(void)
{
    struct str got = logged();
    size_t at = str_search(got, STR("test: "));
    if (at == SIZE_MAX || !str_ends(got, STR("\n")))
        return STR("(no line)");
    got = str_from(got, at + 6);
    return str_first(got, got.len - 1);
}

TEST(a_line_has_time_level_area_and_text)
{
    log_event(LOG_WARNING, "spool", "disk %d%% full", 90);
    struct str got = logged();
    CHECK(got.len > 24 && got.at[4] == '-' && got.at[10] == 'T' && got.at[23] == 'Z');
    CHECK_STR(str_from(got, 24), STR(" warning spool: disk 90% full\n"));
}

TEST(events_below_the_level_are_not_written)
{
    CHECK(log_wants(LOG_INFO) && !log_wants(LOG_DEBUG));
    log_event(LOG_DEBUG, "test", "hidden");
    log_event(LOG_INFO, "test", "shown");
    CHECK_STR(logged_text(), STR("shown"));
}

static const struct {
    const char *row;
    const char *text;
    struct str want;
} escapes[] = {
    {"a line end cannot begin a new line", "a\r\nb", STR("a\\x0d\\x0ab")},
    {"terminals are not steered", "\x1b[31mred", STR("\\x1b[31mred")},
    {"nor by C1 controls in UTF-8",
     "\xc2\x9b"
     "31m",
     STR("\\xc2\\x9b31m")},
    {"DEL and TAB are controls", "\x7f\t", STR("\\x7f\\x09")},
    {"UTF-8 stays readable", "Gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x93\xa8",
     STR("Gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x93\xa8")},
    {"Latin-1 does not pass for UTF-8", "Gr\xfc\xdf\x65", STR("Gr\\xfc\\xdfe")},
    {"an overlong form does not pass", "\xc0\x8a", STR("\\xc0\\x8a")},
    {"a sequence that ends too early", "\xf0\x9f\x93", STR("\\xf0\\x9f\\x93")},
};

TEST(what_peers_wrote_is_escaped)
{
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        log_event(LOG_INFO, "test", "%s", escapes[i].text);
        struct str got = logged_text();
        CHECK_ROW(escapes[i].row, str_eq(got, escapes[i].want));
    }
}

TEST(text_ends_after_1000_bytes)
{
    char text[3000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    log_event(LOG_INFO, "test", "%s", text);
    CHECK_INT(logged_text().len, 1000);
}

TEST(an_escape_is_not_cut_in_half)
{
    char text[1200];
    memset(text, 'x', sizeof text);
    memset(text + 997, '\n', 100);
    text[sizeof text - 1] = '\0';
    log_event(LOG_INFO, "test", "%s", text);
    CHECK_INT(logged_text().len, 997);
    memset(text, '\n', sizeof text - 1);
    log_event(LOG_INFO, "test", "%s", text);
    CHECK_INT(logged_text().len, 1000);
}

int main(void)
{
    if (pipe(log_pipe) != 0)
        return 1;
    log_init(LOG_INFO, log_pipe[1]);
    RUN(a_line_has_time_level_area_and_text);
    RUN(events_below_the_level_are_not_written);
    RUN(what_peers_wrote_is_escaped);
    RUN(text_ends_after_1000_bytes);
    RUN(an_escape_is_not_cut_in_half);
    return test_summary();
}
