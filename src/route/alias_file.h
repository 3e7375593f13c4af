/* The text of an alias file: `name: address, address`, a line each; a line that begins with white
 * space continues the one before it; `#` at the start of a line or behind white space begins a
 * comment. Pure.
 *
 * The name `*`, without quotes, is the catch-all: where names go that are nobody's.
 *
 * What other systems allow and this one refuses, with words for it: programs (`|command`), files
 * (`/path`) and includes (`:include:/path`). */
#ifndef ROUTE_ALIAS_FILE_H
#define ROUTE_ALIAS_FILE_H

#include "mail/address.h"

struct route_alias_reader {
    struct str rest;
    uint32_t line;
};
struct route_alias_reader route_alias_reader_make(struct str text);

struct route_alias_entry {
    uint32_t line;   /* counts from 1 */
    struct str name; /* the meaning of a local part, as written; all in the arena or the text */
    bool is_catch_all;
    struct str *targets;
    size_t target_count;
    /* What is wrong with the entry and what to do, or NULL; then the rest means nothing. */
    const char *problem;
    struct str culprit; /* the words that the problem is about */
};

/* The next entry, in `arena`; false at the end of the text. */
bool route_alias_read(struct route_alias_reader *reader, struct arena *arena,
                      struct route_alias_entry *out_entry);

/* One target: an address, or a local part, which then has no domain. Borrows from `text` and
 * `arena`. When it is neither, false, and *out_problem says what it is. */
bool route_alias_target_parse(struct arena *arena, struct str text, struct mail_address *out_target,
                              const char **out_problem);

/* A local part that stands alone, quoted or not: its meaning. ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK enum err route_local_part_parse(struct arena *arena, struct str text,
                                           struct str *out_local);

#endif
