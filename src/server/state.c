#include "server/state.h"

#include "base/log.h"
#include "net/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL_NAME "control.sock"
#define SUBMIT_NAME  "submit.sock"

struct str state_path(struct arena *arena, struct str directory, const char *name)
{
    return arena_printf(arena, "%.*s/%s", STR_FMT(directory), name);
}

static enum err make_directory(const char *path, mode_t mode, const struct privileges *privileges)
{
    if (mkdir(path, mode) == 0)
        chmod(path, mode); /* whatever the umask says */
    else if (errno != EEXIST) {
        log_event(LOG_ERROR, "server", "cannot make %s: %s", path, strerror(errno));
        return err_from_errno(errno);
    }
    if (privileges->change && chown(path, privileges->uid, privileges->gid) != 0) {
        log_event(LOG_ERROR, "server", "cannot give %s to the engine's user: %s", path,
                  strerror(errno));
        return err_from_errno(errno);
    }
    if (access(path, R_OK | W_OK | X_OK) != 0) {
        log_event(LOG_ERROR, "server", "cannot use %s: %s", path, strerror(errno));
        return err_from_errno(errno);
    }
    return OK;
}

enum err state_prepare(const char *directory, const struct privileges *privileges)
{
    static const char *const names[] = {"spool", "trace"};
    struct arena arena = arena_make();
    enum err err = make_directory(directory, 0711, privileges);
    for (size_t i = 0; i < ARRAY_LEN(names) && !err; i++)
        err = make_directory(state_path(&arena, str_of(directory), names[i]).at, 0700, privileges);
    arena_reset(&arena);
    return err;
}

/* ---- sockets ---- */

static enum err open_socket(const char *path, mode_t mode, int *out_fd)
{
    struct arena arena = arena_make();
    struct net_address address;
    enum err err = net_address_parse(arena_printf(&arena, "unix:%s", path), 0, &address);
    if (!err)
        err = network_listen(&address, mode, out_fd);
    arena_reset(&arena);
    return err;
}

/* In our own directory: what is there is a dead server's. */
static enum err open_own_socket(const char *path, mode_t mode, int *out_fd)
{
    unlink(path);
    enum err err = open_socket(path, mode, out_fd);
    if (err)
        log_event(LOG_ERROR, "server", "cannot listen on %s: %s", path,
                  err == ERR_SYNTAX || err == ERR_LIMIT ? "the path is too long for a socket"
                                                        : err_text(err));
    return err;
}

enum err state_open_control(const char *directory, const struct privileges *privileges, int *out_fd)
{
    struct arena arena = arena_make();
    struct str path = state_path(&arena, str_of(directory), CONTROL_NAME);
    enum err err = open_own_socket(path.at, 0600, out_fd);
    if (!err && privileges->change && chown(path.at, privileges->uid, privileges->gid) != 0) {
        err = err_from_errno(errno);
        log_event(LOG_ERROR, "server", "cannot give %s to the engine's user: %s", path.at,
                  err_text(err));
    }
    arena_reset(&arena);
    return err;
}

enum err state_open_submit(const char *directory, int out_fds[STATE_SUBMIT_COUNT],
                           size_t *out_count)
{
    struct arena arena = arena_make();
    enum err err =
        open_own_socket(state_path(&arena, str_of(directory), SUBMIT_NAME).at, 0666, &out_fds[0]);
    arena_reset(&arena);
    if (err)
        return err;
    *out_count = 1;
    err = open_socket(STATE_RUN_SUBMIT, 0666, &out_fds[1]);
    if (!err)
        *out_count = 2;
    else if (err != ERR_NOT_FOUND)
        log_event(LOG_INFO, "server", "not listening on " STATE_RUN_SUBMIT ": %s", err_text(err));
    return OK;
}

void state_remove_sockets(const char *directory, size_t submit_count)
{
    struct arena arena = arena_make();
    unlink(state_path(&arena, str_of(directory), CONTROL_NAME).at);
    if (submit_count >= 1)
        unlink(state_path(&arena, str_of(directory), SUBMIT_NAME).at);
    if (submit_count >= 2)
        unlink(STATE_RUN_SUBMIT);
    arena_reset(&arena);
}
