/* Laws: a story is clean UTF-8 of whole lines, however it is told; told in full it has every line
 * of every event; shortened it is never longer than that, but for the words that say so. The input
 * is a row of events, each with a kind, the lengths of its text and its transcript, and the two. */
#include "mail/text.h"
#include "trace/fold.h"
#include "trace/trace.h"

#include <stdlib.h>

#define EVENTS_MAX      64
#define EVENT_WORDS_MAX 640 /* of a brief line, or of a count that stands for lines */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool law)
{
    if (!law)
        abort();
}

static unsigned take_number(struct str *input)
{
    unsigned number = input->len ? (unsigned char)input->at[0] : 0;
    *input = str_from(*input, 1);
    return number;
}

static struct str take(struct str *input, size_t len)
{
    struct str taken = str_first(*input, len);
    *input = str_from(*input, len);
    return taken;
}

static size_t take_events(struct str input, struct trace_event *events)
{
    size_t count = 0;
    while (input.len && count < EVENTS_MAX) {
        struct trace_event *event = &events[count];
        *event = (struct trace_event){.id = 1, .wall_us = (int64_t)count * 1000};
        count++;
        event->kind = take_number(&input) % (TRACE_KIND_LAST + 1);
        size_t text_len = take_number(&input), transcript_len = take_number(&input) * 4;
        event->text = take(&input, text_len);
        event->transcript = take(&input, transcript_len);
    }
    return count;
}

static size_t count_lines(struct str text)
{
    size_t lines = 0;
    for (; text.len; lines++)
        trace_cut_line(&text);
    return lines;
}

static void check_clean(struct str story)
{
    require(story.len == 0 || story.at[story.len - 1] == '\n');
    while (story.len)
        require(mail_text_is_clean(trace_cut_line(&story)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace_event events[EVENTS_MAX];
    struct arena arena = arena_make();
    size_t count = take_events(str_make((const char *)data, size), events), lines = 0;
    struct str full = trace_print(&arena, events, count, &(struct trace_view){.is_full = true});
    struct str brief = trace_print(&arena, events, count, &(struct trace_view){.is_full = false});
    struct str one =
        trace_print(&arena, events, count, &(struct trace_view){.recipient = STR("a@b")});
    for (size_t i = 0; i < count; i++)
        lines += count_lines(events[i].text) + count_lines(events[i].transcript);
    require(count_lines(full) >= lines);
    require(brief.len <= full.len + count * EVENT_WORDS_MAX + EVENT_WORDS_MAX);
    require(one.len <= full.len + count * EVENT_WORDS_MAX + EVENT_WORDS_MAX);
    check_clean(full);
    check_clean(brief);
    check_clean(one);
    arena_reset(&arena);
    return 0;
}
