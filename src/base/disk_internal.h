/* The seam between disk.h and the disks behind it. Only disk*.c include this. */
#ifndef BASE_DISK_INTERNAL_H
#define BASE_DISK_INTERNAL_H

#include "base/disk.h"

/* One member for each function of disk.h, with the same promises. */
struct disk_ops {
    enum err (*open)(struct disk *disk, const char *path, unsigned flags, mode_t mode,
                     struct disk_file **out_file);
    enum err (*rename)(struct disk *disk, const char *from, const char *to);
    enum err (*unlink)(struct disk *disk, const char *path);
    enum err (*mkdir)(struct disk *disk, const char *path, mode_t mode);
    enum err (*sync_directory)(struct disk *disk, const char *path);
    enum err (*exists)(struct disk *disk, const char *path, bool *out_exists);
    enum err (*list)(struct disk *disk, const char *path,
                     void (*each)(void *context, const char *name), void *context);
};

struct disk_file_ops {
    void (*close)(struct disk_file *file);
    enum err (*read)(struct disk_file *file, uint64_t offset, void *out, size_t len,
                     size_t *out_len);
    enum err (*read_cached)(struct disk_file *file, uint64_t offset, void *out, size_t len,
                            size_t *out_len);
    enum err (*write)(struct disk_file *file, uint64_t offset, struct iovec *iov, size_t count);
    enum err (*sync)(struct disk_file *file);
    enum err (*allocate)(struct disk_file *file, uint64_t size_bytes);
    enum err (*truncate)(struct disk_file *file, uint64_t size_bytes);
    enum err (*size)(struct disk_file *file, uint64_t *out_size_bytes);
};

/* Every disk and every file begins with these. */
struct disk {
    const struct disk_ops *ops;
};

struct disk_file {
    const struct disk_file_ops *ops;
};

#endif
