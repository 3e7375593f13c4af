#include "base/disk_memory_names.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A path that leads to a node; the value in both maps. */
struct name {
    struct disk_node *node;
    char path[];
};

/* `node` appears as `to`, or disappears from `from`, or both. Always the same node. */
struct change {
    struct list link;
    struct disk_node *node;
    char *from; /* NULL: nothing disappears */
    char *to;   /* NULL: nothing appears */
};

/* ---- paths ---- */

/* Without a slash at the end, except "/" itself. */
static struct str clean(const char *terminated)
{
    struct str path = str_of(terminated);
    while (path.len > 1 && path.at[path.len - 1] == '/')
        path.len--;
    return path;
}

static struct str directory_of(struct str path)
{
    size_t slash = str_find_last(path, '/');
    if (slash == SIZE_MAX)
        return STR(".");
    return slash == 0 ? STR("/") : str_first(path, slash);
}

static bool is_root(struct str path) { return str_eq(path, STR("/")) || str_eq(path, STR(".")); }

static bool is_in(struct str path, struct str directory)
{
    return !is_root(path) && str_eq(directory_of(path), directory);
}

static char *copy_path(struct str path)
{
    char *copy = mem_alloc(path.len + 1);
    memcpy(copy, path.at, path.len);
    copy[path.len] = '\0';
    return copy;
}

/* ---- nodes and names ---- */

static struct disk_node *node_ref(struct disk_node *node)
{
    node->references++;
    return node;
}

void disk_node_unref(struct disk_node *node)
{
    if (--node->references)
        return;
    content_done(&node->content);
    mem_free(node);
}

static void gain_holder(struct disk_names *names, struct disk_node *node)
{
    if (node->holders++ == 0)
        names->space.used += content_pages_used(&node->content);
}

void disk_node_hold(struct disk_names *names, struct disk_node *node)
{
    node_ref(node);
    gain_holder(names, node);
}

void disk_node_lose(struct disk_names *names, struct disk_node *node)
{
    if (--node->holders == 0)
        names->space.used -= content_pages_used(&node->content);
}

static struct disk_node *find(const struct map *names, struct str path)
{
    const struct name *name = map_get(names, path);
    return name ? name->node : NULL;
}

static bool leads_to_directory(const struct map *names, struct str path)
{
    const struct disk_node *node = find(names, path);
    return is_root(path) || (node && node->is_directory);
}

/* Puts `node` (NULL: nothing) in place of what the path led to. */
static void set_name(struct map *names, struct str path, struct disk_node *node)
{
    struct name *old;
    if (node) {
        struct name *name = mem_alloc(sizeof *name + path.len);
        name->node = node_ref(node);
        memcpy(name->path, path.at, path.len);
        old = map_set(names, str_make(name->path, path.len), name);
    } else {
        old = map_remove(names, path);
    }
    if (old) {
        disk_node_unref(old->node);
        mem_free(old);
    }
}

static void set_seen(struct disk_names *names, struct str path, struct disk_node *node)
{
    struct disk_node *old = find(&names->seen, path);
    if (node)
        gain_holder(names, node);
    if (old)
        disk_node_lose(names, old);
    set_name(&names->seen, path, node);
}

