/* The disk in memory: the calls of disk.h over names (disk_memory_names.h) and what files hold
 * (disk_memory_content.h), with failures on demand. One lock guards it all; the functions called
 * *_locked hold it. */
#include "base/disk.h"
#include "base/disk_internal.h"
#include "base/disk_memory_names.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

struct memory_disk {
    struct disk base;
    pthread_mutex_t mutex; /* over everything here, files included */
    struct disk_names names;
    uint64_t crashes; /* files opened before the last are invalid */
    uint64_t sync_count;
    uint64_t calls_until_failure; /* 0: none is to fail */
    enum err failure;
};

struct memory_file {
    struct disk_file base;
    struct memory_disk *disk;
    struct disk_node *node;
    uint64_t opened_after_crashes;
    bool is_writable;
};

static struct memory_disk *disk_of(const struct disk *disk)
{
    return CONTAINER_OF(disk, struct memory_disk, base);
}

static struct memory_file *file_of(struct disk_file *file)
{
    return CONTAINER_OF(file, struct memory_file, base);
}

static void lock(struct memory_disk *disk) { pthread_mutex_lock(&disk->mutex); }
static void unlock(struct memory_disk *disk) { pthread_mutex_unlock(&disk->mutex); }

/* ---- files ---- */

static bool is_valid(const struct memory_file *file)
{
    return file->opened_after_crashes == file->disk->crashes;
}

/* The failure that was asked for, when it is this call's turn. */
static enum err failure_due(struct memory_disk *disk)
{
    if (disk->calls_until_failure == 0 || --disk->calls_until_failure > 0)
        return OK;
    return disk->failure;
}

static void memory_close(struct disk_file *base)
{
    struct memory_file *file = file_of(base);
    lock(file->disk);
    if (is_valid(file))
        disk_node_lose(&file->disk->names, file->node);
    disk_node_unref(file->node);
    unlock(file->disk);
    mem_free(file);
}

static enum err memory_read(struct disk_file *base, uint64_t offset, void *out, size_t len,
                            size_t *out_len)
{
    struct memory_file *file = file_of(base);
    lock(file->disk);
    enum err err = is_valid(file) ? OK : ERR_IO;
    if (!err)
        *out_len = content_read(&file->node->content, offset, out, len);
    unlock(file->disk);
    return err;
}

/* Before a call that writes: whether it may. */
static enum err may_write(struct memory_file *file)
{
    if (!is_valid(file) || !file->is_writable)
        return ERR_IO;
    return failure_due(file->disk);
}

static enum err memory_write(struct disk_file *base, uint64_t offset, struct iovec *iov,
                             size_t count)
{
    struct memory_file *file = file_of(base);
    lock(file->disk);
    enum err err = may_write(file);
    for (size_t i = 0; i < count && !err; i++) {
        err = content_write(&file->node->content, &file->disk->names.space, offset, iov[i].iov_base,
                            iov[i].iov_len);
        offset += iov[i].iov_len;
    }
    unlock(file->disk);
    return err;
}

static enum err memory_sync(struct disk_file *base)
{
    struct memory_file *file = file_of(base);
    lock(file->disk);
    enum err err = is_valid(file) ? failure_due(file->disk) : ERR_IO;
    if (err) {
        content_sync_failed(&file->node->content);
    } else {
        content_sync(&file->node->content);
        file->disk->sync_count++;
    }
    unlock(file->disk);
    return err;
}

static enum err memory_allocate(struct disk_file *base, uint64_t size_bytes)
{
    struct memory_file *file = file_of(base);
    lock(file->disk);
    enum err err = may_write(file);
    if (!err)
        err = content_allocate(&file->node->content, &file->disk->names.space, size_bytes);
    unlock(file->disk);
    return err;
}

static enum err memory_truncate(struct disk_file *base, uint64_t size_bytes)
{
    struct memory_file *file = file_of(base);
    lock(file->disk);
    enum err err = may_write(file);
    if (!err)
        content_truncate(&file->node->content, &file->disk->names.space, size_bytes);
    unlock(file->disk);
    return err;
}

static enum err memory_size(struct disk_file *base, uint64_t *out_size_bytes)
{
    struct memory_file *file = file_of(base);
    lock(file->disk);
    enum err err = is_valid(file) ? OK : ERR_IO;
    if (!err)
        *out_size_bytes = file->node->content.size;
    unlock(file->disk);
    return err;
}

static const struct disk_file_ops memory_file_ops = {
    .close = memory_close,
    .read = memory_read,
    .read_cached = memory_read,
    .write = memory_write,
    .sync = memory_sync,
    .allocate = memory_allocate,
    .truncate = memory_truncate,
    .size = memory_size,
};

/* ---- names ---- */

static struct disk_file *new_file(struct memory_disk *disk, struct disk_node *node,
                                  bool is_writable)
{
    struct memory_file *file = NEW(struct memory_file);
    file->base.ops = &memory_file_ops;
    file->disk = disk;
    file->node = node;
    file->opened_after_crashes = disk->crashes;
    file->is_writable = is_writable;
    disk_node_hold(&disk->names, node);
    return &file->base;
}

static enum err open_locked(struct memory_disk *disk, const char *path, unsigned flags,
                            struct disk_file **out_file)
{
    struct disk_node *node = disk_names_find(&disk->names, path);
    if (node && (flags & DISK_CREATE) && (flags & DISK_EXCLUSIVE))
        return ERR_EXISTS;
    if (disk_names_is_directory(&disk->names, path))
        return ERR_IO;
    if (!node) {
        if (!(flags & DISK_CREATE) || !disk_names_has_parent(&disk->names, path))
            return ERR_NOT_FOUND;
        node = disk_names_add(&disk->names, path, false);
    }
    if (flags & DISK_TRUNCATE)
        content_truncate(&node->content, &disk->names.space, 0);
    *out_file = new_file(disk, node, flags & DISK_WRITE);
    return OK;
}

