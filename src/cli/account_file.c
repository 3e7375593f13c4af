#include "cli/account_file.h"

#include "base/buf.h"
#include "server/config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Text ----------------------------------------------------------------------------------- */

struct str account_text_add(struct arena *arena, struct str text, struct str name, struct str hash,
                            struct str addresses)
{
    bool wants_newline = text.len && text.at[text.len - 1] != '\n';
    return arena_printf(arena, "%.*s%s%.*s:%.*s%s%.*s\n", STR_FMT(text), wants_newline ? "\n" : "",
                        STR_FMT(name), STR_FMT(hash), addresses.len ? ":" : "", STR_FMT(addresses));
}

/* Where the account's line stands: its start, and the start of the next one. */
static bool find_line(struct str text, struct str name, size_t *out_start, size_t *out_end)
{
    for (size_t start = 0, end; start < text.len; start = end) {
        struct str rest = str_from(text, start), owner;
        struct str line = str_first(rest, min_size(str_find(rest, '\n'), rest.len));
        end = min_size(start + line.len + 1, text.len);
        struct str hash;
        line = str_trim(line);
        if (line.len && line.at[0] != '#' && str_cut(line, ':', &owner, &hash) &&
            str_eq_nocase(owner, name)) {
            *out_start = start;
            *out_end = end;
            return true;
        }
    }
    return false;
}

static struct str replace_line(struct arena *arena, struct str text, struct str name,
                               struct str line)
{
    size_t start, end;
    if (!find_line(text, name, &start, &end))
        return text;
    return arena_printf(arena, "%.*s%.*s%.*s", STR_FMT(str_first(text, start)), STR_FMT(line),
                        STR_FMT(str_from(text, end)));
}

struct str account_text_set_hash(struct arena *arena, struct str text, struct str name,
                                 struct str hash)
{
    size_t start, end;
    if (!find_line(text, name, &start, &end))
        return text;
    struct str old = str_trim(str_first(str_from(text, start), end - start));
    struct str owner, rest, addresses = STR_EMPTY;
    str_cut(old, ':', &owner, &rest);
    str_cut(rest, ':', &rest, &addresses);
    struct str line = account_text_add(arena, STR_EMPTY, owner, hash, addresses);
    return replace_line(arena, text, name, line);
}

struct str account_text_remove(struct arena *arena, struct str text, struct str name)
{
    return replace_line(arena, text, name, STR_EMPTY);
}

/* ---- File ----------------------------------------------------------------------------------- */

static enum err open_directory_of(const char *path, int *out_fd)
{
    char copy[PATH_MAX];
    if ((size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy)
        return ERR_LIMIT;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    *out_fd = fd;
    return OK;
}

/* The directory is locked, since the file itself is replaced by each change. */
enum err account_file_lock(const char *path, int *out_lock)
{
    int fd = -1;
    enum err err = open_directory_of(path, &fd);
    if (err)
        return err;
    while (flock(fd, LOCK_EX) != 0)
        if (errno != EINTR) {
            err = err_from_errno(errno);
            close(fd);
            return err;
        }
    *out_lock = fd;
    return OK;
}

enum err account_file_read(const char *path, struct arena *arena, struct str *out_text)
{
    const struct config_reader *reader = config_reader_system();
    mode_t mode;
    enum err err = reader->read(reader, str_of(path), arena, out_text, &mode);
    if (err != ERR_NOT_FOUND)
        return err;
    *out_text = STR_EMPTY;
    return OK;
}

static enum err write_all(int fd, struct str text)
{
    while (text.len) {
        ssize_t written = write(fd, text.at, text.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return err_from_errno(errno);
        text = str_from(text, (size_t)written);
    }
    return OK;
}

/* A new file that is whole and on the disk, or none. */
static enum err make_new(const char *path, const char *old_path, struct str text)
{
    unlink(path); /* left behind by a change that did not end */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    struct stat old;
    enum err err = write_all(fd, text);
    bool keep_owner = stat(old_path, &old) == 0 && geteuid() == 0;
    if (!err && keep_owner && fchown(fd, old.st_uid, old.st_gid) != 0)
        err = err_from_errno(errno);
    if (!err && fsync(fd) != 0)
        err = err_from_errno(errno);
    if (close(fd) != 0 && !err)
        err = err_from_errno(errno);
    if (err)
        unlink(path);
    return err;
}

static enum err sync_directory_of(const char *path)
{
    int fd = -1;
    enum err err = open_directory_of(path, &fd);
    if (err)
        return err;
    if (fsync(fd) != 0)
        err = err_from_errno(errno);
    close(fd);
    return err;
}

enum err account_file_write(const char *path, struct str text)
{
    char real[PATH_MAX], new_path[PATH_MAX];
    /* A link stays a link. */
    if (!realpath(path, real) && (size_t)snprintf(real, sizeof real, "%s", path) >= sizeof real)
        return ERR_LIMIT;
    if ((size_t)snprintf(new_path, sizeof new_path, "%s.new", real) >= sizeof new_path)
        return ERR_LIMIT;
    enum err err = make_new(new_path, real, text);
    if (err)
        return err;
    if (rename(new_path, real) != 0) {
        err = err_from_errno(errno);
        unlink(new_path);
        return err;
    }
    return sync_directory_of(real);
}
