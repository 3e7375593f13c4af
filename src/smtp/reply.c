#include "smtp/reply.h"

#include "mail/text.h"

struct reply_line {
    int code;
    bool is_last;
    struct str text; /* behind code and separator */
    size_t used;     /* with the line end */
};

static bool parse_code(struct str line, int *out_code)
{
    uint64_t code;
    if (line.len < 3 || !str_to_u64(str_first(line, 3), 599, &code) || code < 200)
        return false;
    *out_code = (int)code;
    return true;
}

static enum err parse_line(struct str in, struct reply_line *out_line)
{
    struct str line = str_first(in, SMTP_REPLY_MAX_LINE_BYTES + 2), rest;
    if (!str_cut(line, '\n', &line, &rest))
        return in.len < SMTP_REPLY_MAX_LINE_BYTES + 2 ? ERR_MORE : ERR_LIMIT;
    struct reply_line found = {.used = line.len + 1};
    if (line.len && line.at[line.len - 1] == '\r')
        line.len--;
    if (line.len > SMTP_REPLY_MAX_LINE_BYTES)
        return ERR_LIMIT;
    if (!parse_code(line, &found.code))
        return ERR_SYNTAX;
    char separator = line.len > 3 ? line.at[3] : ' ';
    if (char_is_digit(separator))
        return ERR_SYNTAX;
    bool has_separator = separator == ' ' || separator == '-';
    found.is_last = separator != '-';
    found.text = str_from(line, has_separator ? 4 : 3);
    *out_line = found;
    return OK;
}

/* Takes the status off the front of a line's text, when it fits the code (RFC 2034 section 4). */
static struct mail_status take_status(int code, struct str *text)
{
    struct mail_status status;
    size_t used;
    if (mail_status_parse(*text, &status, &used) || status.class != code / 100)
        return MAIL_STATUS_NONE;
    *text = str_from(*text, used + 1);
    return status;
}

enum err smtp_reply_parse(struct str in, struct smtp_reply *out_reply, size_t *out_used)
{
    struct smtp_reply reply = {0};
    struct reply_line line;
    size_t used = 0;
    do {
        if (reply.line_count == SMTP_REPLY_MAX_LINES)
            return ERR_LIMIT;
        enum err err = parse_line(str_from(in, used), &line);
        if (err)
            return err == ERR_MORE && in.len >= SMTP_REPLY_MAX_BYTES ? ERR_LIMIT : err;
        if (reply.line_count++ == 0)
            reply.code = line.code;
        else if (line.code != reply.code)
            return ERR_SYNTAX;
        used += line.used;
        if (used > SMTP_REPLY_MAX_BYTES)
            return ERR_LIMIT;
        if (!mail_status_is_set(reply.status))
            reply.status = take_status(line.code, &line.text);
    } while (!line.is_last);
    reply.raw = str_first(in, used);
    *out_reply = reply;
    *out_used = used;
    return OK;
}

bool smtp_reply_next_text(const struct smtp_reply *reply, size_t *position, struct str *out_text)
{
    struct reply_line line;
    if (parse_line(str_from(reply->raw, *position), &line))
        return false;
    *position += line.used;
    take_status(line.code, &line.text);
    *out_text = line.text;
    return true;
}

struct str smtp_reply_text(struct arena *arena, const struct smtp_reply *reply)
{
    char *joined = arena_alloc(arena, reply->raw.len);
    size_t len = 0, position = 0;
    struct str text;
    while (smtp_reply_next_text(reply, &position, &text)) {
        text = str_trim(text);
        if (len && text.len)
            joined[len++] = ' ';
        if (text.len)
            memcpy(joined + len, text.at, text.len);
        len += text.len;
    }
    return mail_text_clean(arena, str_make(joined, len));
}

struct str smtp_reply_summary(struct arena *arena, const struct smtp_reply *reply)
{
    struct str text = smtp_reply_text(arena, reply);
    const char *space = text.len ? " " : "";
    struct mail_status status = reply->status;
    if (!mail_status_is_set(status))
        return arena_printf(arena, "%d%s%.*s", reply->code, space, STR_FMT(text));
    return arena_printf(arena, "%d %u.%u.%u%s%.*s", reply->code, status.class, status.subject,
                        status.detail, space, STR_FMT(text));
}

/* ---- Printing ------------------------------------------------------------------------------- */

#define PRINTED_LINE_MAX_BYTES 512 /* with CRLF */

static enum err add_printable(struct buf *buf, struct str text)
{
    enum err err = buf_reserve(buf, text.len);
    if (err)
        return err;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        buf->at[buf->len++] = char_is_control(c) || char_is_8bit(c) ? '?' : c;
    }
    return OK;
}

static enum err print_line(struct buf *buf, int code, struct mail_status status, struct str text,
                           bool is_last)
{
    bool has_status = mail_status_is_set(status);
    bool is_bare = is_last && !has_status && text.len == 0;
    enum err err = buf_printf(buf, "%03d%s", code, is_bare ? "" : is_last ? " " : "-");
    if (!err && has_status)
        err = mail_status_print(buf, status);
    if (!err && has_status && text.len)
        err = buf_add_char(buf, ' ');
    if (!err)
        err = add_printable(buf, text);
    return err ? err : buf_add(buf, STR("\r\n"));
}

/* How much of a line goes out before a break: whole words where there are any. */
static size_t part_len(struct str line, size_t room)
{
    if (line.len <= room)
        return line.len;
    size_t space = str_find_last(str_first(line, room + 1), ' ');
    return space == SIZE_MAX || space == 0 ? room : space;
}

enum err smtp_reply_print(struct buf *buf, int code, struct mail_status status, struct str text)
{
    size_t room = PRINTED_LINE_MAX_BYTES - strlen("250-\r\n") - MAIL_STATUS_MAX_BYTES - 1;
    size_t before = buf->len;
    struct str line, rest = str_trim(text);
    enum err err = OK;
    bool has_more = true;
    assert(code >= 200 && code <= 599);
    while (has_more && !err) {
        has_more = str_cut(rest, '\n', &line, &rest);
        if (!has_more)
            line = rest;
        if (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        size_t part;
        while (!err && (part = part_len(line, room)) < line.len) {
            err = print_line(buf, code, status, str_first(line, part), false);
            line = str_from(line, line.at[part] == ' ' ? part + 1 : part);
        }
        if (!err)
            err = print_line(buf, code, status, line, !has_more);
    }
    if (err)
        buf->len = before;
    return err;
}
