/* Laws: every line ends with CRLF; there is a From; with -t no Bcc is left, and every recipient has
 * a domain; a message that was made is made again as it is. */
#include "cli/local_message.h"

#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err make(struct buf *out, struct str text, bool takes_recipients, struct arena *arena,
                     struct local_recipients *out_recipients)
{
    struct local_message_options options = {
        .home = STR("home.example"),
        .from = {STR("alice"), STR("home.example"), false},
        .full_name = STR("Alice"),
        .takes_recipients = takes_recipients,
    };
    struct str field;
    return local_message_make(out, text, &options, arena, out_recipients, &field);
}

static void check_lines(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        assert(text.at[i] != '\n' || (i && text.at[i - 1] == '\r'));
        assert(text.at[i] != '\r' || (i + 1 < text.len && text.at[i + 1] == '\n'));
    }
    assert(str_ends(text, STR("\r\n")));
}

static void check_taken(struct str text, struct arena *arena)
{
    struct buf out = buf_make(1 << 22);
    struct local_recipients recipients;
    if (make(&out, text, true, arena, &recipients) == OK) {
        check_lines(buf_str(&out));
        assert(!mail_header_count(buf_str(&out), STR("Bcc")));
        assert(!mail_header_count(buf_str(&out), STR("Resent-Bcc")));
        for (size_t i = 0; i < recipients.count; i++)
            assert(recipients.at[i].local.len && recipients.at[i].domain.len);
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct buf text = buf_make(1 << 22), once = buf_make(1 << 22), twice = buf_make(1 << 22);
    struct local_recipients recipients;
    if (size > 20000)
        return 0;
    enum err err = local_message_read(&text, str_make((const char *)data, size), size % 2);
    assert(!err);
    err = make(&once, buf_str(&text), false, &arena, &recipients);
    assert(!err && recipients.count == 0);
    check_lines(buf_str(&once));
    assert(mail_header_count(buf_str(&once), STR("From")));
    err = make(&twice, buf_str(&once), false, &arena, &recipients);
    assert(!err && str_eq(buf_str(&once), buf_str(&twice)));
    check_taken(buf_str(&text), &arena);
    buf_free(&text);
    buf_free(&once);
    buf_free(&twice);
    arena_reset(&arena);
    return 0;
}
