#include "trace/trace.h"

#include "base/buf.h"
#include "mail/text.h"

#include <stdio.h>
#include <time.h>

static const char *const headings[] = {
    [TRACE_RECEIVED] = "received",
    [TRACE_ATTEMPT] = "delivery attempt",
    [TRACE_HELD] = "held",
    [TRACE_RELEASED] = "released",
    [TRACE_DROPPED] = "dropped",
    [TRACE_RETRIED] = "asked to try again now",
    [TRACE_FOUND] = "found in the spool by a new engine",
    [TRACE_DONE] = "done",
    [TRACE_LOST] = "the story has a gap: events were lost, some may be of this message",
    [TRACE_BOUNCED] = "returned to the sender by hand",
    [TRACE_REPORTED] = "report to the sender",
};
static_assert(ARRAY_LEN(headings) == TRACE_KIND_LAST + 1, "every kind has a heading");

#define TEXT_INDENT       "    "
#define TRANSCRIPT_INDENT "      | "

static void add(struct buf *out, struct str text)
{
    enum err err = buf_add(out, text);
    assert(!err); /* born without a limit: the events are bounded */
}

static void add_time(struct buf *out, int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;
    char text[64] = "(no time)";
    if (wall_us >= 0 && gmtime_r(&seconds, &tm)) {
        size_t len = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
        snprintf(text + len, sizeof text - len, ".%03d UTC", (int)(wall_us / 1000 % 1000));
    }
    add(out, str_of(text));
}

/* "+0.250 s", "+12 min 3 s", "+4 h 0 min", "+2 d 6 h": as fine as a person wants it. */
static void add_elapsed(struct buf *out, int64_t us)
{
    char text[64];
    unsigned long long ms = us > 0 ? (unsigned long long)us / 1000 : 0;
    unsigned long long s = ms / 1000;
    if (s < 60)
        snprintf(text, sizeof text, "+%llu.%03llu s", s, ms % 1000);
    else if (s < 3600)
        snprintf(text, sizeof text, "+%llu min %llu s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(text, sizeof text, "+%llu h %llu min", s / 3600, s % 3600 / 60);
    else
        snprintf(text, sizeof text, "+%llu d %llu h", s / 86400, s % 86400 / 3600);
    add(out, str_of(text));
}

/* Each line with the indent before it. */
static void add_lines(struct buf *out, struct arena *arena, const char *indent, struct str text)
{
    while (text.len) {
        struct str line = text, rest = STR_EMPTY;
        str_cut(text, '\n', &line, &rest);
        text = rest;
        add(out, str_of(indent));
        add(out, mail_text_clean(arena, line));
        add(out, STR("\n"));
    }
}

static void add_event(struct buf *out, struct arena *arena, const struct trace_event *event,
                      int64_t began_us)
{
    add(out, STR("\n"));
    add_time(out, event->wall_us);
    if (event->wall_us != began_us) {
        add(out, STR("  "));
        add_elapsed(out, event->wall_us - began_us);
    }
    add(out, STR("  "));
    add(out, str_of(headings[event->kind]));
    add(out, STR("\n"));
    add_lines(out, arena, TEXT_INDENT, event->text);
    if (event->transcript.len) {
        add(out, STR("\n"));
        add_lines(out, arena, TRANSCRIPT_INDENT, event->transcript);
    }
}

/* The first event that is of a message: the others are of lost ones. */
static spool_id id_of(const struct trace_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (events[i].id)
            return events[i].id;
    return 0;
}

struct str trace_print(struct arena *arena, const struct trace_event *events, size_t count)
{
    if (count == 0)
        return STR_EMPTY;
    struct buf out = buf_make(SIZE_MAX / 2);
    add(&out, STR("Message "));
    add(&out, str_of(spool_id_print(id_of(events, count)).at));
    add(&out, STR("\n"));
    for (size_t i = 0; i < count; i++)
        add_event(&out, arena, &events[i], events[0].wall_us);
    struct str story = arena_copy(arena, buf_str(&out));
    buf_free(&out);
    return story;
}
