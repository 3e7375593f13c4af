#include "cli/bridge.h"

#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_BYTES 16384

struct bridge {
    int fd;
    bool input_ended;
    bool after_cr;
};

static bool write_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t written = write(fd, bytes.at, bytes.len);
        if (written < 0 && errno != EINTR)
            return false;
        bytes = str_from(bytes, written < 0 ? 0 : (size_t)written);
    }
    return true;
}

static bool send_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t sent = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return false;
        bytes = str_from(bytes, sent < 0 ? 0 : (size_t)sent);
    }
    return true;
}

static struct str with_crlf(struct bridge *bridge, struct str bytes, char out[2 * PIECE_BYTES])
{
    size_t len = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.at[i] == '\n' && !bridge->after_cr)
            out[len++] = '\r';
        out[len++] = bytes.at[i];
        bridge->after_cr = bytes.at[i] == '\r';
    }
    return str_make(out, len);
}

/* A server that is gone is noticed when it is read from. */
static void carry_to_server(struct bridge *bridge)
{
    char in[PIECE_BYTES], out[2 * PIECE_BYTES];
    ssize_t got = read(STDIN_FILENO, in, sizeof in);
    if (got > 0 && send_all(bridge->fd, with_crlf(bridge, str_make(in, (size_t)got), out)))
        return;
    bridge->input_ended = true;
    shutdown(bridge->fd, SHUT_WR);
}

/* False: it is over, *out_ok well or not. */
static bool carry_from_server(struct bridge *bridge, bool *out_ok)
{
    char piece[PIECE_BYTES];
    ssize_t got = recv(bridge->fd, piece, sizeof piece, 0);
    *out_ok = got == 0;
    return got > 0 && write_all(STDOUT_FILENO, str_make(piece, (size_t)got));
}

bool bridge_run(int fd)
{
    struct bridge bridge = {.fd = fd};
    bool goes_on = true, ok = false;
    while (goes_on) {
        struct pollfd ends[] = {
            {.fd = bridge.input_ended ? -1 : STDIN_FILENO, .events = POLLIN},
            {.fd = fd, .events = POLLIN},
        };
        if (poll(ends, ARRAY_LEN(ends), -1) < 0 && errno != EINTR)
            break;
        if (ends[1].revents)
            goes_on = carry_from_server(&bridge, &ok);
        else if (ends[0].revents)
            carry_to_server(&bridge);
    }
    close(fd);
    return ok;
}
