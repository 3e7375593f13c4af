#include "verify/tag_list.h"

#include "base/encode.h"

/* ---- white space ---- */

/* Length of the piece of folding white space that `s` begins with: a blank, or a line end with a
 * blank behind it; 0 when there is none. */
static size_t fws_len(struct str s)
{
    if (s.len >= 1 && char_is_wsp(s.at[0]))
        return 1;
    if (s.len >= 3 && s.at[0] == '\r' && s.at[1] == '\n' && char_is_wsp(s.at[2]))
        return 3;
    return 0;
}

static struct str skip_fws(struct str s)
{
    for (size_t len = fws_len(s); len; len = fws_len(s))
        s = str_from(s, len);
    return s;
}

static struct str drop_fws_behind(struct str s)
{
    for (;;) {
        size_t blanks = 0;
        while (blanks < s.len && char_is_wsp(s.at[s.len - 1 - blanks]))
            blanks++;
        s.len -= blanks;
        if (!blanks || !str_ends(s, STR("\r\n")))
            return s;
        s.len -= 2;
    }
}

/* ---- lists ---- */

static bool is_name(struct str s)
{
    if (s.len == 0 || !char_is_alpha(s.at[0]))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!char_is_alnum(s.at[i]) && s.at[i] != '_')
            return false;
    return true;
}

/* VALCHAR and folding white space; the semicolon was taken out already. */
static bool is_value(struct str s)
{
    while (s.len) {
        size_t len = fws_len(s);
        if (len == 0 && char_is_control(s.at[0]))
            return false;
        s = str_from(s, len ? len : 1);
    }
    return true;
}

static enum err spec_parse(struct str spec, struct tag *out_tag)
{
    struct tag tag;
    if (!str_cut(spec, '=', &tag.name, &tag.raw))
        return ERR_SYNTAX;
    tag.name = drop_fws_behind(skip_fws(tag.name));
    tag.value = drop_fws_behind(skip_fws(tag.raw));
    if (!is_name(tag.name) || !is_value(tag.value))
        return ERR_SYNTAX;
    *out_tag = tag;
    return OK;
}

static enum err list_add(struct tag_list *list, struct str spec)
{
    struct tag tag;
    enum err err = spec_parse(spec, &tag);
    if (err)
        return err;
    if (tag_list_find(list, tag.name))
        return ERR_SYNTAX;
    if (list->count == TAG_LIST_MAX)
        return ERR_LIMIT;
    list->tags[list->count++] = tag;
    return OK;
}

enum err tag_list_parse(struct str text, struct tag_list *out_list)
{
    out_list->count = 0;
    bool has_more = true;
    while (has_more) {
        struct str spec = text;
        has_more = str_cut(text, ';', &spec, &text);
        if (!has_more && out_list->count && skip_fws(spec).len == 0)
            return OK;
        enum err err = list_add(out_list, spec);
        if (err)
            return err;
    }
    return OK;
}

const struct tag *tag_list_find(const struct tag_list *list, struct str name)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->tags[i].name, name))
            return &list->tags[i];
    return NULL;
}

/* ---- values ---- */

struct str tag_value_strip(struct arena *arena, struct str value)
{
    char *stripped = arena_alloc(arena, value.len + 1);
    size_t len = 0;
    while (value.len) {
        size_t skip = fws_len(value);
        if (skip == 0)
            stripped[len++] = value.at[0];
        value = str_from(value, skip ? skip : 1);
    }
    return str_make(stripped, len);
}

bool tag_items_next(struct tag_items *items, struct str *out_item)
{
    if (items->is_at_end)
        return false;
    struct str item = items->rest;
    items->is_at_end = !str_cut(items->rest, ':', &item, &items->rest);
    *out_item = drop_fws_behind(skip_fws(item));
    return true;
}

bool tag_items_have(struct str value, struct str item)
{
    struct tag_items items = tag_items_make(value);
    struct str each;
    while (tag_items_next(&items, &each))
        if (str_eq(each, item))
            return true;
    return false;
}

static bool is_upper_hex(char c) { return char_is_digit(c) || (c >= 'A' && c <= 'F'); }

enum err tag_value_unquote(struct arena *arena, struct str value, struct str *out_text)
{
    struct str in = tag_value_strip(arena, value);
    char *text = arena_alloc(arena, in.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < in.len; i++) {
        if (in.at[i] != '=') {
            text[len++] = in.at[i];
            continue;
        }
        struct str byte, digits = str_first(str_from(in, i + 1), 2);
        if (digits.len < 2 || !is_upper_hex(digits.at[0]) || !is_upper_hex(digits.at[1]) ||
            hex_decode(arena, digits, &byte))
            return ERR_SYNTAX;
        text[len++] = byte.at[0];
        i += 2;
    }
    *out_text = str_make(text, len);
    return OK;
}
