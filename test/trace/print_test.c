#include "test.h"
#include "trace/trace.h"

#define START_US 1700000000000000 /* 2023-11-14 22:13:20 UTC */

static struct arena arena;

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
    struct str story = trace_print(&arena, events, ARRAY_LEN(events));
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
    struct str story = trace_print(&arena, &event, 1);
    for (size_t i = 0; i < story.len; i++)
        CHECK(story.at[i] == '\n' || !char_is_control(story.at[i]));
    CHECK(str_search(story, STR("(no time)")) != SIZE_MAX);
    arena_reset(&arena);
}

TEST(no_events_are_no_story) { CHECK_STR(trace_print(&arena, NULL, 0), STR_EMPTY); }

int main(void)
{
    arena = arena_make();
    RUN(a_story_is_told_in_order_with_the_time_that_passed);
    RUN(whatever_a_file_says_no_control_reaches_the_terminal);
    RUN(no_events_are_no_story);
    return test_summary();
}
