/* The part with the original: as it is, where nothing in it can do harm on the way, else a cleaned
 * copy of its header. */
#include "mail/header.h"
#include "mail/text.h"
#include "report/dsn_parts.h"
#include "smtp/content.h"

/* ---- all of it ---- */

static bool is_fit(struct str message)
{
    struct smtp_content content = smtp_content_make();
    smtp_content_add(&content, message);
    smtp_content_end(&content);
    return smtp_content_is_clean(&content) && content.long_lines == 0;
}

/* RFC 3461 section 4.3: what was delivered, or still may be, is not sent back. */
static bool wants_all(const struct dsn *dsn)
{
    return !dsn->header_only && dsn->is_whole && dsn_worst_action(dsn) == DSN_FAILED &&
           dsn->original.len <= DSN_ORIGINAL_MAX_BYTES;
}

/* ---- its header ---- */

struct copy {
    char *at;
    size_t len;
    size_t column;
};

static void put(struct copy *copy, char c)
{
    copy->at[copy->len++] = c;
    copy->column = c == '\n' ? 0 : copy->column + 1;
}

/* Text on its lines; a line that is too long goes on behind a fold. */
static void put_line(struct copy *copy, struct str line)
{
    for (size_t i = 0; i < line.len; i++) {
        bool starts_character = ((unsigned char)line.at[i] & 0xc0) != 0x80;
        if (copy->column >= LINES_MAX_BYTES && starts_character) {
            put(copy, '\r');
            put(copy, '\n');
            put(copy, ' ');
        }
        put(copy, line.at[i]);
    }
    put(copy, '\r');
    put(copy, '\n');
}

/* TAB stays; every other control byte goes, CR and LF that end no line too. `keep_8bit`: the line
 * is UTF-8. */
static struct str clean_line(struct str line, bool keep_8bit, struct arena *arena)
{
    struct str clean = mail_text_clean(arena, line);
    char *at = (char *)(uintptr_t)clean.at; /* a copy of our own */
    for (size_t i = 0; i < clean.len; i++) {
        if (line.at[i] == '\t')
            at[i] = '\t';
        else if (char_is_8bit(at[i]) && !keep_8bit)
            at[i] = '?';
    }
    return clean;
}

/* A line of nothing but blanks would look like the end of the header to some. */
static bool is_blank(struct str line) { return str_trim(line).len == 0; }

static void copy_field(struct copy *copy, struct str raw, bool keep_8bit, struct arena *arena)
{
    while (raw.len) {
        size_t end = str_search(raw, STR("\r\n"));
        struct str line = str_first(raw, end);
        raw = end == SIZE_MAX ? STR_EMPTY : str_from(raw, end + 2);
        if (!is_blank(line))
            put_line(copy, clean_line(line, keep_8bit, arena));
    }
}

/* The fields that are there in full. */
static struct str copy_header(struct str message, bool is_whole, bool keep_8bit,
                              struct arena *arena)
{
    struct mail_header_reader reader = mail_header_reader_make();
    struct mail_field field;
    struct copy copy = {.at = arena_alloc(arena, message.len + message.len / 128 + 16)};
    while (mail_header_next(&reader, message, is_whole, &field) == MAIL_HEADER_FIELD)
        copy_field(&copy, field.raw, keep_8bit, arena);
    return str_make(copy.at, copy.len);
}

/* ---- the choice ---- */

struct dsn_returned dsn_return_original(const struct dsn *dsn, struct arena *arena)
{
    struct str header = str_first(dsn->original, mail_header_len(dsn->original));
    bool is_global = str_has_8bit(header) && str_is_utf8(header);
    if (wants_all(dsn) && is_fit(dsn->original))
        return (struct dsn_returned){is_global ? "message/global" : "message/rfc822",
                                     dsn->original};
    return (struct dsn_returned){
        is_global ? "message/global-headers" : "text/rfc822-headers",
        copy_header(dsn->original, dsn->is_whole, is_global, arena),
    };
}
