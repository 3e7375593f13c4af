/* A real name server (NSD, package `nsd`) for one test program, on a free port of the loopback,
 * with its files in a directory of its own. Zones are signed with the tools of package `ldnsutils`.
 * Where either is missing the test fails and says so. */
#ifndef TEST_DNS_NAME_SERVER_H
#define TEST_DNS_NAME_SERVER_H

#include "fiber/loop.h"
#include "net/address.h"
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct name_server {
    char directory[64];
    struct net_address at;
    pid_t pid;
};

static inline int udp_socket(struct net_address *out_at)
{
    struct net_address at;
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || net_address_parse(STR("127.0.0.1:0"), 0, &at) ||
        bind(fd, &at.socket.any, at.len) || getsockname(fd, (struct sockaddr *)&name, &len))
        abort();
    *out_at = net_address_from((struct sockaddr *)&name, len);
    return fd;
}

static inline void file_write(const char *directory, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file))
        abort();
}

/* Runs a shell command in the directory; false when it fails. */
static inline bool run_in(const char *directory, const char *command)
{
    char line[1024];
    snprintf(line, sizeof line, "cd %s && %s", directory, command);
    return system(line) == 0;
}

static inline bool is_installed(const char *program, const char *package)
{
    char command[128];
    snprintf(command, sizeof command, "PATH=$PATH:/usr/sbin command -v %s >/dev/null", program);
    if (system(command) == 0)
        return true;
    printf("# %s is not installed: this test needs the package %s\n", program, package);
    return false;
}

/* Asks for the SOA of the root until anything comes back. */
static inline bool name_server_answers(const struct name_server *server)
{
    static const char question[] = "\0\1\0\0\0\1\0\0\0\0\0\0\0\0\6\0\1";
    struct net_address own;
    char answer[512];
    int fd = udp_socket(&own);
    bool answers = false;
    for (int i = 0; i < 500 && !answers; i++) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (sendto(fd, question, sizeof question - 1, 0, &server->at.socket.any, server->at.len) <
            0)
            break;
        poll(&wait, 1, 20);
        answers = recv(fd, answer, sizeof answer, 0) > 0;
    }
    close(fd);
    return answers;
}

static inline bool name_server_init(struct name_server *server)
{
    *server = (struct name_server){.directory = "/tmp/dns_test_XXXXXX", .pid = -1};
    return is_installed("nsd", "nsd") && is_installed("ldns-signzone", "ldnsutils") &&
           mkdtemp(server->directory);
}

/* `zones`: "zone:" clauses of nsd.conf(5). */
static inline bool name_server_start(struct name_server *server, const char *zones)
{
    char text[2048];
    close(udp_socket(&server->at));
    const char *d = server->directory;
    snprintf(
        text, sizeof text,
        "server:\n ip-address: 127.0.0.1@%u\n username: \"\"\n chroot: \"\"\n zonesdir: \"%s\"\n"
        " pidfile: \"%s/nsd.pid\"\n database: \"\"\n xfrdfile: \"%s/xfrd\"\n xfrdir: \"%s\"\n"
        " zonelistfile: \"%s/zones\"\n logfile: \"%s/log\"\n server-count: 1\n"
        "remote-control:\n control-enable: no\n%s",
        net_address_port(&server->at), d, d, d, d, d, d, zones);
    file_write(d, "nsd.conf", text);
    server->pid = fork();
    if (server->pid == 0) {
        char path[128];
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that crashes leaves no server behind */
        snprintf(path, sizeof path, "%s/nsd.conf", d);
        execlp("nsd", "nsd", "-d", "-c", path, (char *)NULL);
        execl("/usr/sbin/nsd", "nsd", "-d", "-c", path, (char *)NULL);
        _exit(127);
    }
    if (name_server_answers(server))
        return true;
    printf("# nsd does not answer; its log:\n");
    fflush(stdout);
    run_in(d, "cat log >&2");
    return false;
}

static inline void name_server_stop(struct name_server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGTERM);
        waitpid(server->pid, NULL, 0);
    }
    if (server->directory[0] && !strstr(server->directory, "XXXXXX"))
        run_in(server->directory, "rm -f -- * && rmdir \"$PWD\"");
}

#endif
