/* Passes each call on to the disk it is meant for. */
#include "base/disk.h"

#include "base/disk_internal.h"

enum err disk_open(struct disk *disk, const char *path, unsigned flags, mode_t mode,
                   struct disk_file **out_file)
{
    return disk->ops->open(disk, path, flags, mode, out_file);
}

void disk_close(struct disk_file *file) { file->ops->close(file); }

enum err disk_read(struct disk_file *file, uint64_t offset, void *out, size_t len, size_t *out_len)
{
    return file->ops->read(file, offset, out, len, out_len);
}

enum err disk_read_cached(struct disk_file *file, uint64_t offset, void *out, size_t len,
                          size_t *out_len)
{
    return file->ops->read_cached(file, offset, out, len, out_len);
}

enum err disk_write(struct disk_file *file, uint64_t offset, struct iovec *iov, size_t count)
{
    return file->ops->write(file, offset, iov, count);
}

enum err disk_sync(struct disk_file *file) { return file->ops->sync(file); }

enum err disk_allocate(struct disk_file *file, uint64_t size_bytes)
{
    return file->ops->allocate(file, size_bytes);
}

enum err disk_truncate(struct disk_file *file, uint64_t size_bytes)
{
    return file->ops->truncate(file, size_bytes);
}

enum err disk_size(struct disk_file *file, uint64_t *out_size_bytes)
{
    return file->ops->size(file, out_size_bytes);
}

enum err disk_rename(struct disk *disk, const char *from, const char *to)
{
    return disk->ops->rename(disk, from, to);
}

enum err disk_unlink(struct disk *disk, const char *path) { return disk->ops->unlink(disk, path); }

enum err disk_mkdir(struct disk *disk, const char *path, mode_t mode)
{
    return disk->ops->mkdir(disk, path, mode);
}

enum err disk_sync_directory(struct disk *disk, const char *path)
{
    return disk->ops->sync_directory(disk, path);
}

enum err disk_exists(struct disk *disk, const char *path, bool *out_exists)
{
    return disk->ops->exists(disk, path, out_exists);
}

enum err disk_list(struct disk *disk, const char *path,
                   void (*each)(void *context, const char *name), void *context)
{
    return disk->ops->list(disk, path, each, context);
}
