#include "server/source.h"

#include "base/log.h"
#include "net/tls.h"
#include "receive/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SANDBOX_USER     "testuser"
#define SANDBOX_PASSWORD "testpass"

/* ---- the sandbox's files ---- */

static enum err make_directories(const char *path, struct arena *arena)
{
    char *copy = (char *)(uintptr_t)arena_copy(arena, str_of(path)).at;
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            return err_from_errno(errno);
        *slash = '/';
    }
    return mkdir(copy, 0700) == 0 || errno == EEXIST ? OK : err_from_errno(errno);
}

static enum err write_file(const char *path, struct str content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    ssize_t written = write(fd, content.at, content.len);
    enum err err = written == (ssize_t)content.len && fsync(fd) == 0 ? OK : ERR_IO;
    close(fd);
    return err;
}

static bool is_there(const char *path) { return access(path, F_OK) == 0; }

static enum err make_certificate(struct str directory, struct arena *arena)
{
    struct str certificate_path = arena_printf(arena, "%.*s/certificate.pem", STR_FMT(directory));
    struct str key_path = arena_printf(arena, "%.*s/key.pem", STR_FMT(directory));
    if (is_there(certificate_path.at) && is_there(key_path.at))
        return OK;
    unlink(certificate_path.at);
    unlink(key_path.at);
    struct str certificate, key;
    enum err err = tls_self_signed(STR("localhost"), arena, &certificate, &key);
    if (!err)
        err = write_file(key_path.at, key);
    if (!err)
        err = write_file(certificate_path.at, certificate);
    return err;
}

static enum err make_account(struct str directory, struct arena *arena)
{
    struct str path = arena_printf(arena, "%.*s/accounts", STR_FMT(directory));
    if (is_there(path.at))
        return OK;
    struct str hash;
    enum err err = accounts_hash(STR(SANDBOX_PASSWORD), arena, &hash);
    if (err)
        return err;
    return write_file(path.at, arena_printf(arena, SANDBOX_USER ":%.*s\n", STR_FMT(hash)));
}

static struct str sandbox_text(struct str directory, struct arena *arena)
{
    int len = (int)directory.len;
    const char *at = directory.at;
    return arena_printf(
        arena,
        "hostname = \"localhost\"\n"
        "state = \"%.*s\"\n"
        "user = \"root\"\n"
        "listener mx { bind = {\"127.0.0.1:2525\"} service = mx }\n"
        "listener submission { bind = {\"127.0.0.1:2587\"} service = submission tls = starttls }\n"
        "listener submissions { bind = {\"127.0.0.1:2465\"} service = submission tls = implicit }\n"
        "tls { certificate = \"%.*s/certificate.pem\" key = \"%.*s/key.pem\" }\n"
        "accounts { file = \"%.*s/accounts\" senders = any }\n"
        "route \"*\" { via = \"maildir:%.*s/mail/%%{domain}/%%{user}\" }\n"
        "resolver { dnssec = no }\n"
        "limits { message_size = 100M }\n",
        len, at, len, at, len, at, len, at, len, at);
}

/* ---- reading ---- */

static enum err print_problems(const struct config *config)
{
    for (size_t i = 0; i < config->problem_count; i++)
        fprintf(stderr, "%.*s\n", STR_FMT(config_problem_print(&config->problems[i])));
    return config->error_count ? ERR_SYNTAX : OK;
}

static enum err load_sandbox(const char *given, struct arena *arena, struct config **out_config)
{
    char real[4096];
    enum err err = make_directories(given, arena);
    if (!err && !realpath(given, real))
        err = err_from_errno(errno);
    struct str directory = arena_copy(arena, str_of(real));
    if (!err)
        err = make_certificate(directory, arena);
    if (!err)
        err = make_account(directory, arena);
    if (err) {
        log_event(LOG_ERROR, "server", "cannot set up the sandbox in %s: %s", given, err_text(err));
        return err;
    }
    if (geteuid() == 0)
        log_event(LOG_INFO, "server", "started as root: the sandbox stays root");
    return config_parse(sandbox_text(directory, arena), "sandbox", config_reader_system(), arena,
                        out_config);
}

enum err server_source_load(const struct server_source *source, struct arena *arena,
                            struct config **out_config)
{
    enum err err = source->sandbox_directory
                       ? load_sandbox(source->sandbox_directory, arena, out_config)
                       : config_load(source->config_file, arena, out_config);
    if (err && err != ERR_SYNTAX)
        return err;
    return print_problems(*out_config);
}
