#include "net/network.h"

#include "on_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct net_address address_of(const char *text)
{
    struct net_address address = {0};
    CHECK_ROW(text, net_address_parse(str_of(text), 0, &address) == OK);
    return address;
}

/* Listens on a free port of `host` and learns which. */
static int listen_on(const char *host, struct net_address *out_at)
{
    struct net_address at = address_of(host);
    int fd = -1;
    CHECK_ROW(host, network_listen(&at, 0, &fd) == OK);
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    CHECK(getsockname(fd, (struct sockaddr *)&name, &len) == 0);
    *out_at = net_address_from((struct sockaddr *)&name, len);
    return fd;
}

static void greet_over(const struct net_address *at, int fd)
{
    struct listener *listener;
    struct stream *near, *far;
    REQUIRE(listener_open(fd, &listener) == OK);
    REQUIRE(network_connect(network_system(), at, NULL, soon(), &near) == OK);
    REQUIRE(listener_accept(listener, soon(), &far) == OK);
    CHECK(net_address_eq(stream_peer(near), at));
    CHECK(net_address_eq(stream_local(far), at));
    CHECK(net_address_eq(stream_local(near), stream_peer(far)));
    CHECK(stream_write(far, STR("220 hello\r\n"), soon()) == OK);
    CHECK(stream_flush(far, soon()) == OK);
    struct str line = STR_EMPTY;
    bool crlf;
    CHECK(stream_read_line(near, 512, false, soon(), &line, &crlf) == OK);
    CHECK_STR(line, STR("220 hello"));
    stream_close(far);
    CHECK_INT(stream_fill(near, soon()), ERR_CLOSED);
    stream_close(near);
    listener_close(listener);
}

TEST_SYSTEM(a_connection_over_ipv4)
{
    struct net_address at;
    int fd = listen_on("127.0.0.1:0", &at);
    greet_over(&at, fd);
    close(fd);
}

TEST_SYSTEM(a_connection_over_ipv6)
{
    struct net_address at;
    int fd = listen_on("[::1]:0", &at);
    greet_over(&at, fd);
    close(fd);
}

static struct net_address local_path_in(char *directory)
{
    CHECK(mkdtemp(directory) != NULL);
    char text[128];
    snprintf(text, sizeof text, "unix:%s/socket", directory);
    return address_of(text);
}

TEST_SYSTEM(a_connection_over_a_unix_socket)
{
    char directory[] = "/tmp/network_test_XXXXXX";
    struct net_address at = local_path_in(directory);
    int fd = -1;
    REQUIRE(network_listen(&at, 0600, &fd) == OK);
    struct stat status;
    CHECK(stat(at.socket.local.sun_path, &status) == 0);
    CHECK_INT(status.st_mode & 0777, 0600);
    greet_over(&at, fd);

    int second_fd = -1;
    CHECK_INT(network_listen(&at, 0600, &second_fd), ERR_EXISTS);
    close(fd);
    struct stream *stream;
    CHECK_INT(network_connect(network_system(), &at, NULL, soon(), &stream), ERR_REFUSED);
    CHECK_INT(network_listen(&at, 0600, &fd), OK); /* replaces what was left behind */
    greet_over(&at, fd);
    close(fd);
    unlink(at.socket.local.sun_path);
    CHECK_INT(network_connect(network_system(), &at, NULL, soon(), &stream), ERR_REFUSED);
    rmdir(directory);
}

TEST_SYSTEM(a_used_port_is_reported)
{
    struct net_address at;
    int fd = listen_on("127.0.0.1:0", &at);
    int second_fd = -1;
    CHECK_INT(network_listen(&at, 0, &second_fd), ERR_EXISTS);
    struct net_address elsewhere = address_of("192.0.2.1:2525");
    CHECK_INT(network_listen(&elsewhere, 0, &second_fd), ERR_UNREACHABLE);
    close(fd);
}

TEST_SYSTEM(a_port_without_listener_refuses)
{
    struct net_address at;
    close(listen_on("127.0.0.1:0", &at));
    struct stream *stream = NULL;
    CHECK_INT(network_connect(network_system(), &at, NULL, soon(), &stream), ERR_REFUSED);
    CHECK(stream == NULL);
}

TEST_SYSTEM(a_source_address_is_used)
{
    struct net_address at;
    int fd = listen_on("127.0.0.1:0", &at);
    struct net_address source = address_of("127.0.0.2:0");
    struct stream *stream = NULL;
    REQUIRE(network_connect(network_system(), &at, &source, soon(), &stream) == OK);
    net_address_set_port(&source, net_address_port(stream_local(stream)));
    CHECK(net_address_eq(stream_local(stream), &source));
    stream_close(stream);
    struct net_address foreign = address_of("192.0.2.1:0");
    CHECK_INT(network_connect(network_system(), &at, &foreign, soon(), &stream), ERR_UNREACHABLE);
    close(fd);
}

/* A listener whose backlog is full drops what knocks: a host that does not answer. */
#define KNOCKERS 8
static int black_hole(struct net_address *out_at, int *knockers)
{
    int fd = listen_on("127.0.0.1:0", out_at);
    CHECK(listen(fd, 0) == 0);
    for (int i = 0; i < KNOCKERS; i++) {
        knockers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        CHECK(connect(knockers[i], &out_at->socket.any, out_at->len) == 0 || errno == EINPROGRESS);
    }
    return fd;
}

static void knock(void *argument)
{
    struct stream *stream;
    CHECK_INT(network_connect(network_system(), argument, NULL, DEADLINE_NEVER, &stream),
              ERR_CANCELLED);
}

