#include "verify/spf_macro.h"

#include "verify/domain.h"

#define PARTS_MAX 512 /* of a value; more than any value that can be asked for has */

/* One piece of a text: a literal byte, "%%" and its like, or a macro. */
struct piece {
    size_t len;   /* in the text */
    char literal; /* 0: a macro */
    bool is_space_url;
    char letter; /* lower case */
    bool is_upper;
    bool is_reversed;
    size_t count; /* right-hand parts to keep */
    struct str delimiters;
};

/* ---- Syntax -------------------------------------------------------------------------------- */

static bool is_delimiter(char c) { return c && strchr(".-+,/_=", c); }

/* *DIGIT, at `at`. No digits mean all parts. */
static enum err read_count(struct str text, size_t *at, size_t *out_count)
{
    size_t count = 0, digits = 0;
    for (; *at < text.len && char_is_digit(text.at[*at]); ++*at, digits++)
        count = min_size(count * 10 + (size_t)(text.at[*at] - '0'), PARTS_MAX);
    if (digits && count == 0)
        return ERR_SYNTAX;
    *out_count = digits ? count : PARTS_MAX;
    return OK;
}

/* "%{" macro-letter transformers *delimiter "}" */
static enum err read_macro(struct str text, struct piece *piece)
{
    if (text.len < 3 || !char_is_alpha(text.at[2]))
        return ERR_SYNTAX;
    piece->letter = char_lower(text.at[2]);
    piece->is_upper = piece->letter != text.at[2];
    if (!strchr("slodiphcrtv", piece->letter))
        return ERR_SYNTAX;
    size_t at = 3;
    enum err err = read_count(text, &at, &piece->count);
    if (err)
        return err;
    if (at < text.len && char_lower(text.at[at]) == 'r') {
        piece->is_reversed = true;
        at++;
    }
    size_t first = at;
    while (at < text.len && is_delimiter(text.at[at]))
        at++;
    piece->delimiters = at > first ? str_make(text.at + first, at - first) : STR(".");
    if (at == text.len || text.at[at] != '}')
        return ERR_SYNTAX;
    piece->len = at + 1;
    return OK;
}

static enum err read_piece(struct str text, struct piece *out_piece)
{
    struct piece piece = {.len = 2};
    char c = text.at[0], next = text.len > 1 ? text.at[1] : '\0';
    if (c < ' ' || c > '~')
        return ERR_SYNTAX;
    if (c != '%') {
        piece.len = 1;
        piece.literal = c;
    } else if (next == '{') {
        enum err err = read_macro(text, &piece);
        if (err)
            return err;
    } else if (next == '%' || next == '_') {
        piece.literal = next == '%' ? '%' : ' ';
    } else if (next == '-') {
        piece.is_space_url = true;
    } else {
        return ERR_SYNTAX;
    }
    *out_piece = piece;
    return OK;
}

/* toplabel: letters, digits and inner hyphens, not digits alone. */
static bool is_top_label(struct str label)
{
    bool has_other = false;
    if (label.len == 0 || label.at[0] == '-' || label.at[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!char_is_alnum(label.at[i]) && label.at[i] != '-')
            return false;
        has_other |= !char_is_digit(label.at[i]);
    }
    return has_other;
}

/* domain-end, given what stands behind the last macro: "." toplabel [ "." ], or nothing if there
 * was a macro. */
static bool is_domain_end(struct str tail, bool has_macro)
{
    if (tail.len == 0)
        return has_macro;
    if (str_ends(tail, STR(".")))
        tail.len--;
    size_t dot = str_find_last(tail, '.');
    return dot != SIZE_MAX && is_top_label(str_from(tail, dot + 1));
}

static bool is_allowed(const struct piece *piece, enum spf_macro_text kind)
{
    bool is_explanatory = piece->letter && strchr("crt", piece->letter);
    return kind != SPF_MACRO_DOMAIN || !is_explanatory;
}

enum err spf_macro_check(struct str text, enum spf_macro_text kind)
{
    struct str tail = text;
    bool has_macro = false;
    for (struct str rest = text; rest.len;) {
        struct piece piece;
        enum err err = read_piece(rest, &piece);
        if (err)
            return err;
        if (!is_allowed(&piece, kind) || (rest.at[0] == ' ' && kind != SPF_MACRO_EXPLANATION))
            return ERR_SYNTAX;
        rest = str_from(rest, piece.len);
        if (piece.len > 1) {
            has_macro = true;
            tail = rest;
        }
    }
    return kind != SPF_MACRO_DOMAIN || is_domain_end(tail, has_macro) ? OK : ERR_SYNTAX;
}

bool spf_macro_uses(struct str text, char letter)
{
    struct piece piece;
    for (; text.len && !read_piece(text, &piece); text = str_from(text, piece.len))
        if (piece.letter == letter)
            return true;
    return false;
}

/* ---- Expansion ----------------------------------------------------------------------------- */

