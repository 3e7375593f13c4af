#include "cli/compose.h"

#include "base/encode.h"
#include "mail/date.h"

#define ENCODED_LINE_BYTES ((size_t)57) /* makes 76 characters of base64 */
/* An encoded word is 75 characters at most (RFC 2047 section 2): 45 bytes of UTF-8. */
#define WORD_BYTES 45
/* Longer names are folded, as encoded words. */
#define NAME_PLAIN_BYTES 200

enum err compose_canonical(struct buf *buf, struct str bytes)
{
    enum err err = OK;
    size_t line_start = buf->len;
    for (size_t i = 0; i < bytes.len && !err; i++) {
        char c = bytes.at[i];
        if (c == '\r' || c == '\n') {
            err = buf_add(buf, STR("\r\n"));
            line_start = buf->len;
            if (c == '\r' && i + 1 < bytes.len && bytes.at[i + 1] == '\n')
                i++;
        } else {
            err = buf_add_char(buf, c);
        }
    }
    return !err && buf->len > line_start ? buf_add(buf, STR("\r\n")) : err;
}

/* Length of a piece of at most WORD_BYTES that does not cut a character in two. */
static size_t word_len(struct str text)
{
    size_t len = min_size(text.len, WORD_BYTES);
    while (len < text.len && len > 1 && ((unsigned char)text.at[len] & 0xc0) == 0x80)
        len--;
    return len;
}

/* RFC 2047. */
static enum err add_encoded_words(struct buf *buf, struct str text)
{
    struct arena arena = arena_make();
    enum err err = OK;
    for (bool first = true; text.len && !err; first = false) {
        size_t len = word_len(text);
        struct str encoded = base64_encode(&arena, str_first(text, len));
        err = buf_printf(buf, "%s=?UTF-8?B?%.*s?=", first ? "" : "\r\n ", STR_FMT(encoded));
        text = str_from(text, len);
    }
    arena_reset(&arena);
    return err;
}

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (char_is_8bit(text.at[i]) || char_is_control(text.at[i]))
            return false;
    return true;
}

static enum err add_header_text(struct buf *buf, struct str text)
{
    bool plain = text.len < 900 && is_printable(text);
    return plain ? buf_add(buf, text) : add_encoded_words(buf, text);
}

static enum err add_quoted(struct buf *buf, struct str name)
{
    enum err err = buf_add_char(buf, '"');
    for (size_t i = 0; i < name.len && !err; i++) {
        if (name.at[i] == '"' || name.at[i] == '\\')
            err = buf_add_char(buf, '\\');
        if (!err)
            err = buf_add_char(buf, name.at[i]);
    }
    return err ? err : buf_add_char(buf, '"');
}

enum err compose_name(struct buf *buf, struct str name)
{
    if (name.len > NAME_PLAIN_BYTES || !is_printable(name))
        return add_encoded_words(buf, name);
    bool is_atoms = name.len > 0;
    for (size_t i = 0; i < name.len; i++)
        is_atoms = is_atoms && (char_is_alnum(name.at[i]) || name.at[i] == ' ');
    return is_atoms ? buf_add(buf, name) : add_quoted(buf, name);
}

static enum err add_base64(struct buf *buf, struct str bytes)
{
    struct arena arena = arena_make();
    enum err err = OK;
    while (bytes.len && !err) {
        err = buf_printf(buf, "%.*s\r\n",
                         STR_FMT(base64_encode(&arena, str_first(bytes, ENCODED_LINE_BYTES))));
        bytes = str_from(bytes, ENCODED_LINE_BYTES);
        arena_reset(&arena);
    }
    return err;
}

static enum err add_text_part(struct buf *buf, struct str text)
{
    enum err err = buf_add(buf, STR("Content-Type: text/plain; charset=utf-8\r\n"));
    bool long_line = false;
    for (size_t i = 0, line = 0; i < text.len; i++) {
        line = text.at[i] == '\n' ? 0 : line + 1;
        long_line = long_line || line > 900;
    }
    if (!err && (long_line || str_has_8bit(text))) {
        err = buf_add(buf, STR("Content-Transfer-Encoding: base64\r\n\r\n"));
        struct buf canonical = buf_make(text.len * 2 + 2);
        if (!err)
            err = compose_canonical(&canonical, text);
        if (!err)
            err = add_base64(buf, buf_str(&canonical));
        buf_free(&canonical);
        return err;
    }
    if (!err)
        err = buf_add(buf, STR("\r\n"));
    return err ? err : compose_canonical(buf, text);
}

static enum err add_attachment(struct buf *buf, const struct compose_attachment *attachment)
{
    enum err err = buf_add(buf, STR("Content-Type: application/octet-stream\r\n"
                                    "Content-Transfer-Encoding: base64\r\n"
                                    "Content-Disposition: attachment; filename=\""));
    for (size_t i = 0; i < attachment->name.len && !err; i++) {
        char c = attachment->name.at[i];
        err = buf_add_char(buf, c == '"' || c == '\\' || char_is_control(c) || char_is_8bit(c) ? '_'
                                                                                               : c);
    }
    if (!err)
        err = buf_add(buf, STR("\"\r\n\r\n"));
    return err ? err : add_base64(buf, attachment->content);
}

static enum err add_header(struct buf *buf, const struct compose *compose)
{
    enum err err = buf_add(buf, STR("Date: "));
    if (!err)
        err = mail_date_print(buf, compose->wall_us);
    if (!err)
        err = buf_printf(buf, "\r\nFrom: <%.*s>\r\nTo: ", STR_FMT(compose->from));
    for (size_t i = 0; i < compose->to_count && !err; i++)
        err = buf_printf(buf, "%s<%.*s>", i ? ",\r\n " : "", STR_FMT(compose->to[i]));
    if (!err)
        err = buf_add(buf, STR("\r\nSubject: "));
    if (!err)
        err = add_header_text(buf, compose->subject);
    if (!err)
        err = buf_printf(buf, "\r\nMessage-ID: <%016llx@%.*s>\r\nMIME-Version: 1.0\r\n",
                         (unsigned long long)compose->unique, STR_FMT(compose->hostname));
    return err;
}

enum err compose_message(struct buf *buf, const struct compose *compose)
{
    unsigned long long boundary = compose->unique;
    enum err err = add_header(buf, compose);
    if (err || compose->attachment_count == 0)
        return err ? err : add_text_part(buf, compose->text);
    err = buf_printf(buf,
                     "Content-Type: multipart/mixed; boundary=\"=_%016llx\"\r\n\r\n--=_%016llx\r\n",
                     boundary, boundary);
    if (!err)
        err = add_text_part(buf, compose->text);
    for (size_t i = 0; i < compose->attachment_count && !err; i++) {
        err = buf_printf(buf, "--=_%016llx\r\n", boundary);
        if (!err)
            err = add_attachment(buf, &compose->attachments[i]);
    }
    return err ? err : buf_printf(buf, "--=_%016llx--\r\n", boundary);
}
