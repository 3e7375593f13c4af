/* Tag=value lists: RFC 6376 section 3.2. Pure.
 *
 * Signatures, key records and ARC fields are such lists. Names and values are case-sensitive, a
 * name occurs once. More lenient than the ABNF in three points, all of them met in real mail:
 * white space may stand behind the last ";", a fold may be followed by another one, and 8-bit bytes
 * may stand in values (the section's own note). Nothing else is forgiven: an empty specification,
 * a control character and a second tag of the same name make the whole list invalid. */
#ifndef VERIFY_TAG_LIST_H
#define VERIFY_TAG_LIST_H

#include "base/arena.h"
#include "base/err.h"

#define TAG_LIST_MAX 64 /* more tags than that are no list to us */

struct tag {
    struct str name;
    struct str value; /* without white space at both ends; folds within it are still there */
    struct str raw;   /* all between "=" and ";" or the end */
};

struct tag_list {
    struct tag tags[TAG_LIST_MAX];
    size_t count;
};

/* The list borrows from `text`, which is a field's value or a record. ERR_SYNTAX; ERR_LIMIT: more
 * than TAG_LIST_MAX tags. */
MUST_CHECK enum err tag_list_parse(struct str text, struct tag_list *out_list);
/* NULL when there is none. */
const struct tag *tag_list_find(const struct tag_list *list, struct str name);

/* A value without any white space: base64 and dkim-quoted-printable may be folded anywhere. */
struct str tag_value_strip(struct arena *arena, struct str value);
/* Takes the next item off a colon-separated list, without white space around it. False: none left.
 * Begin with the value; an empty value has one item, which is empty. */
struct tag_items {
    struct str rest;
    bool is_at_end;
};
static inline struct tag_items tag_items_make(struct str value)
{
    return (struct tag_items){.rest = value};
}
bool tag_items_next(struct tag_items *items, struct str *out_item);
/* Whether one of the items is this one. */
bool tag_items_have(struct str value, struct str item);

/* Decodes dkim-quoted-printable (section 2.11). ERR_SYNTAX: an "=" without two upper-case digits.
 */
MUST_CHECK enum err tag_value_unquote(struct arena *arena, struct str value, struct str *out_text);

#endif
