/* Laws: whatever senders and servers wrote, a report has a header that parses, with each field
 * once; three parts and no boundary within them; no control byte and no line over 998 bytes outside
 * an original that is returned whole; fields for programs that are exactly ours.
 *
 * The input: one byte of flags, then texts, separated by LF LF: sender, ENVID, address, original
 * recipient, remote host, words; what is left is the original. */
#include "mail/header.h"
#include "report/dsn.h"
#include "smtp/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str take_text(struct str *rest)
{
    struct str text = *rest;
    size_t end = str_search(*rest, STR("\n\n"));
    *rest = end == SIZE_MAX ? STR_EMPTY : str_from(*rest, end + 2);
    return str_first(text, min_size(end, 2000));
}

static void check_text(struct str text, bool utf8)
{
    struct smtp_content content = smtp_content_make();
    smtp_content_add(&content, text);
    smtp_content_end(&content);
    assert(smtp_content_is_clean(&content) && content.long_lines == 0);
    for (size_t i = 0; i < text.len; i++)
        assert(!char_is_control(text.at[i]) || strchr("\r\n\t", text.at[i]));
    assert(utf8 ? str_is_utf8(text) : !content.has_8bit);
}

static void check_header(struct str header)
{
    static const char *const once[] = {"Date",         "From",        "To",
                                       "Subject",      "Message-ID",  "Auto-Submitted",
                                       "MIME-Version", "Content-Type"};
    for (size_t i = 0; i < ARRAY_LEN(once); i++)
        assert(mail_header_count(header, str_of(once[i])) == 1);
    assert(mail_header_count(header, STR("In-Reply-To")) <= 1);
}

/* The part that begins at `body`, and what is behind its boundary. */
static struct str take_part(struct str *body, struct str separator)
{
    size_t end = str_search(*body, separator);
    assert(end != SIZE_MAX);
    struct str part = str_first(*body, end);
    *body = str_from(*body, end + separator.len);
    return part;
}

static struct str content_of(struct str part) { return str_from(part, mail_header_len(part)); }

/* Two blocks: the message's and the one recipient's, of nothing but the fields that there are. */
static void check_fields(struct str fields)
{
    static const char *const known[] = {"Original-Envelope-Id",
                                        "Reporting-MTA",
                                        "Arrival-Date",
                                        "Original-Recipient",
                                        "Final-Recipient",
                                        "Action",
                                        "Status",
                                        "Remote-MTA",
                                        "Diagnostic-Code",
                                        "Last-Attempt-Date",
                                        "Final-Log-ID",
                                        "Will-Retry-Until"};
    size_t blocks = 0;
    while (fields.len) {
        struct mail_header_reader reader = mail_header_reader_make();
        struct mail_field field;
        while (mail_header_next(&reader, fields, true, &field) == MAIL_HEADER_FIELD) {
            bool is_known = false;
            for (size_t i = 0; i < ARRAY_LEN(known); i++)
                is_known |= str_eq(field.name, str_of(known[i]));
            assert(is_known);
        }
        struct str block = str_first(fields, reader.at);
        assert(mail_header_count(block, STR("Reporting-MTA")) == (blocks == 0));
        assert(mail_header_count(block, STR("Final-Recipient")) == (blocks == 1));
        assert(mail_header_count(block, STR("Action")) == (blocks == 1));
        fields = str_from(fields, reader.at);
        blocks++;
    }
    assert(blocks == 2);
}

static void check_message(struct str message, const struct dsn *dsn, struct arena *arena)
{
    struct mail_field type;
    size_t header_len = mail_header_len(message);
    check_text(str_first(message, header_len), dsn->utf8);
    check_header(str_first(message, header_len));
    assert(mail_header_find(message, STR("Content-Type"), &type));
    size_t at = str_search(type.value, STR("boundary=\"")) + strlen("boundary=\"");
    struct str boundary = str_from(type.value, at);
    boundary.len--;
    struct str separator = arena_printf(arena, "\r\n--%.*s", STR_FMT(boundary));
    struct str body = str_from(message, header_len - 2);
    assert(take_part(&body, separator).len == 0);
    struct str text = take_part(&body, separator), fields = take_part(&body, separator);
    struct str original = take_part(&body, separator);
    assert(str_eq(body, STR("--\r\n")));
    check_text(content_of(str_from(text, 2)), dsn->utf8);
    check_text(content_of(str_from(fields, 2)), dsn->utf8);
    check_fields(content_of(str_from(fields, 2)));
    original = str_from(original, 2);
    assert(mail_header_find(original, STR("Content-Type"), &type));
    struct str kind = str_trim(type.value), content = content_of(original);
    if (str_eq(kind, STR("message/rfc822")) || str_eq(kind, STR("message/global")))
        assert(str_eq(content, dsn->original));
    else
        check_text(content, str_eq(kind, STR("message/global-headers")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str rest = str_make((const char *)data + 1, size - 1);
    uint8_t flags = data[0];
    struct dsn_recipient recipient = {
        .action = (enum dsn_action)(flags % DSN_ACTIONS),
        .status = {5, flags / 16, flags % 32},
        .gave_up = flags & 8,
        .attempted_us = 1700000000000000,
        .retries_until_s = 1700100000,
    };
    struct dsn dsn = {
        .hostname = STR("mx.here.example"),
        .postmaster = STR("postmaster@here.example"),
        .id = STR("REPORT000001"),
        .original_id = STR("ORIGINAL0001"),
        .sender = take_text(&rest),
        .envelope_id = take_text(&rest),
        .arrived_us = 1600000000000000,
        .wall_us = 1700000000000000,
        .utf8 = flags & 16,
        .header_only = flags & 32,
        .is_whole = flags & 64,
        .recipients = &recipient,
        .count = 1,
    };
    recipient.address = take_text(&rest);
    recipient.original = take_text(&rest);
    recipient.remote = take_text(&rest);
    recipient.words = take_text(&rest);
    dsn.original = str_first(rest, DSN_ORIGINAL_MAX_BYTES);
    struct arena arena = arena_make();
    struct buf out = buf_make(1 << 22);
    enum err err = dsn_print(&out, &dsn, &arena);
    assert(!err);
    check_message(buf_str(&out), &dsn, &arena);
    buf_free(&out);
    arena_reset(&arena);
    return 0;
}
