/* The machine's disk: POSIX calls with their partial results and interruptions evened out. */
#include "base/disk.h"
#include "base/disk_internal.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct system_file {
    struct disk_file base;
    int fd;
};

static int fd_of(struct disk_file *file)
{
    return CONTAINER_OF(file, struct system_file, base)->fd;
}

/* For a system call that returns -1 and sets errno. */
static enum err result(int returned) { return returned < 0 ? err_from_errno(errno) : OK; }

static enum err open_fd(const char *path, int flags, mode_t mode, int *out_fd)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return err_from_errno(errno);
    *out_fd = fd;
    return OK;
}

static void system_close(struct disk_file *file)
{
    close(fd_of(file)); /* what mattered was synced, with its own error */
    mem_free(CONTAINER_OF(file, struct system_file, base));
}

/* `rwf`: flags of preadv2. A cached read stops with EAGAIN where the device would be waited for. */
static enum err read_with(int fd, uint64_t offset, struct iovec into, int rwf, size_t *out_len)
{
    size_t done = 0;
    while (done < into.iov_len) {
        struct iovec rest = {(char *)into.iov_base + done, into.iov_len - done};
        ssize_t got = preadv2(fd, &rest, 1, (off_t)(offset + done), rwf);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && rwf && (errno == EOPNOTSUPP || errno == ENOSYS)) {
            rwf = 0; /* a file system without it, such as tmpfs, does not wait for a device */
            continue;
        }
        if (got < 0)
            return err_from_errno(errno);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *out_len = done;
    return OK;
}

static enum err system_read(struct disk_file *file, uint64_t offset, void *out, size_t len,
                            size_t *out_len)
{
    return read_with(fd_of(file), offset, (struct iovec){out, len}, 0, out_len);
}

static enum err system_read_cached(struct disk_file *file, uint64_t offset, void *out, size_t len,
                                   size_t *out_len)
{
    return read_with(fd_of(file), offset, (struct iovec){out, len}, RWF_NOWAIT, out_len);
}

/* Takes `written` bytes off the front of the pieces. Returns how many pieces are used up. */
static size_t advance(struct iovec *iov, size_t count, size_t written)
{
    size_t used = 0;
    while (used < count && written >= iov[used].iov_len)
        written -= iov[used++].iov_len;
    if (used < count) {
        iov[used].iov_base = (char *)iov[used].iov_base + written;
        iov[used].iov_len -= written;
    }
    return used;
}

static enum err system_write(struct disk_file *file, uint64_t offset, struct iovec *iov,
                             size_t count)
{
    size_t used = advance(iov, count, 0); /* skips empty pieces: a write of 0 bytes says nothing */
    while (used < count) {
        int batch = (int)min_size(count - used, IOV_MAX);
        ssize_t written = pwritev(fd_of(file), iov + used, batch, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return err_from_errno(errno);
        if (written == 0)
            return ERR_IO;
        offset += (uint64_t)written;
        used += advance(iov + used, count - used, (size_t)written);
    }
    return OK;
}

static enum err system_sync(struct disk_file *file) { return result(fdatasync(fd_of(file))); }

static enum err system_allocate(struct disk_file *file, uint64_t size_bytes)
{
    int failed;
    if (size_bytes == 0)
        return OK;
    do
        failed = posix_fallocate(fd_of(file), 0, (off_t)size_bytes);
    while (failed == EINTR);
    return err_from_errno(failed);
}

static enum err system_truncate(struct disk_file *file, uint64_t size_bytes)
{
    int returned;
    do
        returned = ftruncate(fd_of(file), (off_t)size_bytes);
    while (returned < 0 && errno == EINTR);
    return result(returned);
}

static enum err system_size(struct disk_file *file, uint64_t *out_size_bytes)
{
    struct stat stat;
    if (fstat(fd_of(file), &stat) < 0)
        return err_from_errno(errno);
    *out_size_bytes = (uint64_t)stat.st_size;
    return OK;
}

static const struct disk_file_ops system_file_ops = {
    .close = system_close,
    .read = system_read,
    .read_cached = system_read_cached,
    .write = system_write,
    .sync = system_sync,
    .allocate = system_allocate,
    .truncate = system_truncate,
    .size = system_size,
};

static enum err system_open(struct disk *disk, const char *path, unsigned flags, mode_t mode,
                            struct disk_file **out_file)
{
    UNUSED(disk);
    int open_flags = flags & DISK_WRITE ? O_RDWR : O_RDONLY;
    open_flags |= flags & DISK_CREATE ? O_CREAT : 0;
    open_flags |= flags & DISK_EXCLUSIVE ? O_EXCL : 0;
    open_flags |= flags & DISK_TRUNCATE ? O_TRUNC : 0;
    int fd = -1;
    enum err err = open_fd(path, open_flags, mode, &fd);
    if (err)
        return err;
    struct system_file *file = NEW(struct system_file);
    file->base.ops = &system_file_ops;
    file->fd = fd;
    *out_file = &file->base;
    return OK;
}

static enum err system_rename(struct disk *disk, const char *from, const char *to)
{
    UNUSED(disk);
    return result(rename(from, to));
}

static enum err system_unlink(struct disk *disk, const char *path)
{
    UNUSED(disk);
    return result(unlink(path));
}

static enum err system_mkdir(struct disk *disk, const char *path, mode_t mode)
{
    UNUSED(disk);
    if (mkdir(path, mode) == 0)
        return OK;
    if (errno != EEXIST)
        return err_from_errno(errno);
    struct stat there;
    if (stat(path, &there) < 0)
        return err_from_errno(errno);
    return S_ISDIR(there.st_mode) ? OK : ERR_EXISTS;
}

static enum err system_sync_directory(struct disk *disk, const char *path)
{
    UNUSED(disk);
    int fd = -1;
    enum err err = open_fd(path, O_RDONLY | O_DIRECTORY, 0, &fd);
    if (err)
        return err;
    err = result(fsync(fd));
    close(fd);
    return err;
}

static enum err system_exists(struct disk *disk, const char *path, bool *out_exists)
{
    UNUSED(disk);
    struct stat stat;
    enum err err = result(lstat(path, &stat)); /* a dangling link is there too */
    if (err && err != ERR_NOT_FOUND)
        return err;
    *out_exists = !err;
    return OK;
}

static enum err system_list(struct disk *disk, const char *path,
                            void (*each)(void *context, const char *name), void *context)
{
    UNUSED(disk);
    DIR *directory = opendir(path);
    if (!directory)
        return err_from_errno(errno);
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(context, entry->d_name);
    enum err err = err_from_errno(errno);
    closedir(directory);
    return err;
}

static const struct disk_ops system_ops = {
    .open = system_open,
    .rename = system_rename,
    .unlink = system_unlink,
    .mkdir = system_mkdir,
    .sync_directory = system_sync_directory,
    .exists = system_exists,
    .list = system_list,
};

struct disk *disk_system(void)
{
    /* Without state, so it may be shared; never written to. */
    static struct disk system = {.ops = &system_ops};
    return &system;
}
