#include "server/file_watch.h"

#include <sys/stat.h>

struct file_watch file_watch_make(const struct str *paths, size_t count)
{
    return (struct file_watch){.paths = paths, .count = count};
}

/* A file that is not there has a number too. */
static uint64_t number_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return 1;
    const uint64_t what[] = {
        status.st_dev,
        status.st_ino,
        (uint64_t)status.st_size,
        status.st_mode,
        (uint64_t)status.st_mtim.tv_sec,
        (uint64_t)status.st_mtim.tv_nsec,
        (uint64_t)status.st_ctim.tv_sec,
        (uint64_t)status.st_ctim.tv_nsec,
    };
    return str_hash(str_make((const char *)what, sizeof what));
}

static uint64_t number_of_all(const struct file_watch *watch)
{
    uint64_t number = 1;
    for (size_t i = 0; i < watch->count; i++) {
        const uint64_t both[] = {number, number_of(watch->paths[i].at)};
        number = str_hash(str_make((const char *)both, sizeof both));
    }
    return number;
}

bool file_watch_look(struct file_watch *watch)
{
    uint64_t before = watch->seen;
    watch->seen = number_of_all(watch);
    if (watch->seen != before || watch->seen == watch->taken)
        return false;
    watch->taken = watch->seen;
    return true;
}
