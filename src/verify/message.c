#include "verify/message.h"

#include "base/mem.h"

#define PIECE_BYTES 16384 /* so that at most so much of the body stands behind the header */

struct verify_message *verify_message_new(void)
{
    struct verify_message *message = NEW(struct verify_message);
    message->arena = arena_make();
    message->header = buf_make(VERIFY_HEADER_MAX_BYTES + PIECE_BYTES);
    message->reader = mail_header_reader_make();
    body_digests_init(&message->body);
    return message;
}

void verify_message_free(struct verify_message *message)
{
    if (!message)
        return;
    if (message->is_header_known)
        field_index_done(&message->fields);
    body_digests_done(&message->body);
    buf_free(&message->header);
    arena_reset(&message->arena);
    mem_free(message);
}

void verify_message_observe(struct verify_message *message, struct verify_observer *observer)
{
    assert(message->header.len == 0 && !message->is_header_known);
    observer->next = message->observers;
    message->observers = observer;
}

static void end_header(struct verify_message *message)
{
    struct str header = str_first(buf_str(&message->header), message->reader.at);
    field_index_init(&message->fields, header, message->reader.fields);
    message->is_header_known = true;
    for (struct verify_observer *each = message->observers; each; each = each->next)
        each->header_known(each, message);
}

/* Reads on in the header. False: it goes on behind what is known. */
static bool read_header(struct verify_message *message, bool is_whole)
{
    struct mail_field field;
    while (message->reader.fields < VERIFY_FIELDS_MAX) {
        enum mail_header_event event =
            mail_header_next(&message->reader, buf_str(&message->header), is_whole, &field);
        if (event == MAIL_HEADER_END)
            return true;
        if (event == MAIL_HEADER_MORE && message->header.len <= VERIFY_HEADER_MAX_BYTES)
            return false;
        if (event == MAIL_HEADER_MORE)
            break;
    }
    message->is_header_too_large = true;
    return true;
}

static void add_to_header(struct verify_message *message, struct str bytes)
{
    enum err err = buf_add(&message->header, bytes);
    assert(err == OK);
    if (!read_header(message, false))
        return;
    end_header(message);
    if (!message->is_header_too_large)
        body_digests_add(&message->body, str_from(buf_str(&message->header), message->reader.at));
}

void verify_message_add(struct verify_message *message, struct str bytes)
{
    assert(!message->has_ended);
    while (bytes.len && !message->is_header_known) {
        add_to_header(message, str_first(bytes, PIECE_BYTES));
        bytes = str_from(bytes, min_size(bytes.len, PIECE_BYTES));
    }
    if (!message->is_header_too_large)
        body_digests_add(&message->body, bytes);
}

void verify_message_end(struct verify_message *message)
{
    assert(!message->has_ended);
    message->has_ended = true;
    if (!message->is_header_known) {
        bool known = read_header(message, true);
        assert(known);
        end_header(message);
    }
    body_digests_end(&message->body);
}
