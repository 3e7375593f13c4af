#include "server/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define WAIT_STEP_MS 20
#define WAIT_STEPS   250

static pid_t read_holder(int fd)
{
    char text[32] = {0};
    if (pread(fd, text, sizeof text - 1, 0) <= 0)
        return 0;
    return (pid_t)strtol(text, NULL, 10);
}

static bool is_alive(pid_t pid) { return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM); }

static enum err write_holder(int fd)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
        return err_from_errno(errno);
    return OK;
}

/* A server whose parent was killed leaves an engine that is about to end: worth a moment. */
static bool lock_or_wait(int fd)
{
    for (int step = 0; step < WAIT_STEPS; step++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (is_alive(read_holder(fd)))
            return false;
        struct timespec pause = {.tv_nsec = WAIT_STEP_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
    return false;
}

enum err server_lock_take(const char *state_directory, int *out_fd, pid_t *out_holder)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/lock", state_directory) >= sizeof path)
        return ERR_LIMIT;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = OK;
    if (!lock_or_wait(fd)) {
        *out_holder = read_holder(fd);
        err = ERR_BUSY;
    } else {
        err = write_holder(fd);
    }
    if (err)
        close(fd);
    else
        *out_fd = fd;
    return err;
}
