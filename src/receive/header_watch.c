#include "receive/header_watch.h"

#define FIRST_STEP_BYTES ((size_t)2048) /* most headers fit */

void header_watch_init(struct header_watch *watch)
{
    *watch = (struct header_watch){
        .bytes = buf_make(HEADER_MAX_BYTES),
        .reader = mail_header_reader_make(),
    };
}

void header_watch_done(struct header_watch *watch) { buf_free(&watch->bytes); }

static void see_from(struct header_watch *watch, const struct mail_field *field)
{
    if (watch->from_count == HEADER_FROM_MAX)
        return;
    size_t i = watch->from_count++;
    watch->from[i].at = (size_t)(field->value.at - watch->bytes.at);
    watch->from[i].len = field->value.len;
}

static void see(struct header_watch *watch, const struct mail_field *field)
{
    if (mail_field_is(field, STR("Received")))
        watch->received_count++;
    else if (mail_field_is(field, STR("From")))
        see_from(watch, field);
    else if (mail_field_is(field, STR("Date")))
        watch->has_date = true;
    else if (mail_field_is(field, STR("Message-ID")))
        watch->has_message_id = true;
    else if (mail_field_is(field, STR("Authentication-Results")))
        watch->has_results = true;
}

static void read_fields(struct header_watch *watch, bool is_whole)
{
    struct mail_field field;
    enum mail_header_event event;
    while ((event = mail_header_next(&watch->reader, buf_str(&watch->bytes), is_whole, &field)) ==
           MAIL_HEADER_FIELD)
        see(watch, &field);
    watch->is_done = event == MAIL_HEADER_END;
}

enum err header_watch_add(struct header_watch *watch, struct str bytes)
{
    if (watch->is_done || bytes.len == 0)
        return OK;
    if (watch->bytes.len == 0)
        watch->begins_folded = char_is_wsp(bytes.at[0]);
    /* Of a long piece most is body. What the end of the header needs is looked at in steps. */
    while (bytes.len && !watch->is_done) {
        size_t room = HEADER_MAX_BYTES - watch->bytes.len;
        if (room == 0)
            return ERR_LIMIT;
        size_t step = min_size(room, max_size(FIRST_STEP_BYTES, watch->bytes.len));
        buf_add_cut(&watch->bytes, str_first(bytes, step));
        bytes = str_from(bytes, step);
        read_fields(watch, false);
    }
    return OK;
}

void header_watch_end(struct header_watch *watch)
{
    if (!watch->is_done)
        read_fields(watch, true);
}

struct str header_watch_from(const struct header_watch *watch, size_t i)
{
    assert(i < watch->from_count);
    return str_make(watch->bytes.at + watch->from[i].at, watch->from[i].len);
}

/* Most messages have none of what is asked for here, so it is not kept while they pass. */
size_t header_watch_values(const struct header_watch *watch, struct str name,
                           struct str *out_values, size_t max)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    size_t count = 0;
    while (count < max &&
           mail_header_next(&reader, buf_str(&watch->bytes), true, &field) == MAIL_HEADER_FIELD)
        if (mail_field_is(&field, name))
            out_values[count++] = field.value;
    return count;
}

bool header_watch_has_8bit(const struct header_watch *watch)
{
    struct str bytes = buf_str(&watch->bytes); /* the beginning of the body may be among them */
    return str_has_8bit(str_first(bytes, mail_header_len(bytes)));
}
