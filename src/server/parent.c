#include "server/parent.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/certificates.h"
#include "server/engine.h"
#include "server/file_watch.h"
#include "server/listeners.h"
#include "server/lock.h"
#include "server/privileges.h"
#include "server/secret.h"
#include "server/state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_WITHIN_MS    20000 /* the engine ends sessions within 10 s; then it is killed */
#define BACK_OFF_FIRST_MS 1000
#define BACK_OFF_MAX_MS   60000
#define LOOK_EVERY_MS     2000 /* at certificates, for new ones */
#define BACK_OFF_FORGIVEN 10   /* an engine that lived this many delays starts over */

struct parent {
    const struct server_source *source;
    struct clock clock;
    struct arena arena; /* of `config` */
    struct config *config;
    struct arena certificate_arena; /* of those that `config` got later */
    struct file_watch certificate_watch;
    uint64_t look_at_ms; /* at the certificates */
    struct privileges privileges;
    struct srs_key srs_key;
    struct listener_set listeners;
    int lock_fd;
    int control_fd;
    int submit_fds[STATE_SUBMIT_COUNT];
    size_t submit_count;
    int signal_fd;
    int renewal_fd; /* to the engine: new certificates */
    int ready_fd;   /* the engine writes a byte when it serves; -1 once that came */
    pid_t engine;
    uint64_t kill_at_ms;
    uint64_t back_off_ms;
    bool was_ready;
    bool stopping;
    bool reloading;
};

/* ---- getting ready ---- */

static void collect_addresses(const struct config *config, struct arena *arena,
                              struct net_address **out_addresses, size_t *out_count)
{
    size_t count = 0;
    for (size_t i = 0; i < config->listener_count; i++)
        count += config->listeners[i].bind_count;
    struct net_address *addresses = ARENA_ARRAY(arena, struct net_address, count);
    size_t at = 0;
    for (size_t i = 0; i < config->listener_count; i++)
        for (size_t j = 0; j < config->listeners[i].bind_count; j++)
            addresses[at++] = config->listeners[i].binds[j];
    *out_addresses = addresses;
    *out_count = count;
}

static enum err open_listeners(const struct config *config, const struct listener_set *old,
                               struct listener_set *out_set)
{
    struct arena arena = arena_make();
    struct net_address *addresses;
    size_t count;
    collect_addresses(config, &arena, &addresses, &count);
    struct net_address failed;
    enum err err = listener_set_open(addresses, count, old, out_set, &failed);
    if (err)
        log_event(LOG_ERROR, "server", "cannot listen on %.*s: %s",
                  STR_FMT(net_address_print(&arena, &failed)),
                  err == ERR_EXISTS || err == ERR_IO ? "the address is in use" : err_text(err));
    arena_reset(&arena);
    return err;
}

static enum err find_user(struct parent *parent)
{
    const char *user = parent->config->user.at;
    enum err err = privileges_find(user, &parent->privileges);
    if (err)
        log_event(LOG_ERROR, "server",
                  "started as root, but there is no user \"%s\" to become; make it with "
                  "\"adduser --system --group --no-create-home %s\", or set user = \"root\"",
                  user, user);
    return err;
}

static enum err take_lock(struct parent *parent)
{
    pid_t holder;
    enum err err = server_lock_take(parent->config->state.at, &parent->lock_fd, &holder);
    if (err == ERR_BUSY)
        log_event(LOG_ERROR, "server", "another server, pid %ld, is using %s", (long)holder,
                  parent->config->state.at);
    else if (err)
        log_event(LOG_ERROR, "server", "cannot lock %s/lock: %s", parent->config->state.at,
                  err_text(err));
    return err;
}

static void block_signals(struct parent *parent)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    parent->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (parent->signal_fd < 0)
        abort(); /* no descriptors at start */
}

static enum err prepare(struct parent *parent)
{
    enum err err = server_source_load(parent->source, &parent->arena, &parent->config);
    if (!err)
        err = find_user(parent);
    if (!err)
        err = state_prepare(parent->config->state.at, &parent->privileges);
    if (!err)
        err = take_lock(parent);
    if (!err)
        err = secret_read_or_make(parent->config->state, SECRET_SRS_NAME, parent->srs_key.bytes,
                                  sizeof parent->srs_key.bytes);
    if (!err)
        err = open_listeners(parent->config, NULL, &parent->listeners);
    if (!err)
        err =
            state_open_control(parent->config->state.at, &parent->privileges, &parent->control_fd);
    if (!err)
        err =
            state_open_submit(parent->config->state.at, parent->submit_fds, &parent->submit_count);
    return err;
}

/* ---- certificates ---- */

