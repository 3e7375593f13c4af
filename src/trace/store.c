#include "trace/store.h"

#include "base/mem.h"

#define MAX_SIZE_DEFAULT ((uint64_t)2 << 30)
#define KEEP_S_DEFAULT   (14 * 86400)
#define FILE_BYTES_MIN   ((uint64_t)64 << 10)
#define FILE_BYTES_MAX   ((uint64_t)16 << 20)
/* Files come and go as a whole: with the oldest goes at most this part of the budget. */
#define FILES_IN_BUDGET 8

/* ---- sealing ---- */

static void add_sealed(struct trace_store *store, uint64_t number,
                       const struct trace_summary *summary, size_t entries)
{
    struct trace_sealed *file = NEW(struct trace_sealed);
    file->number = number;
    file->summary = *summary;
    file->bytes =
        summary->file_bytes + TRACE_INDEX_HEADER_BYTES + entries * TRACE_INDEX_ENTRY_BYTES;
    store->sealed_bytes += file->bytes;
    list_push_back(&store->sealed, &file->link);
}

static void remove_oldest(struct trace_store *store)
{
    struct trace_sealed *file =
        CONTAINER_OF(list_pop_front(&store->sealed), struct trace_sealed, link);
    trace_file_remove(&store->folder, file->number);
    store->sealed_bytes -= file->bytes;
    mem_free(file);
}

static void seal(struct trace_store *store)
{
    disk_close(store->active);
    store->active = NULL;
    trace_index_sort(&store->index);
    trace_file_write_index(&store->folder, store->number, &store->index);
    add_sealed(store, store->number, &store->index.summary, store->index.count);
    trace_index_done(&store->index);
}

/* ---- opening ---- */

/* Goes on with a file that was not sealed, behind its last whole record. */
static enum err adopt_active(struct trace_store *store, uint64_t number,
                             const struct trace_index *index)
{
    struct disk_file *file;
    enum err err = trace_file_open(&store->folder, number, DISK_WRITE, &file);
    if (err)
        return err;
    err = disk_truncate(file, index->summary.file_bytes);
    if (err) {
        disk_close(file);
        return err;
    }
    store->active = file;
    store->index = *index;
    return OK;
}

static void adopt_unsealed(struct trace_store *store, uint64_t number, bool is_newest)
{
    struct trace_index index;
    if (trace_file_scan(&store->folder, number, &index) != OK)
        return; /* unreadable: left where it is, for people */
    if (is_newest && adopt_active(store, number, &index) == OK)
        return;
    trace_file_write_index(&store->folder, number, &index);
    add_sealed(store, number, &index.summary, index.count);
    trace_index_done(&index);
}

static void adopt(struct trace_store *store, uint64_t number, bool is_newest)
{
    struct trace_summary summary;
    size_t entries;
    store->number = number;
    if (trace_file_read_summary(&store->folder, number, &summary, &entries) == OK)
        add_sealed(store, number, &summary, entries);
    else
        adopt_unsealed(store, number, is_newest);
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

enum err trace_store_open(struct trace_store *store, const struct trace_options *options)
{
    uint64_t max_size = options->max_size_bytes ? options->max_size_bytes : MAX_SIZE_DEFAULT;
    uint64_t keep_s = options->keep_s ? options->keep_s : KEEP_S_DEFAULT;
    struct str path = str_of(options->directory);
    *store = (struct trace_store){
        .folder = {.disk = options->disk, .path = mem_zalloc(path.len + 1)},
        .max_size_bytes = max_size,
        .keep_us = (int64_t)clamp(keep_s, 1, UINT32_MAX) * 1000000,
        .file_bytes = clamp(max_size / FILES_IN_BUDGET, FILE_BYTES_MIN, FILE_BYTES_MAX),
    };
    memcpy(store->folder.path, path.at, path.len);
    list_init(&store->sealed);
    trace_index_init(&store->index);
    uint64_t *numbers;
    size_t count;
    enum err err = trace_folder_list(&store->folder, &numbers, &count);
    if (err) {
        mem_free(store->folder.path);
        return err;
    }
    for (size_t i = 0; i < count; i++)
        adopt(store, numbers[i], i + 1 == count);
    mem_free(numbers);
    return OK;
}

void trace_store_close(struct trace_store *store)
{
    if (store->active)
        disk_close(store->active);
    trace_index_done(&store->index);
    struct list *link;
    while ((link = list_pop_front(&store->sealed)))
        mem_free(CONTAINER_OF(link, struct trace_sealed, link));
    mem_free(store->folder.path);
}

/* ---- appending, within the budget ---- */

static enum err begin_active(struct trace_store *store)
{
    enum err err = trace_file_open(&store->folder, store->number + 1,
                                   DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &store->active);
    if (err)
        return err;
    store->number++;
    return OK;
}

enum err trace_store_append(struct trace_store *store, struct str records)
{
    uint64_t size = store->index.summary.file_bytes;
    if (store->active && size && size + records.len > store->file_bytes)
        seal(store);
    enum err err = store->active ? OK : begin_active(store);
    if (err)
        return err;
    size = store->index.summary.file_bytes;
    err = trace_file_write(store->active, size, records);
    if (err) {
        /* Gives back what was written in part; a file that refused for another reason than space
         * is left alone from now on. */
        enum err ignored = disk_truncate(store->active, size);
        UNUSED(ignored);
        if (err != ERR_FULL)
            seal(store);
        return err;
    }
    trace_file_index(records, size, &store->index);
    return OK;
}

static bool active_is_old(const struct trace_store *store, int64_t now_us)
{
    return store->active && store->index.count &&
           now_us - store->index.summary.first_us > store->keep_us / FILES_IN_BUDGET;
}

static bool is_beyond_budget(const struct trace_store *store, const struct trace_sealed *file,
                             int64_t now_us)
{
    return store->sealed_bytes + store->index.summary.file_bytes > store->max_size_bytes ||
           now_us - file->summary.last_us > store->keep_us;
}

void trace_store_keep_budget(struct trace_store *store, int64_t now_us)
{
    if (active_is_old(store, now_us))
        seal(store);
    while (!list_is_empty(&store->sealed) &&
           is_beyond_budget(store, CONTAINER_OF(store->sealed.next, struct trace_sealed, link),
                            now_us))
        remove_oldest(store);
}
