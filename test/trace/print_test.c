#include "base/buf.h"
#include "test.h"
#include "trace/trace.h"

#define START_US 1700000000000000 /* 2023-11-14 22:13:20 UTC */

static struct arena arena;
static const struct trace_view usual;

TEST(a_story_is_told_in_order_with_the_time_that_passed)
{
    spool_id id = (spool_id)START_US << 8;
    struct trace_event events[] = {
        {id, TRACE_RECEIVED, START_US,
         STR("from <a@example.org> at 192.0.2.1, 1,234 bytes\nto <b@example.net>"),
         STR("   0.000 S: 220 mx.example.net\n   0.010 C: EHLO client\n")},
        {id, TRACE_ATTEMPT, START_US + 250000, STR("smtp:127.0.0.1:2526\nb@example.net: deferred"),
         STR("")},
        {0, TRACE_LOST, START_US + 62000000, STR("3 events of all messages together"), STR("")},
        {id, TRACE_DONE, START_US + 90000000000, STR("nothing is left to do"), STR("")},
    };
    struct str story = trace_print(&arena, events, ARRAY_LEN(events), &usual);
    struct spool_id_text text = spool_id_print(id);
    CHECK_STR(str_first(story, 8), STR("Message "));
    CHECK_STR(str_first(str_from(story, 8), SPOOL_ID_TEXT_LEN), str_of(text.at));
    CHECK_STR(str_from(story, 8 + SPOOL_ID_TEXT_LEN),
              STR("\n\n2023-11-14 22:13:20.000 UTC  received\n"
                  "    from <a@example.org> at 192.0.2.1, 1,234 bytes\n"
                  "    to <b@example.net>\n"
                  "\n"
                  "      |    0.000 S: 220 mx.example.net\n"
                  "      |    0.010 C: EHLO client\n"
                  "\n2023-11-14 22:13:20.250 UTC  +0.250 s  delivery attempt\n"
                  "    smtp:127.0.0.1:2526\n"
                  "    b@example.net: deferred\n"
                  "\n2023-11-14 22:14:22.000 UTC  +1 min 2 s  "
                  "the story has a gap: events were lost, some may be of this message\n"
                  "    3 events of all messages together\n"
                  "\n2023-11-15 23:13:20.000 UTC  +1 d 1 h  done\n"
                  "    nothing is left to do\n"));
    arena_reset(&arena);
}

TEST(whatever_a_file_says_no_control_reaches_the_terminal)
{
    struct trace_event event = {1, TRACE_HELD, -5, STR("a\x1b[2Jb\nc"), STR("\r\x07\n")};
    struct str story = trace_print(&arena, &event, 1, &usual);
    for (size_t i = 0; i < story.len; i++)
        CHECK(story.at[i] == '\n' || !char_is_control(story.at[i]));
    CHECK(str_search(story, STR("(no time)")) != SIZE_MAX);
    arena_reset(&arena);
}

/* ---- what repeats itself ---- */

static struct str print_one(const char *text, const char *transcript, const struct trace_view *view)
{
    struct trace_event event = {1, TRACE_ATTEMPT, START_US, str_of(text), str_of(transcript)};
    return trace_print(&arena, &event, 1, view);
}

static bool has(struct str story, const char *words)
{
    return str_search(story, str_of(words)) != SIZE_MAX;
}

TEST(neighbours_of_one_fate_are_told_together)
{
    const char *text = "attempt 1, 6 recipients, to mx.b.example\n"
                       "<a@b.example>: delivered: 250 taken\n<b@b.example>: delivered: 250 taken\n"
                       "<c@b.example> (a remark): delivered: 250 taken\n"
                       "<d@b.example>: delivered: 250 taken\n<e@b.example>: delivered: 250 taken\n"
                       "<f@b.example>: bounced: 550 5.1.1 no";
    struct str story = print_one(text, "", &usual);
    CHECK(has(story, "    attempt 1, 6 recipients, to mx.b.example\n"
                     "    5 recipients: delivered: 250 taken\n"
                     "      <a@b.example>, <b@b.example>, <c@b.example> (a remark) and 2 more\n"
                     "    <f@b.example>: bounced: 550 5.1.1 no\n"
                     "\n(shortened: "));
    story = print_one(text, "", &(struct trace_view){.is_full = true});
    CHECK(has(story, "    <d@b.example>: delivered: 250 taken\n") && !has(story, "shortened"));
    story = print_one(text, "", &(struct trace_view){.recipient = STR("E@b.example")});
    CHECK(has(story, "to mx.b.example\n    <e@b.example>: delivered: 250 taken\n"));
    CHECK(!has(story, "<d@b.example>") && !has(story, "<f@b.example>"));
    arena_reset(&arena);
}

TEST(few_recipients_are_told_one_by_one)
{
    const char *text = "attempt 1, 3 recipients, to x\n<a@b.example>: delivered: 250 taken\n"
                       "<b@b.example>: delivered: 250 taken\n<c@b.example>: delivered: 250 taken";
    struct str story = print_one(text, "", &usual);
    CHECK(has(story, "    <b@b.example>: delivered: 250 taken\n") && !has(story, "shortened"));
    arena_reset(&arena);
}

