#include "queue/in_flight.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES    4096
#define ENTRIES_LIMIT (1024 * 1024)

struct header {
    char magic[8];
    uint32_t entries;
    uint32_t suspects;
};

static const char magic[8] = {'P', 'R', 'F', 'L', 'I', 'G', 'H', '1'};

struct in_flight {
    char *map;
    size_t map_bytes;
    _Atomic uint64_t *entries;
    _Atomic uint64_t *suspects;
    uint32_t entry_count;
};

/* ---- the rule ---- */

static int compare(const void *left, const void *right)
{
    const spool_id *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* Ascending, each once, no zeros. Returns how many remain. */
static size_t tidy(spool_id *ids, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(ids, count, sizeof *ids, compare);
    for (size_t i = 0; i < count; i++)
        if (ids[i] && (kept == 0 || ids[kept - 1] != ids[i]))
            ids[kept++] = ids[i];
    return kept;
}

static bool has(const spool_id *ids, size_t count, spool_id id)
{
    return count && bsearch(&id, ids, count, sizeof *ids, compare);
}

/* The one suspect that was in flight again; 0 when there was none, or more than one. */
static spool_id culprit_of(const spool_id *found, size_t found_count, const spool_id *suspects,
                           size_t suspect_count)
{
    spool_id culprit = 0;
    for (size_t i = 0; i < found_count; i++) {
        if (!has(suspects, suspect_count, found[i]))
            continue;
        if (culprit)
            return 0;
        culprit = found[i];
    }
    return culprit;
}

static spool_id *copy_of(const spool_id *ids, size_t count, size_t room)
{
    spool_id *copy = mem_alloc(room * sizeof *copy);
    if (count)
        memcpy(copy, ids, count * sizeof *copy);
    return copy;
}

void in_flight_judge(const spool_id *found, size_t found_count, const spool_id *suspects,
                     size_t suspect_count, struct in_flight_verdict *out_verdict)
{
    spool_id *now = copy_of(found, found_count, found_count);
    spool_id *all = copy_of(suspects, suspect_count, found_count + suspect_count);
    size_t now_count = tidy(now, found_count);
    size_t before_count = tidy(all, suspect_count);
    *out_verdict =
        (struct in_flight_verdict){.culprit = culprit_of(now, now_count, all, before_count)};

    memcpy(all + before_count, now, now_count * sizeof *now);
    size_t count = tidy(all, before_count + now_count);
    size_t skip = count > IN_FLIGHT_SUSPECTS_MAX ? count - IN_FLIGHT_SUSPECTS_MAX : 0;
    for (size_t i = skip; i < count; i++)
        if (all[i] != out_verdict->culprit)
            out_verdict->suspects[out_verdict->suspect_count++] = all[i];
    mem_free(now);
    mem_free(all);
}

/* ---- the file ---- */

static size_t file_bytes(uint64_t entries, uint64_t suspects)
{
    return sizeof(struct header) + (entries + suspects) * sizeof(uint64_t);
}

static bool read_exactly(int fd, void *out, size_t len)
{
    char *at = out;
    while (len) {
        ssize_t got = read(fd, at, len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        len -= (size_t)got;
    }
    return true;
}

static void judge_file(int fd, struct in_flight_verdict *verdict)
{
    struct header header;
    struct stat stat;
    if (!read_exactly(fd, &header, sizeof header) ||
        memcmp(header.magic, magic, sizeof magic) != 0 || header.entries > ENTRIES_LIMIT ||
        header.suspects > ENTRIES_LIMIT || fstat(fd, &stat) != 0 ||
        (uint64_t)stat.st_size != file_bytes(header.entries, header.suspects))
        return;
    size_t count = (size_t)header.entries + header.suspects;
    spool_id *ids = mem_alloc(count * sizeof *ids);
    if (read_exactly(fd, ids, count * sizeof *ids))
        in_flight_judge(ids, header.entries, ids + header.entries, header.suspects, verdict);
    mem_free(ids);
}

static enum err map_file(struct in_flight *in_flight, int fd)
{
    if (ftruncate(fd, (off_t)in_flight->map_bytes) != 0)
        return err_from_errno(errno);
    /* Allocated now: a store into a hole of a full disk would be a SIGBUS. */
    int failed = posix_fallocate(fd, 0, (off_t)in_flight->map_bytes);
    if (failed)
        return err_from_errno(failed);
    void *map = mmap(NULL, in_flight->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return err_from_errno(errno);
    in_flight->map = map;
    in_flight->entries = (void *)(in_flight->map + sizeof(struct header));
    in_flight->suspects = in_flight->entries + in_flight->entry_count;
    return OK;
}

static void fill_file(struct in_flight *in_flight, const struct in_flight_verdict *verdict)
{
    struct header header = {.entries = in_flight->entry_count, .suspects = IN_FLIGHT_SUSPECTS_MAX};
    memcpy(header.magic, magic, sizeof magic);
    memcpy(in_flight->map, &header, sizeof header);
    for (size_t i = 0; i < verdict->suspect_count; i++)
        in_flight->suspects[i] = verdict->suspects[i];
}

/* The new file takes the old one's name when it is complete: whoever is killed in between leaves
 * one or the other. */
static enum err begin_file(struct in_flight *in_flight, const char *path,
                           const struct in_flight_verdict *verdict)
{
    char fresh[PATH_BYTES];
    int len = snprintf(fresh, sizeof fresh, "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof fresh)
        return ERR_LIMIT;
    int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = map_file(in_flight, fd);
    close(fd);
    if (err)
        return err;
    fill_file(in_flight, verdict);
    return rename(fresh, path) == 0 ? OK : err_from_errno(errno);
}

enum err in_flight_open(const char *path, uint32_t entries, struct in_flight_verdict *out_verdict,
                        struct in_flight **out_in_flight)
{
    struct in_flight_verdict *verdict = NEW(struct in_flight_verdict);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        judge_file(fd, verdict);
        close(fd);
    }
    struct in_flight *in_flight = NEW(struct in_flight);
    in_flight->entry_count = entries;
    in_flight->map_bytes = file_bytes(entries, IN_FLIGHT_SUSPECTS_MAX);
    enum err err = begin_file(in_flight, path, verdict);
    if (err) {
        if (in_flight->map)
            munmap(in_flight->map, in_flight->map_bytes);
        mem_free(in_flight);
    } else {
        *out_verdict = *verdict;
        *out_in_flight = in_flight;
    }
    mem_free(verdict);
    return err;
}

void in_flight_close(struct in_flight *in_flight)
{
    memset(in_flight->map + sizeof(struct header), 0, in_flight->map_bytes - sizeof(struct header));
    munmap(in_flight->map, in_flight->map_bytes);
    mem_free(in_flight);
}

void in_flight_set(struct in_flight *in_flight, uint32_t entry, spool_id id)
{
    assert(entry < in_flight->entry_count);
    atomic_store_explicit(&in_flight->entries[entry], id, memory_order_relaxed);
}

void in_flight_forgive(struct in_flight *in_flight, spool_id id)
{
    for (size_t i = 0; i < IN_FLIGHT_SUSPECTS_MAX; i++)
        if (atomic_load_explicit(&in_flight->suspects[i], memory_order_relaxed) == id)
            atomic_store_explicit(&in_flight->suspects[i], 0, memory_order_relaxed);
}