TEST_SYSTEM(connecting_to_silence_ends_at_the_deadline_or_when_cancelled)
{
    struct net_address at;
    int knockers[KNOCKERS];
    int fd = black_hole(&at, knockers);
    struct stream *stream;
    CHECK_INT(network_connect(network_system(), &at, NULL, loop_now_ms() + 50, &stream),
              ERR_TIMEOUT);

    struct fiber_group group;
    fiber_group_init(&group, loop_current());
    fiber_spawn(&group, "knocker", knock, &at);
    fiber_yield();
    fiber_group_cancel(&group);
    CHECK_INT(fiber_group_join(&group, soon()), OK);
    for (int i = 0; i < KNOCKERS; i++)
        close(knockers[i]);
    close(fd);
}

/* ---- listeners ---- */
static void accept_until_stopped(void *argument)
{
    struct stream *stream;
    enum err err;
    while ((err = listener_accept(argument, DEADLINE_NEVER, &stream)) == OK)
        stream_close(stream);
    CHECK_INT(err, ERR_STOPPING);
}

TEST_SYSTEM(a_draining_listener_stops_even_when_clients_wait)
{
    struct net_address at;
    int fd = listen_on("127.0.0.1:0", &at);
    struct listener *listener;
    REQUIRE(listener_open(fd, &listener) == OK);
    struct fiber_group group;
    fiber_group_init(&group, loop_current());
    fiber_spawn(&group, "listener", accept_until_stopped, listener);
    fiber_yield();
    struct stream *stream;
    CHECK(network_connect(network_system(), &at, NULL, soon(), &stream) == OK);
    stream_close(stream);
    fiber_group_drain(&group);
    CHECK_INT(fiber_group_join(&group, soon()), OK);
    listener_close(listener);
    close(fd);
}

static void lower_descriptors(int highest, struct rlimit *out_before)
{
    getrlimit(RLIMIT_NOFILE, out_before);
    struct rlimit lowered = *out_before;
    lowered.rlim_cur = (rlim_t)highest + 1;
    CHECK(setrlimit(RLIMIT_NOFILE, &lowered) == 0);
}

TEST_SYSTEM(when_descriptors_run_out_the_listener_waits_and_goes_on)
{
    struct net_address at;
    int fd = listen_on("127.0.0.1:0", &at);
    struct listener *listener;
    struct stream *near, *far = NULL;
    REQUIRE(listener_open(fd, &listener) == OK);
    REQUIRE(network_connect(network_system(), &at, NULL, soon(), &near) == OK);
    struct rlimit before;
    lower_descriptors(dup(fd), &before); /* the lowest free descriptor is the last one allowed */
    CHECK_INT(listener_accept(listener, loop_now_ms() + 50, &far), ERR_TIMEOUT);
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK_INT(listener_accept(listener, soon(), &far), OK);
    stream_close(near);
    if (far)
        stream_close(far);
    listener_close(listener);
    close(fd);
}

TEST_SYSTEM(an_aborted_stream_is_a_reset_at_the_other_end)
{
    struct net_address at;
    int fd = listen_on("127.0.0.1:0", &at);
    struct listener *listener;
    struct stream *near, *far;
    REQUIRE(listener_open(fd, &listener) == OK);
    REQUIRE(network_connect(network_system(), &at, NULL, soon(), &near) == OK);
    REQUIRE(listener_accept(listener, soon(), &far) == OK);
    stream_abort(far);
    CHECK_INT(stream_fill(near, soon()), ERR_RESET);
    stream_close(near);
    listener_close(listener);
    close(fd);
}

/* A peer that pipelines more than we read would get a reset instead of our last words. */
TEST_SYSTEM(last_words_arrive_although_input_was_left_unread)
{
    struct net_address at;
    int fd = listen_on("127.0.0.1:0", &at);
    struct listener *listener;
    struct stream *near, *far;
    REQUIRE(listener_open(fd, &listener) == OK);
    REQUIRE(network_connect(network_system(), &at, NULL, soon(), &near) == OK);
    REQUIRE(listener_accept(listener, soon(), &far) == OK);
    CHECK(stream_write(near, STR("NOOP\r\nNOOP\r\n"), soon()) == OK);
    CHECK(stream_flush(near, soon()) == OK);
    CHECK(stream_write(far, STR("421 bye\r\n"), soon()) == OK);
    stream_close(far);
    struct str line = STR_EMPTY;
    bool crlf;
    CHECK_INT(stream_read_line(near, 512, false, soon(), &line, &crlf), OK);
    CHECK_STR(line, STR("421 bye"));
    CHECK_INT(stream_fill(near, soon()), ERR_CLOSED);
    stream_close(near);
    listener_close(listener);
    close(fd);
}

int main(void)
{
    RUN(a_connection_over_ipv4);
    RUN(a_connection_over_ipv6);
    RUN(a_connection_over_a_unix_socket);
    RUN(a_used_port_is_reported);
    RUN(a_port_without_listener_refuses);
    RUN(a_source_address_is_used);
    RUN(connecting_to_silence_ends_at_the_deadline_or_when_cancelled);
    RUN(a_draining_listener_stops_even_when_clients_wait);
    RUN(when_descriptors_run_out_the_listener_waits_and_goes_on);
    RUN(an_aborted_stream_is_a_reset_at_the_other_end);
    RUN(last_words_arrive_although_input_was_left_unread);
    return test_summary();
}