/* Begins to look at the files of a configuration that is new. */
static void watch_certificates(struct parent *parent)
{
    struct config_certificates all = config_certificates(parent->config, &parent->arena);
    struct str *paths = ARENA_ARRAY(&parent->arena, struct str, 2 * all.count);
    for (size_t i = 0; i < all.count; i++) {
        paths[2 * i] = all.at[i]->certificate_file;
        paths[2 * i + 1] = all.at[i]->key_file;
    }
    parent->certificate_watch = file_watch_make(paths, 2 * all.count);
    parent->look_at_ms = all.count ? clock_now_ms(&parent->clock) : DEADLINE_NEVER;
    arena_reset(&parent->certificate_arena);
}

/* New ones go into the configuration, for engines to come, and to the engine that serves. What does
 * not work is told once, and looked at again when it changes. */
static void take_certificates(struct parent *parent)
{
    struct arena arena = arena_make();
    const char *file = parent->source->config_file ? parent->source->config_file : "sandbox";
    bool changed = false;
    struct str problem;
    enum err err = config_reread_certificates(parent->config, file, config_reader_system(), &arena,
                                              &changed, &problem);
    if (err)
        log_event(LOG_ERROR, "server", "%.*s; the old certificates stay in use", STR_FMT(problem));
    if (!changed) {
        arena_reset(&arena);
        return;
    }
    arena_reset(&parent->certificate_arena);
    parent->certificate_arena = arena;
    certificates_send(parent->config, parent->renewal_fd);
}

static void look_at_certificates(struct parent *parent)
{
    uint64_t now_ms = clock_now_ms(&parent->clock);
    if (now_ms < parent->look_at_ms)
        return;
    parent->look_at_ms = now_ms + LOOK_EVERY_MS;
    if (file_watch_look(&parent->certificate_watch))
        take_certificates(parent);
}

/* ---- the engine's life ---- */

static void start_engine(struct parent *parent)
{
    int ready[2], renewal[2];
    if (pipe2(ready, O_CLOEXEC) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, renewal) != 0)
        abort();
    pid_t pid = fork();
    if (pid < 0) {
        log_event(LOG_ERROR, "server", "cannot start the engine: %s", strerror(errno));
        close(ready[0]);
        close(ready[1]);
        close(renewal[0]);
        close(renewal[1]);
        return;
    }
    if (pid == 0) {
        close(ready[0]);
        close(renewal[0]);
        close(parent->signal_fd);
        struct engine_plan plan = {
            .config = parent->config,
            .listeners = &parent->listeners,
            .control_fd = parent->control_fd,
            .submit_fds = parent->submit_fds,
            .submit_count = parent->submit_count,
            .renewal_fd = renewal[1],
            .ready_fd = ready[1],
            .srs_key = &parent->srs_key,
            .privileges = parent->privileges,
            .sandbox = parent->source->sandbox_directory != NULL,
            .parent = getppid(),
        };
        exit(engine_run(&plan));
    }
    close(ready[1]);
    close(renewal[1]);
    parent->ready_fd = ready[0];
    parent->renewal_fd = renewal[0];
    parent->engine = pid;
    parent->kill_at_ms = DEADLINE_NEVER;
}

static void tell_engine_to_end(struct parent *parent)
{
    if (parent->engine)
        kill(parent->engine, SIGTERM);
    parent->kill_at_ms = clock_now_ms(&parent->clock) + STOP_WITHIN_MS;
}

/* For whoever started it: a script waits for the line `ready`, a person wants to know what to type.
 */
static void announce_ready(const struct parent *parent)
{
    if (parent->source->sandbox_directory) {
        const char *directory = parent->config->state.at;
        printf(
            "The sandbox takes mail on this machine only, and delivers nothing beyond it:\n"
            "  MX          127.0.0.1:2525\n"
            "  submission  127.0.0.1:2587 (STARTTLS), 127.0.0.1:2465 (TLS), account testuser / "
            "testpass\n"
            "  mailboxes   %s/mail/DOMAIN/USER\n"
            "Send something:\n"
            "  postrider send --server 127.0.0.1:2525 --from me@example.org --to you@example.net\n"
            "and read what happened to it, by the id in the server's answer:\n"
            "  postrider trace --dir %s ID\n",
            directory, directory);
    }
    puts("ready");
    fflush(stdout);
}

static void become_ready(struct parent *parent)
{
    char byte;
    ssize_t got = read(parent->ready_fd, &byte, 1);
    close(parent->ready_fd);
    parent->ready_fd = -1;
    if (got == 1 && !parent->was_ready) {
        parent->was_ready = true;
        announce_ready(parent);
    }
}

/* The new configuration is taken only if it is right and its sockets can be had: a mistake in the
 * file leaves the running server as it is. */
