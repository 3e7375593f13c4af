#include "server/secret.h"

#include "base/log.h"
#include "base/random.h"
#include "server/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

static enum err read_whole(int fd, void *out, size_t size)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return err_from_errno(errno);
    bool is_fit =
        S_ISREG(status.st_mode) && !(status.st_mode & 077) && status.st_size == (off_t)size;
    return is_fit && read(fd, out, size) == (ssize_t)size ? OK : ERR_CORRUPT;
}

enum err secret_read(struct str directory, const char *name, void *out, size_t size)
{
    struct arena arena = arena_make();
    int fd = open(state_path(&arena, directory, name).at, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    enum err err = fd < 0 ? err_from_errno(errno) : read_whole(fd, out, size);
    if (fd >= 0)
        close(fd);
    arena_reset(&arena);
    return err;
}

/* ---- making ---- */

static enum err write_whole(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    bool is_written = write(fd, bytes, size) == (ssize_t)size && fsync(fd) == 0;
    close(fd);
    return is_written ? OK : ERR_IO;
}

static enum err sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = fsync(fd) == 0 ? OK : err_from_errno(errno);
    close(fd);
    return err;
}

static enum err make(struct str directory, const char *name, void *out, size_t size)
{
    struct arena arena = arena_make();
    const char *path = state_path(&arena, directory, name).at;
    const char *new_path = arena_printf(&arena, "%s.new", path).at;
    random_bytes(out, size);
    unlink(new_path); /* of a start that did not get far */
    enum err err = write_whole(new_path, out, size);
    if (!err && rename(new_path, path) != 0)
        err = err_from_errno(errno);
    if (!err)
        err = sync_directory(arena_copy(&arena, directory).at);
    arena_reset(&arena);
    return err;
}

enum err secret_read_or_make(struct str directory, const char *name, void *out, size_t size)
{
    enum err err = secret_read(directory, name, out, size);
    if (err == ERR_NOT_FOUND)
        err = make(directory, name, out, size);
    if (err == ERR_CORRUPT)
        log_event(LOG_ERROR, "server",
                  "%.*s/%s is damaged, or open to others: put back a copy of it with mode 0600, or "
                  "delete it to have a new one made",
                  STR_FMT(directory), name);
    else if (err)
        log_event(LOG_ERROR, "server", "cannot use %.*s/%s: %s", STR_FMT(directory), name,
                  err_text(err));
    return err;
}