/* A conversation with so many recipients; the one that is refused answers 550. */
static const char *conversation(unsigned recipients, unsigned refused)
{
    struct buf text = buf_make(65536);
    CHECK(!buf_add(&text, STR("   0.000 C: MAIL FROM:<>\n")));
    for (unsigned i = 0; i < recipients; i++)
        CHECK(!buf_printf(&text, "   0.001 C: RCPT TO:<u%u@b.example>\n", i));
    CHECK(!buf_add(&text, STR("   0.001 C: DATA\n   0.002 S: 250 2.1.0 ok\n")));
    for (unsigned i = 0; i < recipients; i++)
        if (i == refused)
            CHECK(!buf_add(&text, STR("   0.002 S: 550 5.1.1 no\n")));
        else
            CHECK(!buf_printf(&text, "   0.002 S: 250 2.1.5 ok <%u>\n", i));
    CHECK(!buf_add(&text, STR("   0.003 S: 354 go on\n")));
    const char *copy = arena_printf(&arena, "%.*s", STR_FMT(buf_str(&text))).at;
    buf_free(&text);
    return copy;
}

TEST(long_rows_of_rcpt_and_like_answers_show_their_ends)
{
    struct str story = print_one("x", conversation(50, 20), &usual);
    CHECK(has(story, "C: RCPT TO:<u3@b.example>\n      |          -- (44 lines like these)\n"
                     "      |    0.001 C: RCPT TO:<u48@b.example>\n"));
    CHECK(has(story, "S: 250 2.1.0 ok\n      |    0.002 S: 250 2.1.5 ok <0>\n"));
    CHECK(has(story, "S: 250 2.1.5 ok <19>\n      |    0.002 S: 550 5.1.1 no\n"
                     "      |    0.002 S: 250 2.1.5 ok <21>\n"));
    CHECK(has(story, "S: 250 2.1.5 ok <49>\n      |    0.003 S: 354 go on\n"));
    story = print_one("x", conversation(50, 20), &(struct trace_view){.is_full = true});
    CHECK(has(story, "<u30@b.example>") && !has(story, "like these"));
    story = print_one("x", conversation(4, 20), &usual);
    CHECK(!has(story, "like these") && !has(story, "shortened"));
    arena_reset(&arena);
}

static struct str print_attempts(unsigned count, unsigned odd, const struct trace_view *view)
{
    struct trace_event *events = ARENA_ARRAY(&arena, struct trace_event, count);
    for (unsigned i = 0; i < count; i++)
        events[i] = (struct trace_event){
            .id = 1,
            .kind = TRACE_ATTEMPT,
            .wall_us = START_US + i,
            .text = arena_printf(&arena, "attempt 1, to mx%u\n<u%u@b.example>: %s", i, i,
                                 i == odd ? "bounced: 550 no" : "delivered: 250 taken"),
            .transcript = arena_printf(&arena, "   0.000 S: 220 mx%u\n", i),
        };
    return trace_print(&arena, events, count, view);
}

TEST(of_many_attempts_that_end_alike_the_middle_is_counted)
{
    struct str story = print_attempts(1000, 500, &usual);
    CHECK(has(story, "S: 220 mx2\n") && !has(story, "S: 220 mx3\n"));
    CHECK(has(story, "delivery attempt: attempt 1, to mx19: delivered: 250 taken\n"
                     "(480 more: delivery attempt: delivered)\n\n"));
    CHECK(has(story, "<u500@b.example>: bounced: 550 no\n") && has(story, "S: 220 mx500\n"));
    CHECK(has(story,
              "(479 more: delivery attempt: delivered)\n"
              "2023-11-14 22:13:20.000 UTC  +0.000 s  delivery attempt: attempt 1, to mx980: "));
    CHECK(has(story, "S: 220 mx999\n") && has(story, "(shortened: "));
    story = print_attempts(1000, 500, &(struct trace_view){.is_full = true});
    CHECK(has(story, "S: 220 mx321\n") && !has(story, "more:") && !has(story, "shortened"));
    story = print_attempts(1000, 500, &(struct trace_view){.recipient = STR("u321@b.example")});
    CHECK(has(story, "S: 220 mx321\n") && !has(story, "mx320") && !has(story, "shortened"));
    arena_reset(&arena);
}

TEST(who_had_another_fate_in_an_attempt_is_named_in_a_long_row_too)
{
    struct trace_event events[30];
    for (unsigned i = 0; i < ARRAY_LEN(events); i++)
        events[i] = (struct trace_event){
            .id = 1,
            .kind = TRACE_ATTEMPT,
            .text = arena_printf(&arena,
                                 "attempt 1\n<a%u@b.example>: delivered: 250\n"
                                 "<b%u@b.example>: bounced: 550 no",
                                 i, i),
            .transcript = STR("   0.000 S: 220 mx\n"),
        };
    struct str story = trace_print(&arena, events, ARRAY_LEN(events), &usual);
    for (unsigned i = 0; i < ARRAY_LEN(events); i++)
        CHECK(has(story, arena_printf(&arena, "<b%u@b.example>: bounced: 550 no\n", i).at));
    arena_reset(&arena);
}

TEST(a_dozen_attempts_are_told_whole)
{
    struct str story = print_attempts(12, 500, &usual);
    CHECK(has(story, "S: 220 mx6\n") && !has(story, "shortened"));
    arena_reset(&arena);
}

TEST(no_events_are_no_story) { CHECK_STR(trace_print(&arena, NULL, 0, &usual), STR_EMPTY); }

int main(void)
{
    arena = arena_make();
    RUN(a_story_is_told_in_order_with_the_time_that_passed);
    RUN(whatever_a_file_says_no_control_reaches_the_terminal);
    RUN(neighbours_of_one_fate_are_told_together);
    RUN(few_recipients_are_told_one_by_one);
    RUN(long_rows_of_rcpt_and_like_answers_show_their_ends);
    RUN(of_many_attempts_that_end_alike_the_middle_is_counted);
    RUN(who_had_another_fate_in_an_attempt_is_named_in_a_long_row_too);
    RUN(a_dozen_attempts_are_told_whole);
    RUN(no_events_are_no_story);
    return test_summary();
}
