/* The machine's files, as a configuration reads them. */
#include "server/config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (16 << 20)

static enum err read_open(int fd, struct arena *arena, struct str *out_text, mode_t *out_mode)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return err_from_errno(errno);
    if (!S_ISREG(stat.st_mode))
        return ERR_UNSUPPORTED;
    if (stat.st_size > FILE_MAX_BYTES)
        return ERR_LIMIT;
    size_t size = (size_t)stat.st_size, done = 0;
    char *text = arena_zalloc(arena, size + 1);
    while (done < size) {
        ssize_t got = read(fd, text + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_from_errno(errno);
        if (got == 0)
            break; /* it became shorter meanwhile */
        done += (size_t)got;
    }
    *out_text = str_make(text, done);
    *out_mode = stat.st_mode;
    return OK;
}

static enum err system_read(const struct config_reader *reader, struct str path,
                            struct arena *arena, struct str *out_text, mode_t *out_mode)
{
    UNUSED(reader);
    /* Without waiting: a named pipe in its place must not stop the server. */
    int fd = open(arena_copy(arena, path).at, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = read_open(fd, arena, out_text, out_mode);
    close(fd);
    return err;
}

const struct config_reader *config_reader_system(void)
{
    static const struct config_reader system = {.read = system_read};
    return &system;
}
