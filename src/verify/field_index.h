/* The fields of a header by name, from the bottom up: how RFC 6376 section 5.4.2 picks those that
 * a signature covers. Each pick costs the length of the name, whatever a sender put into header
 * and `h=`. */
#ifndef VERIFY_FIELD_INDEX_H
#define VERIFY_FIELD_INDEX_H

#include "base/arena.h"
#include "base/map.h"
#include "mail/header.h"

#define FIELD_NAME_MAX 998 /* a line; a field with a longer name is never found */

struct indexed_field {
    struct mail_field field;
    const struct indexed_field *above; /* the next one of the same name, upwards */
};

struct field_index {
    struct arena arena;
    struct indexed_field *fields; /* top to bottom */
    size_t count;
    struct map names;
    uint64_t turn;
};

/* Takes the first `count` fields of `header`, which it borrows. */
void field_index_init(struct field_index *index, struct str header, size_t count);
void field_index_done(struct field_index *index);

/* The fields of that name, any case: the lowest, from which `above` leads up. NULL: none. */
const struct indexed_field *field_index_lowest(const struct field_index *index, struct str name);

/* Picks for one signature: each field is given once, the lowest first; NULL when none is left.
 * `except` is never given: the signature's own field. */
void field_index_begin_picking(struct field_index *index);
const struct mail_field *field_index_pick(struct field_index *index, struct str name,
                                          const struct mail_field *except);

#endif
