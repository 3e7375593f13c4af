/* Changing the file of accounts: one change at a time, all or nothing, and nothing else in the file
 * is touched. */
#ifndef CLI_ACCOUNT_FILE_H
#define CLI_ACCOUNT_FILE_H

#include "base/arena.h"
#include "base/err.h"

/* ---- pure: the text with one account's line changed, in `arena` ---- */

/* Put at the end. `addresses` may be empty. */
struct str account_text_add(struct arena *arena, struct str text, struct str name, struct str hash,
                            struct str addresses);
/* With another hash; its addresses stay. */
struct str account_text_set_hash(struct arena *arena, struct str text, struct str name,
                                 struct str hash);
struct str account_text_remove(struct arena *arena, struct str text, struct str name);

/* ---- the file ---- */

/* Waits until no other change is under way; closing *out_lock lets the next one in. */
MUST_CHECK enum err account_file_lock(const char *path, int *out_lock);
/* The text; empty when there is no such file yet. */
MUST_CHECK enum err account_file_read(const char *path, struct arena *arena, struct str *out_text);
/* Replaces the file by a new one of mode 0600 and the old one's owner; durable when it returns. On
 * an error the old file is as it was. */
MUST_CHECK enum err account_file_write(const char *path, struct str text);

#endif