static void prepare_reload(struct parent *parent)
{
    struct arena arena = arena_make();
    struct config *config;
    struct listener_set listeners;
    enum err err = server_source_load(parent->source, &arena, &config);
    if (!err && !str_eq(config->state, parent->config->state)) {
        log_event(LOG_ERROR, "server", "a new state directory needs a restart");
        err = ERR_UNSUPPORTED;
    }
    if (!err)
        err = open_listeners(config, &parent->listeners, &listeners);
    if (err) {
        log_event(LOG_ERROR, "server", "reload: the old configuration stays in use");
        arena_reset(&arena);
        return;
    }
    listener_set_close(&parent->listeners, &listeners);
    arena_reset(&parent->arena);
    parent->arena = arena;
    parent->config = config;
    parent->listeners = listeners;
    parent->reloading = true;
    watch_certificates(parent);
    if (find_user(parent) != OK)
        log_event(LOG_WARNING, "server", "reload: the engine stays the user it was");
    log_event(LOG_INFO, "server", "reload: handing over to a new engine");
    tell_engine_to_end(parent);
}

static void take_signal(struct parent *parent)
{
    struct signalfd_siginfo info;
    while (read(parent->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP && !parent->stopping && !parent->reloading) {
            prepare_reload(parent);
        } else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
            if (parent->stopping && parent->engine)
                kill(parent->engine, SIGKILL); /* asked twice: no more waiting */
            parent->stopping = true;
            tell_engine_to_end(parent);
        }
    }
}

/* Waits for signals, the ready byte, or the deadline. */
static void wait_for_something(struct parent *parent, uint64_t deadline_ms)
{
    uint64_t now = clock_now_ms(&parent->clock);
    int timeout = -1;
    if (deadline_ms != DEADLINE_NEVER)
        timeout = deadline_ms <= now ? 0 : (int)min_size((size_t)(deadline_ms - now), 60000);
    struct pollfd fds[] = {
        {.fd = parent->signal_fd, .events = POLLIN},
        {.fd = parent->ready_fd, .events = POLLIN}, /* -1 is ignored */
    };
    if (poll(fds, ARRAY_LEN(fds), timeout) <= 0)
        return;
    if (fds[1].revents)
        become_ready(parent);
    if (fds[0].revents)
        take_signal(parent);
}

/* Until the engine has ended; returns its wait status. */
static int supervise(struct parent *parent)
{
    int status = 0;
    while (waitpid(parent->engine, &status, WNOHANG) == 0) {
        if (clock_now_ms(&parent->clock) >= parent->kill_at_ms)
            kill(parent->engine, SIGKILL);
        look_at_certificates(parent);
        wait_for_something(parent, parent->kill_at_ms < parent->look_at_ms ? parent->kill_at_ms
                                                                           : parent->look_at_ms);
    }
    parent->engine = 0;
    close(parent->renewal_fd);
    if (parent->ready_fd >= 0)
        become_ready(parent);
    return status;
}

static void log_end(const struct parent *parent, int status, uint64_t delay_ms)
{
    if (WIFSIGNALED(status))
        log_event(LOG_ERROR, "server",
                  "the engine was killed by signal %d (%s); the next starts in %u s",
                  WTERMSIG(status), strsignal(WTERMSIG(status)), (unsigned)(delay_ms / 1000));
    else
        log_event(LOG_ERROR, "server", "the engine ended with status %d; the next starts in %u s",
                  WEXITSTATUS(status), (unsigned)(delay_ms / 1000));
    UNUSED(parent);
}

static void back_off(struct parent *parent, int status, uint64_t lived_ms)
{
    if (lived_ms >= parent->back_off_ms * BACK_OFF_FORGIVEN)
        parent->back_off_ms = BACK_OFF_FIRST_MS;
    log_end(parent, status, parent->back_off_ms);
    uint64_t until_ms = clock_now_ms(&parent->clock) + parent->back_off_ms;
    while (!parent->stopping && !parent->reloading && clock_now_ms(&parent->clock) < until_ms)
        wait_for_something(parent, until_ms);
    parent->back_off_ms = (uint64_t)min_size((size_t)parent->back_off_ms * 2, BACK_OFF_MAX_MS);
}

static int keep_engine_running(struct parent *parent)
{
    while (!parent->stopping) {
        uint64_t began_ms = clock_now_ms(&parent->clock);
        parent->reloading = false;
        start_engine(parent);
        int status = parent->engine ? supervise(parent) : 0;
        if (parent->stopping || parent->reloading)
            continue;
        if (!parent->was_ready)
            return 1; /* it said why */
        back_off(parent, status, clock_now_ms(&parent->clock) - began_ms);
    }
    return 0;
}

int parent_run(const struct server_source *source)
{
    struct parent parent = {
        .source = source,
        .clock = clock_system(),
        .lock_fd = -1,
        .control_fd = -1,
        .ready_fd = -1,
        .back_off_ms = BACK_OFF_FIRST_MS,
    };
    block_signals(&parent);
    enum err err = prepare(&parent);
    if (err) {
        arena_reset(&parent.arena);
        return err == ERR_SYNTAX ? 2 : 1;
    }
    watch_certificates(&parent);
    int status = keep_engine_running(&parent);
    state_remove_sockets(parent.config->state.at, parent.submit_count);
    listener_set_close(&parent.listeners, NULL);
    arena_reset(&parent.arena);
    arena_reset(&parent.certificate_arena);
    return status;
}
