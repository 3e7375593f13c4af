#include "cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

void password_wipe(struct password *password) { explicit_bzero(password, sizeof *password); }

/* ---- One line ------------------------------------------------------------------------------- */

/* Waits until the terminal can be read; false when a signal came instead. Then it is still pending
 * and hits once signals are let in again. */
static bool wait_for_input(int fd, int signal_fd)
{
    struct pollfd watched[] = {{.fd = fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
    while (poll(watched, signal_fd < 0 ? 1 : 2, -1) < 0)
        if (errno != EINTR)
            return false;
    return signal_fd < 0 || !watched[1].revents;
}

/* Byte by byte, so that nothing behind the line is taken from whoever reads next. */
static enum err read_line(int fd, int signal_fd, struct password *password)
{
    for (;;) {
        char c;
        if (!wait_for_input(fd, signal_fd))
            return ERR_CANCELLED;
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_IO;
        if (got == 0 || c == '\n')
            break;
        if (password->len == ACCOUNT_PASSWORD_MAX_BYTES)
            return ERR_LIMIT;
        password->at[password->len++] = c;
    }
    if (password->len && password->at[password->len - 1] == '\r')
        password->len--;
    password->at[password->len] = '\0';
    return OK;
}

static const char *problem_of(enum err err, const struct password *password)
{
    if (err == ERR_LIMIT)
        return "the password is longer than 511 bytes";
    if (err)
        return "the password could not be read";
    if (password->len == 0)
        return "the password is empty";
    if (str_find(password_str(password), '\0') != SIZE_MAX)
        return "the password holds a NUL byte";
    return NULL;
}

static enum err read_password(int fd, int signal_fd, struct password *out_password,
                              const char **out_problem)
{
    struct password password = {.len = 0};
    enum err err = read_line(fd, signal_fd, &password);
    const char *problem = problem_of(err, &password);
    if (problem)
        *out_problem = problem;
    else
        *out_password = password;
    password_wipe(&password);
    return problem ? (err ? err : ERR_SYNTAX) : OK;
}

enum err password_read_stdin(struct password *out_password, const char **out_problem)
{
    return read_password(STDIN_FILENO, -1, out_password, out_problem);
}

/* ---- The terminal --------------------------------------------------------------------------- */

static void say(int terminal, struct str text)
{
    ssize_t written = write(terminal, text.at, text.len);
    UNUSED(written); /* who does not see the question sees no answer either */
}

static enum err ask_once(int terminal, int signal_fd, struct str question,
                         struct password *out_password, const char **out_problem)
{
    say(terminal, question);
    enum err err = read_password(terminal, signal_fd, out_password, out_problem);
    say(terminal, STR("\n"));
    return err;
}

static enum err ask_twice(int terminal, int signal_fd, struct password *out_password,
                          const char **out_problem)
{
    struct password first = {.len = 0}, second = {.len = 0};
    enum err err = ask_once(terminal, signal_fd, STR("New password: "), &first, out_problem);
    if (!err)
        err = ask_once(terminal, signal_fd, STR("Again: "), &second, out_problem);
    if (!err && !str_eq(password_str(&first), password_str(&second))) {
        *out_problem = "the two passwords differ; nothing was changed";
        err = ERR_SYNTAX;
    }
    if (!err)
        *out_password = first;
    password_wipe(&first);
    password_wipe(&second);
    return err;
}

/* With the signals held back that would end the process and leave the terminal without echo. */
static enum err ask_silently(int terminal, struct password *out_password, const char **out_problem)
{
    struct termios loud, silent;
    if (tcgetattr(terminal, &loud) != 0) {
        *out_problem = "there is no terminal to ask on (use --password-stdin)";
        return ERR_UNSUPPORTED;
    }
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGQUIT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGTSTP);
    sigprocmask(SIG_BLOCK, &signals, &before);
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);

    silent = loud;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(terminal, TCSAFLUSH, &silent);
    enum err err = ask_twice(terminal, signal_fd, out_password, out_problem);
    tcsetattr(terminal, TCSAFLUSH, &loud);

    if (signal_fd >= 0)
        close(signal_fd);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return err;
}

enum err password_ask(struct password *out_password, const char **out_problem)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0) {
        *out_problem = "there is no terminal to ask on (use --password-stdin)";
        return ERR_UNSUPPORTED;
    }
    enum err err = ask_silently(terminal, out_password, out_problem);
    close(terminal);
    return err;
}
