/* Laws: every proper prefix of a reply is unfinished; its text is clean; printing any text gives a
 * reply that parses, whole, with the same code. */
#include "smtp/reply.h"

#include "mail/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reading(struct arena *arena, struct str in)
{
    struct smtp_reply reply, part;
    size_t used, part_used, position = 0, lines = 0;
    struct str text;
    if (smtp_reply_parse(in, &reply, &used))
        return;
    assert(used <= in.len && used <= SMTP_REPLY_MAX_BYTES && reply.raw.len == used);
    assert(reply.code >= 200 && reply.code <= 599);
    while (smtp_reply_next_text(&reply, &position, &text))
        lines++;
    assert(lines == reply.line_count && position == used);
    assert(mail_text_is_clean(smtp_reply_text(arena, &reply)));
    assert(mail_text_is_clean(smtp_reply_summary(arena, &reply)));
    for (size_t len = used > 64 ? used - 64 : 0; len < used; len++)
        assert(smtp_reply_parse(str_first(in, len), &part, &part_used) == ERR_MORE);
}

static void check_printing(struct str text)
{
    struct buf buf = buf_make(1 << 20);
    struct smtp_reply reply;
    size_t used;
    enum err err = smtp_reply_print(&buf, 550, MAIL_STATUS(5, 7, 1), text);
    assert(!err);
    err = smtp_reply_parse(buf_str(&buf), &reply, &used);
    assert(err == ERR_LIMIT || (!err && used == buf.len && reply.code == 550));
    buf_free(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_make((const char *)data, size);
    struct arena arena = arena_make();
    check_reading(&arena, in);
    if (size < 20000)
        check_printing(in);
    arena_reset(&arena);
    return 0;
}