struct parts {
    struct str at[PARTS_MAX];
    size_t count;
};

static size_t find_delimiter(struct str value, struct str delimiters)
{
    for (size_t i = 0; i < value.len; i++)
        if (str_find(delimiters, value.at[i]) != SIZE_MAX)
            return i;
    return value.len;
}

/* What stands behind so many parts that they cannot be held stays together in the last. */
static void split(struct str value, struct str delimiters, struct parts *parts)
{
    parts->count = 0;
    for (;;) {
        size_t len = find_delimiter(value, delimiters);
        bool is_last = len == value.len || parts->count == PARTS_MAX - 1;
        parts->at[parts->count++] = is_last ? value : str_first(value, len);
        if (is_last)
            return;
        value = str_from(value, len + 1);
    }
}

static void reverse(struct parts *parts)
{
    for (size_t i = 0; i < parts->count / 2; i++) {
        struct str swapped = parts->at[i];
        parts->at[i] = parts->at[parts->count - 1 - i];
        parts->at[parts->count - 1 - i] = swapped;
    }
}

static bool is_unreserved(char c) { return char_is_alnum(c) || (c && strchr("-._~", c)); }

static enum err add_escaped(struct buf *buf, struct str value)
{
    enum err err = OK;
    for (size_t i = 0; i < value.len && !err; i++)
        err = is_unreserved(value.at[i]) ? buf_add_char(buf, value.at[i])
                                         : buf_printf(buf, "%%%02X", (unsigned char)value.at[i]);
    return err;
}

static enum err add_parts(struct buf *buf, const struct piece *piece, const struct parts *parts)
{
    size_t first = parts->count - min_size(parts->count, piece->count);
    enum err err = OK;
    for (size_t i = first; i < parts->count && !err; i++) {
        if (i > first)
            err = buf_add_char(buf, '.');
        if (!err)
            err = piece->is_upper ? add_escaped(buf, parts->at[i]) : buf_add(buf, parts->at[i]);
    }
    return err;
}

/* The parts would be much for a fiber's stack. */
static enum err add_macro(struct buf *buf, struct arena *arena, const struct piece *piece,
                          const struct spf_macro_values *values)
{
    struct str value = values->of[SPF_MACRO(piece->letter)];
    if (str_has_8bit(value))
        return ERR_UNSUPPORTED;
    struct parts *parts = ARENA_NEW(arena, struct parts);
    split(value, piece->delimiters, parts);
    if (piece->is_reversed)
        reverse(parts);
    return add_parts(buf, piece, parts);
}

static enum err add_piece(struct buf *buf, struct arena *arena, const struct piece *piece,
                          const struct spf_macro_values *values)
{
    if (piece->literal)
        return buf_add_char(buf, piece->literal);
    if (piece->is_space_url)
        return buf_add(buf, STR("%20"));
    return add_macro(buf, arena, piece, values);
}

/* Of a name only the end counts, whatever it grew to: this much, and one byte to see whether a
 * label begins there. */
#define NAME_KEEP_BYTES (DOMAIN_MAX_BYTES + 2)
#define NAME_GROW_BYTES (64 * 1024)

static void forget_front(struct buf *buf)
{
    if (buf->len > NAME_KEEP_BYTES)
        buf_drop(buf, buf->len - NAME_KEEP_BYTES);
}

static enum err expand(struct buf *buf, struct str text, bool is_name,
                       const struct spf_macro_values *values)
{
    struct arena scratch = arena_make();
    enum err err = OK;
    while (text.len && !err) {
        struct piece piece;
        err = read_piece(text, &piece);
        assert(!err); /* it was checked */
        if (is_name)
            forget_front(buf);
        err = add_piece(buf, &scratch, &piece, values);
        text = str_from(text, piece.len);
        arena_reset(&scratch);
    }
    return err;
}

static struct str shorten(struct str name)
{
    while (name.len > DOMAIN_MAX_BYTES) {
        size_t dot = str_find(name, '.');
        name = str_from(name, dot == SIZE_MAX ? name.len : dot + 1);
    }
    return name;
}

enum err spf_macro_expand_domain(struct arena *arena, struct str spec,
                                 const struct spf_macro_values *values, struct str *out_name)
{
    struct buf buf = buf_make(NAME_GROW_BYTES);
    enum err err = expand(&buf, spec, true, values);
    struct str name = buf_str(&buf);
    if (str_ends(name, STR(".")))
        name.len--;
    if (!err)
        *out_name = arena_copy(arena, shorten(name));
    buf_free(&buf);
    return err;
}

enum err spf_macro_expand_explanation(struct arena *arena, struct str text,
                                      const struct spf_macro_values *values,
                                      struct str *out_explanation)
{
    struct buf buf = buf_make(SPF_EXPLANATION_MAX_BYTES);
    enum err err = expand(&buf, text, false, values);
    if (!err)
        *out_explanation = arena_copy(arena, buf_str(&buf));
    buf_free(&buf);
    return err;
}
