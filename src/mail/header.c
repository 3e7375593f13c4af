#include "mail/header.h"

#include "mail/lexer.h"

/* Where the field that begins at reader->at ends, or SIZE_MAX when the bytes do not tell. */
static size_t find_end(struct mail_header_reader *reader, struct str message, bool is_whole)
{
    size_t from = max_size(reader->at, reader->scanned);
    for (;;) {
        size_t skip = str_find(str_from(message, from), '\n');
        if (skip == SIZE_MAX) {
            reader->scanned = message.len;
            return is_whole ? message.len : SIZE_MAX;
        }
        size_t lf = from + skip;
        bool is_crlf = lf > reader->at && message.at[lf - 1] == '\r';
        if (is_crlf && lf + 1 == message.len && !is_whole) {
            reader->scanned = lf;
            return SIZE_MAX;
        }
        from = lf + 1;
        if (is_crlf && (from == message.len || !char_is_wsp(message.at[from])))
            return from;
    }
}

static bool is_field_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] <= ' ' || name.at[i] >= 0x7f)
            return false;
    return name.len > 0;
}

static struct mail_field field_of(struct str raw)
{
    struct str line = str_ends(raw, STR("\r\n")) ? str_first(raw, raw.len - 2) : raw;
    struct mail_field field = {.raw = raw};
    bool has_colon = str_cut(line, ':', &field.name, &field.value);
    while (has_colon && field.name.len && char_is_wsp(field.name.at[field.name.len - 1]))
        field.name.len--;
    if (!has_colon || !is_field_name(field.name))
        return (struct mail_field){.raw = raw, .name = STR_EMPTY, .value = line};
    return field;
}

static enum mail_header_event end_at(struct mail_header_reader *reader, size_t body)
{
    reader->at = body;
    reader->is_at_end = true;
    return MAIL_HEADER_END;
}

enum mail_header_event mail_header_next(struct mail_header_reader *reader, struct str message,
                                        bool is_whole, struct mail_field *out_field)
{
    struct str rest = str_from(message, reader->at);
    if (reader->is_at_end || (rest.len == 0 && is_whole))
        return end_at(reader, reader->at);
    if (str_starts(rest, STR("\r\n")))
        return end_at(reader, reader->at + 2);
    size_t end = find_end(reader, message, is_whole);
    if (end == SIZE_MAX)
        return MAIL_HEADER_MORE;
    *out_field = field_of(str_first(rest, end - reader->at));
    reader->at = end;
    reader->fields++;
    return MAIL_HEADER_FIELD;
}

bool mail_header_find(struct str message, struct str name, struct mail_field *out_field)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    while (mail_header_next(&reader, message, true, &field) == MAIL_HEADER_FIELD) {
        if (mail_field_is(&field, name)) {
            *out_field = field;
            return true;
        }
    }
    return false;
}

size_t mail_header_count(struct str message, struct str name)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    size_t count = 0;
    while (mail_header_next(&reader, message, true, &field) == MAIL_HEADER_FIELD)
        count += mail_field_is(&field, name);
    return count;
}

size_t mail_header_len(struct str message)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    while (mail_header_next(&reader, message, true, &field) == MAIL_HEADER_FIELD)
        ;
    return reader.at;
}

struct str mail_field_unfold(struct arena *arena, struct str value)
{
    if (str_search(value, STR("\r\n")) == SIZE_MAX)
        return str_trim(value);
    char *line = arena_alloc(arena, value.len);
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (str_starts(str_from(value, i), STR("\r\n")))
            i++;
        else
            line[len++] = value.at[i];
    }
    return str_trim(str_make(line, len));
}

/* RFC 8601 writes `[CFWS] authserv-id [ CFWS version ] [CFWS] ";"` with a MIME value as the id: a
 * quoted string, or what stands together up to a blank or the semicolon. */
enum err mail_field_authserv_id(struct arena *arena, struct str value, struct str *out_id)
{
    struct mail_lexer lexer = mail_lexer_make(value);
    struct mail_token first, token;
    enum err err = mail_lexer_next(&lexer, &first);
    if (err)
        return err;
    if (first.kind == MAIL_TOKEN_QUOTED) {
        *out_id = mail_token_text(arena, &first);
        return OK;
    }
    struct str id = str_make(first.raw.at, 0);
    for (token = first; token.kind != MAIL_TOKEN_END && !mail_token_is(&token, ';');) {
        id.len = (size_t)(token.raw.at + token.raw.len - id.at);
        err = mail_lexer_next(&lexer, &token);
        if (err)
            return err;
        if (token.is_separated)
            break;
    }
    if (id.len == 0)
        return ERR_SYNTAX;
    *out_id = id;
    return OK;
}
