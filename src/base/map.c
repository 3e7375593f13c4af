#include "base/map.h"

#include "base/mem.h"

/* Open addressing with linear probing. Removing shifts later entries of the run back instead of
 * leaving a mark, so a table that is long in use does not slow down. */

#define CAP_FIRST 16

void map_done(struct map *map)
{
    mem_free(map->entries);
    *map = map_make();
}

/* The entry of `key`, or the free slot where it belongs. The table is never full. */
static struct map_entry *find(const struct map *map, struct str key, uint64_t hash)
{
    size_t mask = map->cap - 1;
    size_t at = hash & mask;
    while (map->entries[at].value) {
        struct map_entry *entry = &map->entries[at];
        if (entry->hash == hash && str_eq(entry->key, key))
            return entry;
        at = (at + 1) & mask;
    }
    return &map->entries[at];
}

static void grow(struct map *map)
{
    struct map old = *map;
    map->cap = old.cap ? old.cap * 2 : CAP_FIRST;
    assert(map->cap <= SIZE_MAX / sizeof *map->entries);
    map->entries = mem_zalloc(map->cap * sizeof *map->entries);
    for (size_t i = 0; i < old.cap; i++)
        if (old.entries[i].value)
            *find(map, old.entries[i].key, old.entries[i].hash) = old.entries[i];
    mem_free(old.entries);
}

void *map_get(const struct map *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    return find(map, key, str_hash(key))->value;
}

void *map_set(struct map *map, struct str key, void *value)
{
    assert(value);
    if (map->count >= map->cap / 4 * 3)
        grow(map);
    uint64_t hash = str_hash(key);
    struct map_entry *entry = find(map, key, hash);
    void *replaced = entry->value;
    if (!replaced)
        map->count++;
    /* The key too: the old one may live in the value that is replaced. */
    *entry = (struct map_entry){.key = key, .value = value, .hash = hash};
    return replaced;
}

/* Fills the hole with the next entry of the run that may stand there, and so on with the hole
 * which that leaves. An entry may move back to the hole unless its home lies behind the hole. */
static void close_hole(struct map *map, size_t hole)
{
    size_t mask = map->cap - 1;
    for (size_t at = (hole + 1) & mask; map->entries[at].value; at = (at + 1) & mask) {
        size_t from_home = (at - map->entries[at].hash) & mask;
        size_t from_hole = (at - hole) & mask;
        if (from_home >= from_hole) {
            map->entries[hole] = map->entries[at];
            hole = at;
        }
    }
    map->entries[hole] = (struct map_entry){0};
}

void *map_remove(struct map *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    struct map_entry *entry = find(map, key, str_hash(key));
    void *removed = entry->value;
    if (removed) {
        close_hole(map, (size_t)(entry - map->entries));
        map->count--;
    }
    return removed;
}

const struct map_entry *map_next(const struct map *map, size_t *position)
{
    while (*position < map->cap) {
        const struct map_entry *entry = &map->entries[(*position)++];
        if (entry->value)
            return entry;
    }
    return NULL;
}
