#include "verify/authres.h"

#include "mail/address.h"
#include "mail/text.h"

#define FOLD_AT   78 /* RFC 5322 section 2.1.1 */
#define TAB_WIDTH 8

static const struct str field_name = STR("Authentication-Results");

/* Writes words with a blank or a fold before each, and remembers the first error. */
struct folder {
    struct buf *buf;
    struct arena *arena; /* for the words */
    size_t column;
    enum err err;
};

static void add(struct folder *folder, struct str bytes)
{
    if (!folder->err)
        folder->err = buf_add(folder->buf, bytes);
    folder->column += bytes.len;
}

static void fold(struct folder *folder)
{
    add(folder, STR("\r\n\t"));
    folder->column = TAB_WIDTH;
}

static void add_word(struct folder *folder, struct str word)
{
    if (folder->column + 1 + word.len <= FOLD_AT)
        add(folder, STR(" "));
    else
        fold(folder);
    add(folder, word);
}

/* ---- Values -------------------------------------------------------------------------------- */

/* A token of RFC 2045 section 5.1. */
static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c <= ' ' || c > '~' || strchr("()<>@,;:\\\"/[]?=", c))
            return false;
    }
    return text.len > 0;
}

/* [ [ local-part ] "@" ] domain-name, with a local part that needs no quotes. */
static bool is_mailbox(struct arena *arena, struct str text)
{
    struct mail_address address;
    if (str_starts(text, STR("@")))
        return mail_domain_is_valid(str_from(text, 1), 0);
    return !mail_address_parse(arena, text, 0, &address) && !address.is_literal &&
           text.at[0] != '"' && str_eq(mail_address_text(arena, &address), text);
}

/* Between quotes, or between parentheses. */
static struct str enclose(struct arena *arena, struct str text, char open, char close)
{
    char *enclosed = arena_alloc(arena, 2 * text.len + 2);
    size_t len = 0;
    enclosed[len++] = open;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == open || c == close || c == '\\')
            enclosed[len++] = '\\';
        enclosed[len++] = c;
    }
    enclosed[len++] = close;
    return str_make(enclosed, len);
}

/* Not in the middle of a UTF-8 sequence. */
static struct str cut(struct str text)
{
    if (text.len <= AUTHRES_VALUE_MAX_BYTES)
        return text;
    size_t len = AUTHRES_VALUE_MAX_BYTES;
    while (len > 0 && ((unsigned char)text.at[len] & 0xc0) == 0x80)
        len--;
    return str_first(text, len);
}

static struct str value_of(struct arena *arena, struct str text)
{
    struct str clean = mail_text_clean(arena, cut(text));
    if (is_token(clean) || is_mailbox(arena, clean))
        return clean;
    return enclose(arena, clean, '"', '"');
}

/* ---- Results ------------------------------------------------------------------------------- */

static void add_property(struct folder *folder, const struct authres_property *property)
{
    struct str value = value_of(folder->arena, property->value);
    add_word(folder, arena_printf(folder->arena, "%s.%s=%.*s", property->type, property->name,
                                  STR_FMT(value)));
}

static void add_result(struct folder *folder, const struct authres_result *result)
{
    struct arena *arena = folder->arena;
    add(folder, STR(";"));
    fold(folder);
    add(folder, arena_printf(arena, "%s=%.*s", result->method, STR_FMT(result->result)));
    if (result->comment.len)
        add_word(folder, enclose(arena, mail_text_clean(arena, cut(result->comment)), '(', ')'));
    if (result->reason.len) {
        struct str reason = mail_text_clean(arena, cut(result->reason));
        reason = enclose(arena, reason, '"', '"');
        add_word(folder, arena_printf(arena, "reason=%.*s", STR_FMT(reason)));
    }
    for (size_t i = 0; i < result->property_count; i++)
        add_property(folder, &result->properties[i]);
}

enum err authres_print_payload(struct buf *buf, struct str authserv_id,
                               const struct authres_result *results, size_t count, size_t column)
{
    struct arena arena = arena_make();
    struct folder folder = {.buf = buf, .arena = &arena, .column = column};
    add(&folder, value_of(&arena, authserv_id));
    for (size_t i = 0; i < count; i++)
        add_result(&folder, &results[i]);
    if (count == 0)
        add(&folder, STR("; none"));
    arena_reset(&arena);
    return folder.err;
}

enum err authres_print(struct buf *buf, struct str authserv_id,
                       const struct authres_result *results, size_t count)
{
    enum err err = buf_printf(buf, "%.*s: ", STR_FMT(field_name));
    if (!err)
        err = authres_print_payload(buf, authserv_id, results, count, field_name.len + 2);
    return err ? err : buf_add(buf, STR("\r\n"));
}

/* ---- Forgeries ----------------------------------------------------------------------------- */

bool authres_is_forged(const struct mail_field *field, struct str authserv_id)
{
    if (!mail_field_is(field, field_name))
        return false;
    struct arena arena = arena_make();
    struct str id;
    bool is_forged =
        mail_field_authserv_id(&arena, field->value, &id) || str_eq_nocase(id, authserv_id);
    arena_reset(&arena);
    return is_forged;
}

enum err authres_strip(struct buf *buf, struct str header, struct str authserv_id,
                       size_t *out_removed)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    size_t removed = 0, fields_end = 0;
    enum err err = OK;
    while (!err && mail_header_next(&reader, header, true, &field) == MAIL_HEADER_FIELD) {
        bool is_forged = authres_is_forged(&field, authserv_id);
        removed += is_forged;
        if (!is_forged)
            err = buf_add(buf, field.raw);
        fields_end = reader.at;
    }
    if (!err)
        err = buf_add(buf, str_from(header, fields_end));
    if (!err)
        *out_removed = removed;
    return err;
}