static void clear_names(struct map *names)
{
    size_t position = 0;
    for (const struct map_entry *entry; (entry = map_next(names, &position));) {
        struct name *name = entry->value;
        disk_node_unref(name->node);
        mem_free(name);
    }
    map_done(names);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_paths(struct disk_paths *paths, const struct map *names, struct str directory)
{
    size_t position = 0;
    for (const struct map_entry *entry; (entry = map_next(names, &position));) {
        if (directory.len && !is_in(entry->key, directory))
            continue;
        paths->at = mem_grow(paths->at, (paths->count + 1) * sizeof *paths->at);
        paths->at[paths->count++] = copy_path(entry->key);
    }
}

/* Of all directories when `directory` is empty. */
static struct disk_paths list_paths(const struct map *names, struct str directory)
{
    struct disk_paths paths = {0};
    add_paths(&paths, names, directory);
    if (paths.count)
        qsort(paths.at, paths.count, sizeof *paths.at, compare_paths);
    return paths;
}

void disk_paths_free(struct disk_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        mem_free(paths->at[i]);
    mem_free(paths->at);
}

/* ---- changes of names ---- */

static void add_change(struct disk_names *names, struct disk_node *node, const char *from,
                       const char *to)
{
    struct change *change = NEW(struct change);
    change->node = node_ref(node);
    change->from = from ? copy_path(clean(from)) : NULL;
    change->to = to ? copy_path(clean(to)) : NULL;
    list_push_back(&names->pending, &change->link);
    if (from)
        set_seen(names, str_of(change->from), NULL);
    if (to)
        set_seen(names, str_of(change->to), node);
}

static void drop_change(struct change *change)
{
    list_remove(&change->link);
    disk_node_unref(change->node);
    mem_free(change->from);
    mem_free(change->to);
    mem_free(change);
}

static void drop_changes(struct disk_names *names)
{
    LIST_EACH_SAFE (&names->pending, link)
        drop_change(CONTAINER_OF(link, struct change, link));
}

static void make_durable(struct disk_names *names, const struct change *change)
{
    if (change->from && find(&names->durable, str_of(change->from)) == change->node)
        set_name(&names->durable, str_of(change->from), NULL);
    if (change->to)
        set_name(&names->durable, str_of(change->to), change->node);
}

/* The directory in whose prefix the change survives or not. */
static struct str home_of(const struct change *change)
{
    return directory_of(str_of(change->to ? change->to : change->from));
}

static bool touches(const struct change *change, struct str directory)
{
    return str_eq(home_of(change), directory) ||
           (change->from && str_eq(directory_of(str_of(change->from)), directory));
}

static bool is_between_directories(const struct change *change)
{
    return change->from && change->to &&
           !str_eq(directory_of(str_of(change->from)), directory_of(str_of(change->to)));
}

/* Earlier changes of a name must not be replayed over a later one that is durable. */
static void forget_earlier(struct disk_names *names, const struct change *change)
{
    LIST_EACH_SAFE (&names->pending, link) {
        struct change *earlier = CONTAINER_OF(link, struct change, link);
        if (earlier == change)
            return;
        if (earlier->to &&
            (strcmp(earlier->to, change->to) == 0 || strcmp(earlier->to, change->from) == 0))
            drop_change(earlier);
    }
}

static void complete_renames(struct disk_names *names, struct str directory)
{
    LIST_EACH (&names->pending, link) {
        const struct change *change = CONTAINER_OF(link, struct change, link);
        if (touches(change, directory) && is_between_directories(change)) {
            make_durable(names, change);
            forget_earlier(names, change);
        }
    }
}

/* The durable names of the directory become those that are seen. */
static void copy_names(struct disk_names *names, struct str directory)
{
    struct disk_paths paths = list_paths(&names->durable, directory);
    add_paths(&paths, &names->seen, directory);
    for (size_t i = 0; i < paths.count; i++) {
        struct str path = str_of(paths.at[i]);
        set_name(&names->durable, path, find(&names->seen, path));
    }
    disk_paths_free(&paths);
}

void disk_names_sync(struct disk_names *names, const char *directory)
{
    struct str path = clean(directory);
    complete_renames(names, path);
    copy_names(names, path);
    LIST_EACH_SAFE (&names->pending, link) {
        struct change *change = CONTAINER_OF(link, struct change, link);
        if (touches(change, path))
            drop_change(change);
    }
}

/* ---- power is lost ---- */

/* Replays a prefix of each directory's changes, and forgets the rest. */
static void crash_changes(struct disk_names *names, struct random *random)
{
    struct map stopped = map_make(); /* directories whose prefix has ended */
    LIST_EACH (&names->pending, link) {
        const struct change *change = CONTAINER_OF(link, struct change, link);
        if (map_get(&stopped, home_of(change)))
            continue;
        if (random && random_below(random, 4))
            make_durable(names, change);
        else
            map_set(&stopped, home_of(change), names);
    }
    map_done(&stopped);
    drop_changes(names);
}

static bool is_reachable(const struct map *names, struct str path)
{
    while (!is_root(path)) {
        path = directory_of(path);
        if (!leads_to_directory(names, path))
            return false;
    }
    return true;
}

/* Parents sort before what is in them, so one pass finds all that hangs in the air. */
static void drop_unreachable(struct map *names)
{
    struct disk_paths paths = list_paths(names, STR_EMPTY);
    for (size_t i = 0; i < paths.count; i++)
        if (!is_reachable(names, str_of(paths.at[i])))
            set_name(names, str_of(paths.at[i]), NULL);
    disk_paths_free(&paths);
}

/* Each file draws from its own sequence, so that what happens to it does not depend on others. */
static void crash_contents(const struct map *names, uint64_t seed)
{
    size_t position = 0;
    for (const struct map_entry *entry; (entry = map_next(names, &position));) {
        struct disk_node *node = ((struct name *)entry->value)->node;
        struct random random = random_seeded(seed + node->serial);
        content_crash(&node->content, seed ? &random : NULL);
        node->holders = 0;
    }
}

static void see_what_is_durable(struct disk_names *names)
{
    clear_names(&names->seen);
    names->space.used = 0;
    size_t position = 0;
    for (const struct map_entry *entry; (entry = map_next(&names->durable, &position));) {
        set_seen(names, entry->key, ((struct name *)entry->value)->node);
    }
}

void disk_names_crash(struct disk_names *names, uint64_t seed)
{
    struct random random = random_seeded(seed);
    crash_changes(names, seed ? &random : NULL);
    drop_unreachable(&names->durable);
    crash_contents(&names->durable, seed);
    see_what_is_durable(names);
}

/* ---- the names as a whole ---- */

void disk_names_init(struct disk_names *names, uint64_t capacity_bytes)
{
    *names = (struct disk_names){.space.capacity = capacity_bytes / CONTENT_PAGE_BYTES};
    list_init(&names->pending);
}

void disk_names_done(struct disk_names *names)
{
    drop_changes(names);
    clear_names(&names->seen);
    clear_names(&names->durable);
}

struct disk_node *disk_names_find(const struct disk_names *names, const char *path)
{
    return find(&names->seen, clean(path));
}

bool disk_names_is_directory(const struct disk_names *names, const char *path)
{
    return leads_to_directory(&names->seen, clean(path));
}

bool disk_names_has_parent(const struct disk_names *names, const char *path)
{
    return leads_to_directory(&names->seen, directory_of(clean(path)));
}

struct disk_node *disk_names_add(struct disk_names *names, const char *path, bool is_directory)
{
    struct disk_node *node = NEW(struct disk_node);
    node->serial = ++names->nodes_made;
    node->is_directory = is_directory;
    add_change(names, node, NULL, path);
    return node;
}

void disk_names_move(struct disk_names *names, const char *from, const char *to)
{
    add_change(names, disk_names_find(names, from), from, to);
}

void disk_names_remove(struct disk_names *names, const char *path)
{
    add_change(names, disk_names_find(names, path), path, NULL);
}

struct disk_paths disk_names_list(const struct disk_names *names, const char *directory)
{
    return list_paths(&names->seen, clean(directory));
}
