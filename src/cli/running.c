#include "cli/running.h"

#include "base/buf.h"
#include "cli/cli.h"
#include "server/config.h"
#include "server/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX_BYTES ((size_t)256 * 1024 * 1024)
#define ANSWER_WITHIN_S  60

struct str running_sandbox_directory(struct arena *arena)
{
    const char *state_home = getenv("XDG_STATE_HOME");
    if (state_home && state_home[0] == '/')
        return arena_printf(arena, "%s/postrider/sandbox", state_home);
    const char *home = getenv("HOME");
    return arena_printf(arena, "%s/.local/state/postrider/sandbox", home ? home : "");
}

static bool state_of_config(const char *command, const char *file, struct arena *arena,
                            struct str *out_state)
{
    struct config *config;
    if (config_load(file, arena, &config) != OK && !config->state.len) {
        fprintf(stderr,
                "postrider %s: cannot tell the server's state directory from %s "
                "(see postrider config check -c %s)\n",
                command, file, file);
        return false;
    }
    *out_state = config->state;
    return true;
}

bool running_find(const char *command, const char *config_file, const char *directory,
                  struct arena *arena, struct str *out_state)
{
    if (config_file && directory) {
        fprintf(stderr, "postrider %s: either -c or --dir, not both\n", command);
        return false;
    }
    if (directory)
        *out_state = arena_copy(arena, str_of(directory));
    else if (config_file)
        return state_of_config(command, config_file, arena, out_state);
    else if (access(CLI_DEFAULT_CONFIG, F_OK) == 0)
        return state_of_config(command, CLI_DEFAULT_CONFIG, arena, out_state);
    else
        *out_state = running_sandbox_directory(arena);
    return true;
}

static int connect_to(struct str path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.len >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path.at, path.len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = ANSWER_WITHIN_S};
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
                    connect(fd, (struct sockaddr *)&address, sizeof address) != 0)) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static bool send_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t sent = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes = str_from(bytes, (size_t)sent);
    }
    return true;
}

static bool receive_line(int fd, struct buf *answer)
{
    for (;;) {
        if (buf_reserve(answer, 65536) != OK)
            return false;
        ssize_t got = recv(fd, answer->at + answer->len, 65536, 0);
        if (got <= 0)
            return false;
        answer->len += (size_t)got;
        if (answer->at[answer->len - 1] == '\n')
            return true;
    }
}

static json_t *exchange(int fd, const json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    struct buf answer = buf_make(ANSWER_MAX_BYTES);
    json_t *json = NULL;
    if (text && send_all(fd, str_of(text)) && send_all(fd, STR("\n")) && receive_line(fd, &answer))
        json = json_loadb(answer.at, answer.len, 0, NULL);
    buf_free(&answer);
    free(text);
    return json;
}

static int explain_no_connection(const char *command, struct str path)
{
    int why = errno;
    if (why == EACCES || why == EPERM) {
        fprintf(stderr, "postrider %s: %.*s: only root and the server's own user may use it\n",
                command, STR_FMT(path));
        return CLI_FAILED;
    }
    if (why == ENOENT || why == ECONNREFUSED) {
        fprintf(stderr, "postrider %s: no server is running there (%.*s)\n", command,
                STR_FMT(path));
        return CLI_TRY_LATER;
    }
    fprintf(stderr, "postrider %s: cannot talk to %.*s: %s\n", command, STR_FMT(path),
            strerror(why));
    return CLI_FAILED;
}

bool running_find_submit(const char *command, const char *config_file, const char *directory,
                         struct arena *arena, struct str *out_path)
{
    if (!config_file && !directory && access(STATE_RUN_SUBMIT, F_OK) == 0) {
        *out_path = STR(STATE_RUN_SUBMIT);
        return true;
    }
    struct str state;
    if (!running_find(command, config_file, directory, arena, &state))
        return false;
    *out_path = state_path(arena, state, "submit.sock");
    return true;
}

int running_connect(const char *command, struct str path, int *out_status)
{
    int fd = connect_to(path);
    if (fd < 0)
        *out_status = explain_no_connection(command, path);
    return fd;
}

json_t *running_ask(const char *command, struct str state, json_t *request, int *out_status)
{
    struct arena arena = arena_make();
    struct str path = arena_printf(&arena, "%.*s/control.sock", STR_FMT(state));
    json_t *answer = NULL;
    int fd = running_connect(command, path, out_status);
    if (fd >= 0) {
        answer = exchange(fd, request);
        close(fd);
        if (!json_is_object(answer)) {
            fprintf(stderr, "postrider %s: the server did not answer\n", command);
            *out_status = CLI_TRY_LATER;
        } else if (!json_is_true(json_object_get(answer, "ok"))) {
            const char *error = json_string_value(json_object_get(answer, "error"));
            fprintf(stderr, "postrider %s: %s\n", command, error ? error : "refused");
            *out_status = CLI_FAILED;
            json_decref(answer);
            answer = NULL;
        } else {
            *out_status = CLI_OK;
        }
    }
    json_decref(request);
    arena_reset(&arena);
    return answer;
}
