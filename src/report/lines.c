#include "report/lines.h"

#include "mail/date.h"
#include "mail/text.h"

void lines_add(struct lines *lines, struct str text)
{
    if (!lines->err)
        lines->err = buf_add(lines->buf, text);
}

void lines_printf(struct lines *lines, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!lines->err)
        lines->err = buf_vprintf(lines->buf, format, args);
    va_end(args);
}

struct str lines_clean(const struct lines *lines, struct str text)
{
    struct str clean = mail_text_clean(lines->arena, text);
    char *at = (char *)(uintptr_t)clean.at; /* a copy of our own */
    for (size_t i = 0; i < clean.len && !lines->utf8; i++)
        if (char_is_8bit(at[i]))
            at[i] = '?';
    return clean;
}

struct str lines_cut(struct str text, size_t max)
{
    size_t len = min_size(text.len, max);
    while (len > 0 && len < text.len && ((unsigned char)text.at[len] & 0xc0) == 0x80)
        len--;
    return str_first(text, len ? len : min_size(text.len, max));
}

/* ---- words on lines ---- */

struct wrap {
    struct lines *lines;
    size_t column;
    size_t indent; /* of each further line, in blanks */
    bool has_word; /* on this line */
};

static void next_line(struct wrap *wrap)
{
    lines_printf(wrap->lines, "\r\n%*s", (int)wrap->indent, "");
    wrap->column = wrap->indent;
    wrap->has_word = false;
}

static void add_word(struct wrap *wrap, struct str word)
{
    if (wrap->has_word && wrap->column + 1 + word.len > LINES_WIDTH)
        next_line(wrap);
    if (wrap->has_word)
        lines_add(wrap->lines, STR(" "));
    wrap->column += wrap->has_word + word.len;
    for (;;) {
        struct str piece = lines_cut(word, LINES_MAX_BYTES - LINES_WIDTH);
        lines_add(wrap->lines, piece);
        wrap->has_word = true;
        word = str_from(word, piece.len);
        if (!word.len)
            return;
        next_line(wrap);
    }
}

static void add_words(struct wrap *wrap, struct str text)
{
    struct str rest = lines_clean(wrap->lines, text), word = rest;
    while (rest.len) {
        if (!str_cut(rest, ' ', &word, &rest)) {
            word = rest;
            rest = STR_EMPTY;
        }
        if (word.len)
            add_word(wrap, word);
    }
}

void lines_text(struct lines *lines, size_t indent, struct str text)
{
    struct wrap wrap = {.lines = lines, .indent = indent, .column = indent};
    lines_printf(lines, "%*s", (int)indent, "");
    add_words(&wrap, text);
    lines_add(lines, STR("\r\n"));
}

/* ---- fields ---- */

void lines_field(struct lines *lines, const char *name, struct str value)
{
    if (!value.len)
        return;
    struct wrap wrap = {
        .lines = lines,
        .indent = 1,
        .column = strlen(name) + 1,
        .has_word = true,
    };
    lines_printf(lines, "%s:", name);
    add_words(&wrap, value);
    lines_add(lines, STR("\r\n"));
}

void lines_plain_field(struct lines *lines, const char *name, struct str value)
{
    if (!value.len)
        return;
    struct str clean = lines_clean(lines, lines_cut(value, LINES_MAX_BYTES));
    lines_printf(lines, "%s: ", name);
    lines_add(lines, clean);
    lines_add(lines, STR("\r\n"));
}

void lines_date_field(struct lines *lines, const char *name, int64_t wall_us)
{
    if (!wall_us)
        return;
    lines_printf(lines, "%s: ", name);
    if (!lines->err)
        lines->err = mail_date_print(lines->buf, wall_us);
    lines_add(lines, STR("\r\n"));
}
