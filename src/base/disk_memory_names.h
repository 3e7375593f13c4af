/* The names on the disk in memory, and what becomes of them when power is lost.
 *
 * 1. There are two sets of names: those seen now, and the durable ones, which a crash returns to.
 * 2. Each change of a name is kept as a pending change of its directory until the directory is
 *    synced. A crash replays, for each directory, a prefix of its pending changes.
 * 3. A rename within a directory is one change. A rename into another directory belongs to the
 *    directory it leads to; it is never half done, so a file cannot be lost between the two, and
 *    syncing either directory completes it.
 * 4. Syncing a file does not save its name. A name in a directory that did not survive is lost.
 *
 * Paths are taken as they are, but for slashes at the end; "/" and "." are always directories.
 * Directories cannot be renamed or removed: nothing here needs it. Not for several threads. */
#ifndef BASE_DISK_MEMORY_NAMES_H
#define BASE_DISK_MEMORY_NAMES_H

#include "base/disk_memory_content.h"
#include "base/list.h"
#include "base/map.h"

/* A file or directory, whatever leads to it. */
struct disk_node {
    unsigned references; /* of names, pending changes and open files; freed by the last */
    unsigned holders;    /* names seen now and open files; the last gives back the space */
    uint64_t serial;     /* 1, 2, … in the order of making */
    bool is_directory;
    struct content content;
};

struct disk_names {
    struct map seen;
    struct map durable;
    struct list pending; /* changes, oldest first */
    struct content_space space;
    uint64_t nodes_made;
};

void disk_names_init(struct disk_names *names, uint64_t capacity_bytes);
void disk_names_done(struct disk_names *names);

/* What the path leads to now, or NULL. */
struct disk_node *disk_names_find(const struct disk_names *names, const char *path);
/* Of the path itself, and of the directory that the name at its end stands in. */
bool disk_names_is_directory(const struct disk_names *names, const char *path);
bool disk_names_has_parent(const struct disk_names *names, const char *path);

/* Makes a new node appear, one appear elsewhere, or disappear. */
struct disk_node *disk_names_add(struct disk_names *names, const char *path, bool is_directory);
void disk_names_move(struct disk_names *names, const char *from, const char *to);
void disk_names_remove(struct disk_names *names, const char *path);

/* For an open file: keeps the node, and the space it uses. `lose` only gives back the space (a
 * crash has done so already); `unref` must follow. */
void disk_node_hold(struct disk_names *names, struct disk_node *node);
void disk_node_lose(struct disk_names *names, struct disk_node *node);
void disk_node_unref(struct disk_node *node);

void disk_names_sync(struct disk_names *names, const char *directory);
/* seed 0: nothing unsynced survives, neither names nor content. */
void disk_names_crash(struct disk_names *names, uint64_t seed);

struct disk_paths {
    char **at;
    size_t count;
};

/* All paths directly in the directory, sorted, since a simulation must not depend on the order of
 * a table. Free them. */
struct disk_paths disk_names_list(const struct disk_names *names, const char *directory);
void disk_paths_free(struct disk_paths *paths);

#endif
