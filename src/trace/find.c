#include "base/mem.h"
#include "trace/record.h"
#include "trace/store.h"

#define FOUND_BYTES_MAX  ((size_t)16 << 20) /* what one answer may hold: the oldest events */
#define READ_BYTES_FIRST 8192               /* most records are shorter */

struct finding {
    struct arena *arena;
    spool_id id;
    struct trace_event *events;
    size_t count, cap;
    size_t bytes;
};

static void found_add(struct finding *found, const struct trace_event *event)
{
    if (found->count == found->cap) {
        found->cap = max_size(found->cap * 2, 16);
        found->events = mem_grow(found->events, found->cap * sizeof *found->events);
    }
    struct trace_event *copy = &found->events[found->count++];
    *copy = *event;
    copy->text = arena_copy(found->arena, event->text);
    copy->transcript = arena_copy(found->arena, event->transcript);
    found->bytes += event->text.len + event->transcript.len + sizeof *event;
}

/* Reads the record at `offset`; one that does not prove itself is left out. */
static void found_read(struct finding *found, struct disk_file *file, uint64_t offset, spool_id id)
{
    size_t room = READ_BYTES_FIRST, len, used;
    char *bytes = mem_alloc(room);
    struct trace_event event;
    enum err err = disk_read(file, offset, bytes, room, &len);
    if (!err && len > TRACE_RECORD_HEADER_BYTES && trace_record_len(bytes) > len &&
        trace_record_len(bytes) <= TRACE_RECORD_MAX_BYTES) {
        room = trace_record_len(bytes);
        bytes = mem_grow(bytes, room);
        err = disk_read(file, offset, bytes, room, &len);
    }
    if (!err)
        err = trace_record_read(str_make(bytes, len), &event, &used);
    if (!err && event.id == id && found->bytes < FOUND_BYTES_MAX)
        found_add(found, &event);
    mem_free(bytes);
}

/* Both kinds of entries, in the order in which they were written. */
static void find_in(struct finding *found, struct disk_file *file, const struct trace_index *index)
{
    size_t lost = trace_index_find(index, 0);
    size_t own = trace_index_find(index, found->id);
    const struct trace_index_entry *at = index->entries;
    for (;;) {
        bool has_lost = lost < index->count && at[lost].id == 0;
        bool has_own = own < index->count && at[own].id == found->id;
        if (!has_lost && !has_own)
            return;
        size_t next = has_own && (!has_lost || at[own].offset < at[lost].offset) ? own++ : lost++;
        found_read(found, file, at[next].offset, at[next].id);
    }
}

static bool may_tell_of(const struct trace_summary *summary, spool_id id)
{
    return (id >= summary->id_min && id <= summary->id_max) ||
           (summary->has_lost && summary->last_us >= spool_id_wall_us(id));
}

static void find_in_sealed(struct trace_store *store, struct finding *found, uint64_t number)
{
    struct trace_index index;
    struct disk_file *file;
    if (trace_file_load_index(&store->folder, number, &index) != OK)
        return;
    if (trace_file_open(&store->folder, number, DISK_READ, &file) == OK) {
        find_in(found, file, &index);
        disk_close(file);
    }
    trace_index_done(&index);
}

/* Lost events concern a message from its beginning to what stands last in its story, and beyond
 * unless that is its end. Returns how many remain. */
static size_t drop_foreign(struct trace_event *events, size_t count, spool_id id)
{
    size_t kept = 0, own = 0;
    bool has_ended = false;
    for (size_t i = 0; i < count; i++) {
        bool is_own = events[i].id == id;
        own += is_own;
        has_ended |= is_own && events[i].kind == TRACE_DONE;
        if (is_own || (!has_ended && events[i].wall_us >= spool_id_wall_us(id)))
            events[kept++] = events[i];
    }
    return own ? kept : 0;
}

/* By time, those of the same time as they were written: an attempt is told when it is over, but
 * stands where it began. They come nearly sorted. */
static void sort_by_time(struct trace_event *events, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct trace_event event = events[i];
        size_t at = i;
        for (; at > 0 && events[at - 1].wall_us > event.wall_us; at--)
            events[at] = events[at - 1];
        events[at] = event;
    }
}

enum err trace_store_find(struct trace_store *store, spool_id id, struct arena *arena,
                          struct trace_event **out_events, size_t *out_count)
{
    struct finding found = {.arena = arena, .id = id};
    LIST_EACH (&store->sealed, link) {
        const struct trace_sealed *file = CONTAINER_OF(link, struct trace_sealed, link);
        if (may_tell_of(&file->summary, id))
            find_in_sealed(store, &found, file->number);
    }
    if (store->active && may_tell_of(&store->index.summary, id)) {
        trace_index_sort(&store->index);
        find_in(&found, store->active, &store->index);
    }
    sort_by_time(found.events, found.count);
    size_t count = drop_foreign(found.events, found.count, id);
    if (found.events && count) {
        *out_events = ARENA_ARRAY(arena, struct trace_event, count);
        memcpy(*out_events, found.events, count * sizeof **out_events);
        *out_count = count;
    }
    mem_free(found.events);
    return count ? OK : ERR_NOT_FOUND;
}
