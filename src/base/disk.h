/* Files and directories, as a seam: the spool and the Maildir delivery see the disk only through
 * `struct disk`. disk_system() is the machine's; disk_memory() is a disk in memory that forgets
 * what was not synced when it is "crashed", runs full and fails on demand.
 *
 * All calls block; they belong on threads made for that (fiber/blocking.h) except where a function
 * says that it does not wait for the device. Paths are NUL-terminated. Safe from several threads.
 */
#ifndef BASE_DISK_H
#define BASE_DISK_H

#include "base/err.h"

#include <sys/types.h>
#include <sys/uio.h>

struct disk;
struct disk_file;

enum disk_open_flags {
    DISK_READ = 0,
    DISK_WRITE = 1,     /* read and write */
    DISK_CREATE = 2,    /* make it if it is not there */
    DISK_EXCLUSIVE = 4, /* with CREATE: ERR_EXISTS if it is there */
    DISK_TRUNCATE = 8,
};

struct disk *disk_system(void);

MUST_CHECK enum err disk_open(struct disk *disk, const char *path, unsigned flags, mode_t mode,
                              struct disk_file **out_file);
void disk_close(struct disk_file *file);

/* Reads up to `len` bytes at `offset`; *out_len is less only at the end of the file. */
MUST_CHECK enum err disk_read(struct disk_file *file, uint64_t offset, void *out, size_t len,
                              size_t *out_len);
/* The same from the page cache alone: ERR_BUSY when the device would be waited for (then call
 * disk_read where blocking is allowed). */
MUST_CHECK enum err disk_read_cached(struct disk_file *file, uint64_t offset, void *out, size_t len,
                                     size_t *out_len);
/* Writes all of it, or fails. Not durable before disk_sync. `iov` may be changed. */
MUST_CHECK enum err disk_write(struct disk_file *file, uint64_t offset, struct iovec *iov,
                               size_t count);
/* fdatasync: content, and the size needed to reach it, are on stable storage. After an error
 * nothing written to the file since the last success may be trusted. */
MUST_CHECK enum err disk_sync(struct disk_file *file);
/* Reserves the blocks [0, size_bytes) so that later writes there cannot run out of space. A file
 * that was smaller has that size afterwards; new bytes are zeros. */
MUST_CHECK enum err disk_allocate(struct disk_file *file, uint64_t size_bytes);
MUST_CHECK enum err disk_truncate(struct disk_file *file, uint64_t size_bytes);
MUST_CHECK enum err disk_size(struct disk_file *file, uint64_t *out_size_bytes);

MUST_CHECK enum err disk_rename(struct disk *disk, const char *from, const char *to);
MUST_CHECK enum err disk_unlink(struct disk *disk, const char *path);
/* OK when it exists as a directory already. Not recursive. */
MUST_CHECK enum err disk_mkdir(struct disk *disk, const char *path, mode_t mode);
/* Makes names created, renamed or removed in the directory durable. */
MUST_CHECK enum err disk_sync_directory(struct disk *disk, const char *path);
MUST_CHECK enum err disk_exists(struct disk *disk, const char *path, bool *out_exists);

/* Calls `each` with every name in the directory but "." and "..", in no order. */
MUST_CHECK enum err disk_list(struct disk *disk, const char *path,
                              void (*each)(void *context, const char *name), void *context);

/* ---- the disk in memory ---- */
struct disk *disk_memory_new(uint64_t capacity_bytes);
void disk_memory_free(struct disk *disk);
/* Power is lost: open files become invalid (every later call on them is ERR_IO; still close them),
 * unsynced writes are lost. Of what was unsynced, each 512-byte sector survives or not, and each
 * unsynced directory operation survives or not in a prefix, by `seed`; 0 forgets everything. */
void disk_memory_crash(struct disk *disk, uint64_t seed);
/* The call number `after` from now (1: the next) that writes, allocates, truncates or syncs a file
 * or directory fails with `err`, once; 0: none. After a failed sync of a file a later one succeeds
 * without saving what was written before. */
void disk_memory_fail(struct disk *disk, uint64_t after, enum err err);
void disk_memory_set_capacity(struct disk *disk, uint64_t capacity_bytes);
/* How many syncs of files succeeded. */
uint64_t disk_memory_sync_count(const struct disk *disk);

#endif
