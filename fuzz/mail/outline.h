/* The outline of a message gathered in memory, for the laws alone. */
#ifndef FUZZ_MAIL_OUTLINE_H
#define FUZZ_MAIL_OUTLINE_H

#include "base/buf.h"
#include "base/mem.h"
#include "mail/mime_reader.h"

struct outline_part {
    struct mime_part part;
    struct buf fields; /* but for its encoding */
    struct buf encoding;
    struct buf body;
};

struct outline {
    struct outline_part *parts; /* by number; all that are too many are one */
    size_t count;
    struct buf frame;
    struct buf bytes; /* all of them */
    struct mime_reader reader;
};

static inline void outline_put(struct buf *out, struct str bytes)
{
    enum err err = buf_add(out, bytes);
    assert(!err);
}

static inline struct outline_part *outline_part(struct outline *outline, size_t number)
{
    if (number < outline->count)
        return &outline->parts[number];
    assert(number == outline->count);
    outline->parts =
        (struct outline_part *)mem_grow(outline->parts, ++outline->count * sizeof *outline->parts);
    struct buf empty = buf_make(1 << 24);
    outline->parts[number] =
        (struct outline_part){.fields = empty, .encoding = empty, .body = empty};
    return &outline->parts[number];
}

static inline void outline_see(void *context, const struct mime_event *event)
{
    struct outline *outline = (struct outline *)context;
    struct outline_part *part = outline_part(outline, event->part->number);
    struct buf *const places[] = {
        [MIME_EVENT_FIELD] = &part->fields,        [MIME_EVENT_ENCODING] = &part->encoding,
        [MIME_EVENT_HEADER_END] = &outline->frame, [MIME_EVENT_BODY] = &part->body,
        [MIME_EVENT_FRAME] = &outline->frame,
    };
    assert(event->bytes.len || event->kind == MIME_EVENT_HEADER_END);
    outline_put(&outline->bytes, event->bytes);
    outline_put(places[event->kind], event->bytes);
    if (event->kind == MIME_EVENT_HEADER_END)
        part->part = *event->part;
}

static inline struct outline *outline_read(struct str message, size_t piece)
{
    struct outline *outline = NEW(struct outline);
    struct str rest = message;
    outline->frame = outline->bytes = buf_make(1 << 24);
    mime_reader_begin(&outline->reader, outline_see, outline);
    for (; rest.len; rest = str_from(rest, piece))
        mime_reader_add(&outline->reader, str_first(rest, piece));
    mime_reader_end(&outline->reader);
    assert(str_eq(buf_str(&outline->bytes), message));
    return outline;
}

static inline void outline_free(struct outline *outline)
{
    for (size_t i = 0; i < outline->count; i++) {
        buf_free(&outline->parts[i].fields);
        buf_free(&outline->parts[i].encoding);
        buf_free(&outline->parts[i].body);
    }
    buf_free(&outline->frame);
    buf_free(&outline->bytes);
    mem_free(outline->parts);
    mem_free(outline);
}

static inline bool outline_part_eq(const struct mime_part *a, const struct mime_part *b)
{
    return a->number == b->number && a->parent == b->parent && a->kind == b->kind &&
           a->is_message == b->is_message;
}

#endif
