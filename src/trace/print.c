#include "trace/trace.h"

#include "base/buf.h"
#include "mail/text.h"
#include "trace/fold.h"
#include "trace/view.h"

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
#define BRIEF_MAX_BYTES   200

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

/* A story while it is told. */
struct telling {
    struct buf out;
    struct arena *arena;
    const struct trace_view *view;
    int64_t began_us;
    const struct trace_event *left_out; /* the last of a row that is only counted */
    size_t left_out_count;
    bool is_behind_whole; /* the last one told */
    bool is_short;
};

/* Each line with the indent before it. */
static void add_lines(struct telling *telling, const char *indent, struct str text)
{
    while (text.len) {
        add(&telling->out, str_of(indent));
        add(&telling->out, mail_text_clean(telling->arena, trace_cut_line(&text)));
        add(&telling->out, STR("\n"));
    }
}

static void add_heading(struct telling *telling, const struct trace_event *event)
{
    add_time(&telling->out, event->wall_us);
    if (event->wall_us != telling->began_us) {
        add(&telling->out, STR("  "));
        add_elapsed(&telling->out, event->wall_us - telling->began_us);
    }
    add(&telling->out, STR("  "));
    add(&telling->out, str_of(headings[event->kind]));
}

/* Its first line, and those that name the recipient. */
static void pick_lines(struct str text, struct str recipient, struct buf *out)
{
    for (bool is_first = true; text.len; is_first = false) {
        struct str line = trace_cut_line(&text);
        if (!is_first && !trace_names(line, recipient))
            continue;
        add(out, line);
        add(out, STR("\n"));
    }
}

static void add_text(struct telling *telling, const struct trace_event *event)
{
    const struct trace_view *view = telling->view;
    struct buf text = buf_make(SIZE_MAX / 2);
    if (view->is_full)
        add(&text, event->text);
    else if (view->recipient.len && event->kind == TRACE_ATTEMPT)
        pick_lines(event->text, view->recipient, &text);
    else
        telling->is_short |= trace_fold_fates(event->text, &text);
    add_lines(telling, TEXT_INDENT, buf_str(&text));
    buf_free(&text);
}

static void add_transcript(struct telling *telling, const struct trace_event *event)
{
    struct buf text = buf_make(SIZE_MAX / 2);
    if (telling->view->is_full)
        add(&text, event->transcript);
    else
        telling->is_short |= trace_fold_transcript(event->transcript, &text);
    if (text.len)
        add(&telling->out, STR("\n"));
    add_lines(telling, TRANSCRIPT_INDENT, buf_str(&text));
    buf_free(&text);
}

static void add_whole(struct telling *telling, const struct trace_event *event)
{
    add_heading(telling, event);
    add(&telling->out, STR("\n"));
    add_text(telling, event);
    add_transcript(telling, event);
}

/* Without the conversation; in one line, if all recipients had the same fate. */
static void add_brief(struct telling *telling, const struct trace_event *event)
{
    struct str text = event->text, fate = trace_first_fate(text);
    struct str line = str_first(trace_cut_line(&text), BRIEF_MAX_BYTES);
    bool is_mixed = fate.len && !trace_common_fate(event->text).len;
    telling->is_short = true;
    add_heading(telling, event);
    if (is_mixed) {
        add(&telling->out, STR("\n"));
        add_text(telling, event);
        return;
    }
    add(&telling->out, STR(": "));
    add(&telling->out, mail_text_clean(telling->arena, line));
    if (fate.len)
        add(&telling->out, STR(": "));
    add(&telling->out, mail_text_clean(telling->arena, str_first(fate, BRIEF_MAX_BYTES)));
    add(&telling->out, STR("\n"));
}

/* Lines follow each other, but what is told whole stands apart. */
static void add_gap(struct telling *telling, bool is_whole)
{
    if (is_whole || telling->is_behind_whole)
        add(&telling->out, STR("\n"));
    telling->is_behind_whole = is_whole;
}

/* What was counted, if it is not of one row with `event` (NULL: nothing is). */
static void add_left_out(struct telling *telling, const struct trace_event *event)
{
    const struct trace_event *last = telling->left_out;
    if (!last || (event && trace_is_of_one_row(last, event)))
        return;
    struct str fate = last->kind == TRACE_ATTEMPT ? trace_common_fate(last->text) : STR_EMPTY;
    add_gap(telling, false);
    add(&telling->out,
        arena_printf(telling->arena, "(%zu more: %s%s%.*s)\n", telling->left_out_count,
                     headings[last->kind], fate.len ? ": " : "",
                     STR_FMT(mail_text_clean(telling->arena, fate))));
    telling->left_out = NULL;
    telling->left_out_count = 0;
    telling->is_short = true;
}

static void add_event(struct telling *telling, const struct trace_event *event,
                      enum trace_detail detail)
{
    switch (detail) {
    case TRACE_ELSEWHERE:
        break;
    case TRACE_LEFT_OUT:
        add_left_out(telling, event);
        telling->left_out = event;
        telling->left_out_count++;
        break;
    case TRACE_BRIEF:
        add_left_out(telling, NULL);
        add_gap(telling, false);
        add_brief(telling, event);
        break;
    case TRACE_WHOLE:
        add_left_out(telling, NULL);
        add_gap(telling, true);
        add_whole(telling, event);
        break;
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

struct str trace_print(struct arena *arena, const struct trace_event *events, size_t count,
                       const struct trace_view *view)
{
    if (count == 0)
        return STR_EMPTY;
    struct telling telling = {
        .out = buf_make(SIZE_MAX / 2),
        .arena = arena,
        .view = view,
        .began_us = events[0].wall_us,
    };
    enum trace_detail *details = ARENA_ARRAY(arena, enum trace_detail, count);
    trace_view_choose(events, count, view, details);
    add(&telling.out, STR("Message "));
    add(&telling.out, str_of(spool_id_print(id_of(events, count)).at));
    add(&telling.out, STR("\n"));
    for (size_t i = 0; i < count; i++)
        add_event(&telling, &events[i], details[i]);
    add_left_out(&telling, NULL);
    if (telling.is_short)
        add(&telling.out, STR("\n(shortened: --full tells all, --recipient ADDRESS what became of "
                              "one)\n"));
    struct str story = arena_copy(arena, buf_str(&telling.out));
    buf_free(&telling.out);
    return story;
}
