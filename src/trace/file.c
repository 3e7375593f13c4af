#include "trace/file.h"

#include "base/log.h"
#include "base/mem.h"
#include "trace/record.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX ((uint64_t)256 << 20) /* a larger one is none of ours */
#define PATH_BYTES     4096

enum suffix { SUFFIX_TRACE, SUFFIX_INDEX };
static const char *const suffixes[] = {[SUFFIX_TRACE] = ".trace", [SUFFIX_INDEX] = ".index"};

struct path {
    char at[PATH_BYTES];
};

static struct path path_of(const struct trace_folder *folder, uint64_t number, enum suffix suffix)
{
    struct path path;
    int len = snprintf(path.at, sizeof path.at, "%s/%08llu%s", folder->path,
                       (unsigned long long)number, suffixes[suffix]);
    assert(len > 0 && (size_t)len < sizeof path.at);
    return path;
}

/* ---- names ---- */

struct numbers {
    uint64_t *at;
    size_t count, cap;
};

static void take_name(void *context, const char *name)
{
    struct numbers *numbers = context;
    struct str digits = str_of(name);
    uint64_t number;
    if (!str_ends(digits, str_of(suffixes[SUFFIX_TRACE])))
        return;
    digits.len -= strlen(suffixes[SUFFIX_TRACE]);
    if (digits.len < 8 || !str_to_u64(digits, UINT64_MAX / 2, &number))
        return;
    if (numbers->count == numbers->cap) {
        numbers->cap = max_size(numbers->cap * 2, 64);
        numbers->at = mem_grow(numbers->at, numbers->cap * sizeof *numbers->at);
    }
    numbers->at[numbers->count++] = number;
}

static int compare_numbers(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

enum err trace_folder_list(const struct trace_folder *folder, uint64_t **out_numbers,
                           size_t *out_count)
{
    struct numbers numbers = {0};
    enum err err = disk_list(folder->disk, folder->path, take_name, &numbers);
    if (err) {
        mem_free(numbers.at);
        return err;
    }
    if (numbers.count)
        qsort(numbers.at, numbers.count, sizeof *numbers.at, compare_numbers);
    *out_numbers = numbers.at;
    *out_count = numbers.count;
    return OK;
}

void trace_file_remove(const struct trace_folder *folder, uint64_t number)
{
    for (enum suffix suffix = SUFFIX_TRACE; suffix <= SUFFIX_INDEX; suffix++) {
        enum err ignored = disk_unlink(folder->disk, path_of(folder, number, suffix).at);
        UNUSED(ignored);
    }
}

/* ---- bytes ---- */

enum err trace_file_open(const struct trace_folder *folder, uint64_t number, unsigned flags,
                         struct disk_file **out_file)
{
    return disk_open(folder->disk, path_of(folder, number, SUFFIX_TRACE).at, flags, 0600, out_file);
}

enum err trace_file_write(struct disk_file *file, uint64_t offset, struct str records)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)records.at, .iov_len = records.len};
    return disk_write(file, offset, &part, 1);
}

static enum err read_all(struct disk_file *file, char **out_bytes, size_t *out_len)
{
    uint64_t size;
    enum err err = disk_size(file, &size);
    if (err)
        return err;
    if (size > FILE_BYTES_MAX)
        return ERR_CORRUPT;
    char *bytes = mem_alloc(size);
    err = disk_read(file, 0, bytes, size, out_len);
    if (err)
        mem_free(bytes);
    else
        *out_bytes = bytes;
    return err;
}

static enum err load(const struct trace_folder *folder, uint64_t number, enum suffix suffix,
                     char **out_bytes, size_t *out_len)
{
    struct disk_file *file;
    enum err err = disk_open(folder->disk, path_of(folder, number, suffix).at, DISK_READ, 0, &file);
    if (err)
        return err;
    err = read_all(file, out_bytes, out_len);
    disk_close(file);
    return err;
}

/* ---- indexes ---- */

void trace_file_index(struct str bytes, uint64_t base, struct trace_index *index)
{
    size_t at = 0;
    while (at < bytes.len) {
        struct trace_event event;
        size_t len;
        if (trace_record_read(str_from(bytes, at), &event, &len) != OK) {
            at = trace_record_find(bytes, at + 1);
            continue;
        }
        trace_index_add(index, event.id, event.wall_us, (uint32_t)(base + at));
        at += len;
        index->summary.file_bytes = base + at;
    }
}

enum err trace_file_scan(const struct trace_folder *folder, uint64_t number,
                         struct trace_index *out_index)
{
    char *bytes;
    size_t len;
    enum err err = load(folder, number, SUFFIX_TRACE, &bytes, &len);
    if (err)
        return err;
    trace_index_init(out_index);
    trace_file_index(str_make(bytes, len), 0, out_index);
    mem_free(bytes);
    trace_index_sort(out_index);
    return OK;
}

void trace_file_write_index(const struct trace_folder *folder, uint64_t number,
                            const struct trace_index *index)
{
    size_t len = TRACE_INDEX_HEADER_BYTES + index->count * TRACE_INDEX_ENTRY_BYTES;
    char *bytes = mem_alloc(len);
    trace_index_encode(index, bytes);
    struct path path = path_of(folder, number, SUFFIX_INDEX);
    struct disk_file *file;
    enum err err =
        disk_open(folder->disk, path.at, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &file);
    if (!err) {
        err = trace_file_write(file, 0, str_make(bytes, len));
        disk_close(file);
    }
    /* Half an index is worse than none, which is made again by a scan. */
    if (err && disk_unlink(folder->disk, path.at) != OK)
        log_event(LOG_WARNING, "trace", "cannot write %s: %s", path.at, err_text(err));
    mem_free(bytes);
}

enum err trace_file_read_summary(const struct trace_folder *folder, uint64_t number,
                                 struct trace_summary *out_summary, size_t *out_entries)
{
    char header[TRACE_INDEX_HEADER_BYTES];
    struct disk_file *file;
    size_t len;
    enum err err =
        disk_open(folder->disk, path_of(folder, number, SUFFIX_INDEX).at, DISK_READ, 0, &file);
    if (err)
        return err;
    err = disk_read(file, 0, header, sizeof header, &len);
    disk_close(file);
    return err ? err : trace_summary_decode(str_make(header, len), out_summary, out_entries);
}

enum err trace_file_load_index(const struct trace_folder *folder, uint64_t number,
                               struct trace_index *out_index)
{
    char *bytes;
    size_t len;
    enum err err = load(folder, number, SUFFIX_INDEX, &bytes, &len);
    if (!err) {
        err = trace_index_decode(str_make(bytes, len), out_index);
        mem_free(bytes);
    }
    return err ? trace_file_scan(folder, number, out_index) : OK;
}
