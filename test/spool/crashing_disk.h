/* A disk whose power fails at a chosen call: what then survives is up to the disk in memory behind
 * it. From that call on everything is ERR_IO, until the power is back. Or only the process ends
 * there, and all that it wrote stays. */
#ifndef TEST_SPOOL_CRASHING_DISK_H
#define TEST_SPOOL_CRASHING_DISK_H

#include "base/disk.h"
#include "base/disk_internal.h"
#include "base/mem.h"

struct crashing_disk {
    struct disk base;
    struct disk *memory;
    uint64_t calls_left; /* until the power fails; 0: it does not */
    uint64_t seed;
    bool dead;
    bool only_process;             /* the power does not fail: nothing written is lost */
    void (*called)(void *context); /* before each call that changes something; `dead` may be new */
    void *context;
};

struct crashing_file {
    struct disk_file base;
    struct crashing_disk *disk;
    struct disk_file *file;
};

static inline void crashing_disk_fail_now(struct crashing_disk *disk)
{
    if (!disk->only_process)
        disk_memory_crash(disk->memory, disk->seed);
    disk->dead = true;
}

/* Counts a call that changes something. */
static inline enum err crashing_step(struct crashing_disk *disk)
{
    if (!disk->dead && disk->calls_left && --disk->calls_left == 0)
        crashing_disk_fail_now(disk);
    if (disk->called)
        disk->called(disk->context);
    return disk->dead ? ERR_IO : OK;
}

static inline struct crashing_file *crashing_file_of(struct disk_file *file)
{
    return CONTAINER_OF(file, struct crashing_file, base);
}
static inline struct crashing_disk *crashing_disk_of(struct disk *disk)
{
    return CONTAINER_OF(disk, struct crashing_disk, base);
}

static inline void crashing_close(struct disk_file *file)
{
    disk_close(crashing_file_of(file)->file);
    mem_free(crashing_file_of(file));
}
static inline enum err crashing_read(struct disk_file *file, uint64_t offset, void *out, size_t len,
                                     size_t *out_len)
{
    return disk_read(crashing_file_of(file)->file, offset, out, len, out_len);
}
static inline enum err crashing_write(struct disk_file *file, uint64_t offset, struct iovec *iov,
                                      size_t count)
{
    enum err err = crashing_step(crashing_file_of(file)->disk);
    return err ? err : disk_write(crashing_file_of(file)->file, offset, iov, count);
}
static inline enum err crashing_sync(struct disk_file *file)
{
    enum err err = crashing_step(crashing_file_of(file)->disk);
    return err ? err : disk_sync(crashing_file_of(file)->file);
}
static inline enum err crashing_allocate(struct disk_file *file, uint64_t size_bytes)
{
    enum err err = crashing_step(crashing_file_of(file)->disk);
    return err ? err : disk_allocate(crashing_file_of(file)->file, size_bytes);
}
static inline enum err crashing_truncate(struct disk_file *file, uint64_t size_bytes)
{
    enum err err = crashing_step(crashing_file_of(file)->disk);
    return err ? err : disk_truncate(crashing_file_of(file)->file, size_bytes);
}
static inline enum err crashing_size(struct disk_file *file, uint64_t *out_size_bytes)
{
    return disk_size(crashing_file_of(file)->file, out_size_bytes);
}

static inline enum err crashing_open(struct disk *disk, const char *path, unsigned flags,
                                     mode_t mode, struct disk_file **out_file)
{
    static const struct disk_file_ops ops = {
        .close = crashing_close,
        .read = crashing_read,
        .read_cached = crashing_read,
        .write = crashing_write,
        .sync = crashing_sync,
        .allocate = crashing_allocate,
        .truncate = crashing_truncate,
        .size = crashing_size,
    };
    struct disk_file *file;
    enum err err = crashing_step(crashing_disk_of(disk));
    if (!err)
        err = disk_open(crashing_disk_of(disk)->memory, path, flags, mode, &file);
    if (err)
        return err;
    struct crashing_file *crashing = NEW(struct crashing_file);
    *crashing = (struct crashing_file){{&ops}, crashing_disk_of(disk), file};
    *out_file = &crashing->base;
    return OK;
}
static inline enum err crashing_rename(struct disk *disk, const char *from, const char *to)
{
    enum err err = crashing_step(crashing_disk_of(disk));
    return err ? err : disk_rename(crashing_disk_of(disk)->memory, from, to);
}
static inline enum err crashing_unlink(struct disk *disk, const char *path)
{
    enum err err = crashing_step(crashing_disk_of(disk));
    return err ? err : disk_unlink(crashing_disk_of(disk)->memory, path);
}
static inline enum err crashing_mkdir(struct disk *disk, const char *path, mode_t mode)
{
    bool dead = crashing_disk_of(disk)->dead;
    return dead ? ERR_IO : disk_mkdir(crashing_disk_of(disk)->memory, path, mode);
}
static inline enum err crashing_sync_directory(struct disk *disk, const char *path)
{
    enum err err = crashing_step(crashing_disk_of(disk));
    return err ? err : disk_sync_directory(crashing_disk_of(disk)->memory, path);
}
static inline enum err crashing_exists(struct disk *disk, const char *path, bool *out_exists)
{
    return disk_exists(crashing_disk_of(disk)->memory, path, out_exists);
}
static inline enum err crashing_list(struct disk *disk, const char *path,
                                     void (*each)(void *context, const char *name), void *context)
{
    bool dead = crashing_disk_of(disk)->dead;
    return dead ? ERR_IO : disk_list(crashing_disk_of(disk)->memory, path, each, context);
}

static inline struct crashing_disk crashing_disk_make(struct disk *memory)
{
    static const struct disk_ops ops = {
        .open = crashing_open,
        .rename = crashing_rename,
        .unlink = crashing_unlink,
        .mkdir = crashing_mkdir,
        .sync_directory = crashing_sync_directory,
        .exists = crashing_exists,
        .list = crashing_list,
    };
    return (struct crashing_disk){.base = {&ops}, .memory = memory};
}

#endif
