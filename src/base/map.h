/* A hash table from byte strings to pointers. Keys are borrowed: they must live as long as their
 * entry (usually inside the value). Seeded by str_hash, so peers cannot choose collisions. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct map_entry {
    struct str key;
    void *value; /* NULL: free slot */
    uint64_t hash;
};

struct map {
    struct map_entry *entries;
    size_t count;
    size_t cap; /* power of two, or 0 */
};

static inline struct map map_make(void) { return (struct map){0}; }
/* Frees the table, neither keys nor values. */
void map_done(struct map *map);

/* NULL when there is none. */
void *map_get(const struct map *map, struct str key);
/* Adds or replaces; `value` is not NULL. Returns the value that was replaced, or NULL. */
void *map_set(struct map *map, struct str key, void *value);
/* Returns the value removed, or NULL. */
void *map_remove(struct map *map, struct str key);
/* Walks all entries in no order: start with *position = 0; NULL at the end. The map must not
 * change meanwhile. */
const struct map_entry *map_next(const struct map *map, size_t *position);

#endif