static enum err memory_open(struct disk *base, const char *path, unsigned flags, mode_t mode,
                            struct disk_file **out_file)
{
    UNUSED(mode);
    struct memory_disk *disk = disk_of(base);
    lock(disk);
    enum err err = open_locked(disk, path, flags, out_file);
    unlock(disk);
    return err;
}

static enum err rename_locked(struct disk_names *names, const char *from, const char *to)
{
    const struct disk_node *node = disk_names_find(names, from);
    if (!node || !disk_names_has_parent(names, to))
        return ERR_NOT_FOUND;
    if (node->is_directory)
        return ERR_UNSUPPORTED;
    if (disk_names_is_directory(names, to))
        return ERR_IO;
    if (disk_names_find(names, to) != node)
        disk_names_move(names, from, to);
    return OK;
}

static enum err memory_rename(struct disk *base, const char *from, const char *to)
{
    struct memory_disk *disk = disk_of(base);
    lock(disk);
    enum err err = rename_locked(&disk->names, from, to);
    unlock(disk);
    return err;
}

static enum err unlink_locked(struct disk_names *names, const char *path)
{
    const struct disk_node *node = disk_names_find(names, path);
    if (!node)
        return ERR_NOT_FOUND;
    if (node->is_directory)
        return ERR_IO;
    disk_names_remove(names, path);
    return OK;
}

static enum err memory_unlink(struct disk *base, const char *path)
{
    struct memory_disk *disk = disk_of(base);
    lock(disk);
    enum err err = unlink_locked(&disk->names, path);
    unlock(disk);
    return err;
}

static enum err mkdir_locked(struct disk_names *names, const char *path)
{
    if (disk_names_is_directory(names, path))
        return OK;
    if (disk_names_find(names, path))
        return ERR_EXISTS;
    if (!disk_names_has_parent(names, path))
        return ERR_NOT_FOUND;
    disk_names_add(names, path, true);
    return OK;
}

static enum err memory_mkdir(struct disk *base, const char *path, mode_t mode)
{
    UNUSED(mode);
    struct memory_disk *disk = disk_of(base);
    lock(disk);
    enum err err = mkdir_locked(&disk->names, path);
    unlock(disk);
    return err;
}

static enum err sync_directory_locked(struct memory_disk *disk, const char *path)
{
    if (!disk_names_is_directory(&disk->names, path))
        return ERR_NOT_FOUND;
    enum err err = failure_due(disk);
    if (err)
        return err;
    disk_names_sync(&disk->names, path);
    return OK;
}

static enum err memory_sync_directory(struct disk *base, const char *path)
{
    struct memory_disk *disk = disk_of(base);
    lock(disk);
    enum err err = sync_directory_locked(disk, path);
    unlock(disk);
    return err;
}

static enum err memory_exists(struct disk *base, const char *path, bool *out_exists)
{
    struct memory_disk *disk = disk_of(base);
    lock(disk);
    *out_exists =
        disk_names_find(&disk->names, path) || disk_names_is_directory(&disk->names, path);
    unlock(disk);
    return OK;
}

static enum err memory_list(struct disk *base, const char *path,
                            void (*each)(void *context, const char *name), void *context)
{
    struct memory_disk *disk = disk_of(base);
    lock(disk);
    bool is_there = disk_names_is_directory(&disk->names, path);
    struct disk_paths paths = disk_names_list(&disk->names, path);
    unlock(disk); /* `each` may use the disk */
    for (size_t i = 0; i < paths.count; i++) {
        const char *slash = strrchr(paths.at[i], '/');
        each(context, slash ? slash + 1 : paths.at[i]);
    }
    disk_paths_free(&paths);
    return is_there ? OK : ERR_NOT_FOUND;
}

static const struct disk_ops memory_ops = {
    .open = memory_open,
    .rename = memory_rename,
    .unlink = memory_unlink,
    .mkdir = memory_mkdir,
    .sync_directory = memory_sync_directory,
    .exists = memory_exists,
    .list = memory_list,
};

/* ---- the disk as a whole ---- */

struct disk *disk_memory_new(uint64_t capacity_bytes)
{
    struct memory_disk *disk = NEW(struct memory_disk);
    disk->base.ops = &memory_ops;
    pthread_mutex_init(&disk->mutex, NULL);
    disk_names_init(&disk->names, capacity_bytes);
    return &disk->base;
}

void disk_memory_free(struct disk *disk)
{
    struct memory_disk *memory = disk_of(disk);
    disk_names_done(&memory->names);
    pthread_mutex_destroy(&memory->mutex);
    mem_free(memory);
}

void disk_memory_crash(struct disk *disk, uint64_t seed)
{
    struct memory_disk *memory = disk_of(disk);
    lock(memory);
    memory->crashes++;
    disk_names_crash(&memory->names, seed);
    unlock(memory);
}

void disk_memory_fail(struct disk *disk, uint64_t after, enum err err)
{
    struct memory_disk *memory = disk_of(disk);
    lock(memory);
    memory->calls_until_failure = after;
    memory->failure = err;
    unlock(memory);
}

void disk_memory_set_capacity(struct disk *disk, uint64_t capacity_bytes)
{
    struct memory_disk *memory = disk_of(disk);
    lock(memory);
    memory->names.space.capacity = capacity_bytes / CONTENT_PAGE_BYTES;
    unlock(memory);
}

uint64_t disk_memory_sync_count(const struct disk *disk)
{
    struct memory_disk *memory = disk_of(disk);
    lock(memory);
    uint64_t count = memory->sync_count;
    unlock(memory);
    return count;
}
