#include "trace/transcript.h"

#include "test.h"

#define LIMIT 8192

static struct transcript transcript;

static void begin(void) { transcript_init(&transcript, LIMIT, 1000); }

static size_t lines_in(struct str text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    return lines;
}

static bool has(const char *words)
{
    return str_search(transcript_text(&transcript), str_of(words)) != SIZE_MAX;
}

TEST(a_line_says_when_and_who)
{
    begin();
    transcript_line(&transcript, 1000, TRANSCRIPT_SERVER, STR("220 ready"));
    transcript_line(&transcript, 1012, TRANSCRIPT_CLIENT, STR("EHLO client.example"));
    transcript_printf(&transcript, 3512, TRANSCRIPT_NOTE, "TLS %d.%d begins", 1, 3);
    CHECK_STR(transcript_text(&transcript), STR("   0.000 S: 220 ready\n"
                                                "   0.012 C: EHLO client.example\n"
                                                "   2.512 -- TLS 1.3 begins\n"));
    transcript_done(&transcript);
}

TEST(nothing_costs_memory_before_the_first_line)
{
    begin();
    CHECK(!transcript.text.at);
    CHECK_STR(transcript_text(&transcript), STR_EMPTY);
    transcript_restart(&transcript);
    transcript_connection_ends(&transcript);
    transcript_trim(&transcript);
    CHECK(!transcript.text.at);
    transcript_done(&transcript);
}

static const struct {
    const char *row;
    struct str line, want;
} escapes[] = {
    {"a line end at the end is no part of the line", STR("NOOP\r\n"), STR("NOOP")},
    {"a line end within cannot begin a new line", STR("a\r\nS: 250 ok"),
     STR("a\\x0d\\x0aS: 250 ok")},
    {"controls are shown, not obeyed", STR("\x1b[2J\x7f"), STR("\\x1b[2J\\x7f")},
    {"NUL too", STR("a\0b"), STR("a\\x00b")},
    {"UTF-8 stays readable", STR("Gr\xc3\xbc\xc3\x9f\x65"), STR("Gr\xc3\xbc\xc3\x9f\x65")},
    {"C1 controls in UTF-8 do not pass", STR("\xc2\x9b"), STR("\\xc2\\x9b")},
    {"Latin-1 does not pass for UTF-8", STR("Gr\xfc\xdf"), STR("Gr\\xfc\\xdf")},
    {"a sequence that ends too early", STR("\xf0\x9f\x93"), STR("\\xf0\\x9f\\x93")},
    {"an empty line", STR(""), STR("")},
};

TEST(what_peers_say_is_escaped)
{
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        begin();
        transcript_line(&transcript, 1000, TRANSCRIPT_CLIENT, escapes[i].line);
        struct str got = str_from(transcript_text(&transcript), strlen("   0.000 C: "));
        CHECK_ROW(escapes[i].row, got.len && str_eq(str_first(got, got.len - 1), escapes[i].want));
        transcript_done(&transcript);
    }
}

TEST(a_long_line_is_cut_between_characters)
{
    begin();
    char line[2000];
    for (size_t i = 0; i + 1 < sizeof line; i += 2)
        memcpy(line + i, "\xc3\xbc", 2);
    line[0] = 'x'; /* so that 512 falls within a character */
    line[1] = 'y';
    memmove(line + 1, line + 2, sizeof line - 2);
    transcript_line(&transcript, 1000, TRANSCRIPT_CLIENT, str_make(line, sizeof line - 1));
    struct str text = transcript_text(&transcript);
    CHECK(str_is_utf8(text));
    CHECK(text.len <= 512 + 20);
    CHECK(str_ends(text, STR("\xc3\xbc\xe2\x80\xa6\n")));
    transcript_done(&transcript);
}

TEST(beginning_and_end_are_kept_and_the_gap_is_told)
{
    begin();
    transcript_line(&transcript, 1000, TRANSCRIPT_SERVER, STR("220 hello"));
    transcript_connection_ends(&transcript);
    for (int i = 0; i < 10000; i++) {
        transcript_printf(&transcript, 1000, TRANSCRIPT_CLIENT, "RCPT TO:<u%d@example.net> %0*d", i,
                          i % 500, 0);
        CHECK(transcript_text(&transcript).len <= LIMIT);
    }
    CHECK(has("220 hello\n") && has("<u0@") && has("<u1@") && has("<u9999@"));
    CHECK(has("lines left out here"));
    size_t shown = lines_in(transcript_text(&transcript)) - 1; /* the gap is no line of theirs */
    CHECK_INT(shown + transcript.left_out, 10001);
    transcript_done(&transcript);
}

TEST(the_connection_opens_the_story_of_each_transaction)
{
    begin();
    transcript_line(&transcript, 1000, TRANSCRIPT_SERVER, STR("220 hello"));
    transcript_connection_ends(&transcript);
    transcript_line(&transcript, 1001, TRANSCRIPT_CLIENT, STR("MAIL FROM:<first@example.org>"));
    transcript_restart(&transcript);
    transcript_line(&transcript, 1002, TRANSCRIPT_CLIENT, STR("MAIL FROM:<second@example.org>"));
    CHECK(has("220 hello") && has("second@") && !has("first@"));
    transcript_done(&transcript);
}

TEST(a_long_connection_leaves_half_to_its_transactions)
{
    begin();
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 200; i++)
            transcript_printf(&transcript, 1000, TRANSCRIPT_CLIENT, "NOOP %d %d", round, i);
        transcript_connection_ends(&transcript);
        CHECK(transcript.connection_len <= LIMIT / 2);
    }
    CHECK(has("NOOP 0 0\n") && has("left out"));
    transcript_line(&transcript, 1000, TRANSCRIPT_CLIENT, STR("MAIL FROM:<a@example.org>"));
    CHECK(has("MAIL FROM"));
    transcript_done(&transcript);
}

TEST(an_idle_conversation_keeps_only_its_connection)
{
    begin();
    transcript_line(&transcript, 1000, TRANSCRIPT_SERVER, STR("220 hello"));
    transcript_connection_ends(&transcript);
    for (int i = 0; i < 100; i++)
        transcript_line(&transcript, 1000, TRANSCRIPT_CLIENT, STR("RCPT TO:<a@example.net>"));
    transcript_trim(&transcript);
    CHECK_STR(transcript_text(&transcript), STR("   0.000 S: 220 hello\n"));
    CHECK_INT(transcript.text.cap, transcript.text.len);
    transcript_line(&transcript, 1000, TRANSCRIPT_CLIENT, STR("QUIT"));
    CHECK(has("QUIT"));
    transcript_done(&transcript);
}

int main(void)
{
    RUN(a_line_says_when_and_who);
    RUN(nothing_costs_memory_before_the_first_line);
    RUN(what_peers_say_is_escaped);
    RUN(a_long_line_is_cut_between_characters);
    RUN(beginning_and_end_are_kept_and_the_gap_is_told);
    RUN(the_connection_opens_the_story_of_each_transaction);
    RUN(a_long_connection_leaves_half_to_its_transactions);
    RUN(an_idle_conversation_keeps_only_its_connection);
    return test_summary();
}
