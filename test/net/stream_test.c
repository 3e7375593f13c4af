#include "base/mem.h"
#include "net/network.h"
#include "net/stream_internal.h"
#include "on_loop.h"

#include <sys/socket.h>
#include <unistd.h>

static void socket_pair(struct stream **out_one, struct stream **out_other)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        abort();
    *out_one = stream_from_socket(fds[0]);
    *out_other = stream_from_socket(fds[1]);
}

static void say(struct stream *stream, struct str bytes)
{
    CHECK(stream_write(stream, bytes, soon()) == OK);
    CHECK(stream_flush(stream, soon()) == OK);
}

static enum err read_line(struct stream *stream, size_t max, struct str *out_line)
{
    bool crlf;
    return stream_read_line(stream, max, false, soon(), out_line, &crlf);
}

/* ---- lines ---- */
struct speech {
    struct stream *stream;
    struct str text;
    size_t piece;
};

static void speak(void *argument)
{
    struct speech *speech = argument;
    for (size_t at = 0; at < speech->text.len; at += speech->piece) {
        say(speech->stream, str_first(str_from(speech->text, at), speech->piece));
        fiber_yield();
    }
}

static void hear_lines(struct stream *far)
{
    struct str line;
    bool crlf;
    CHECK(stream_read_line(far, 512, false, soon(), &line, &crlf) == OK);
    CHECK_STR(line, STR("EHLO client.example"));
    CHECK(crlf);
    CHECK(stream_read_line(far, 512, false, soon(), &line, &crlf) == OK);
    CHECK_STR(line, STR(""));
    CHECK(crlf);
    CHECK(stream_read_line(far, 512, false, soon(), &line, &crlf) == OK);
    CHECK_STR(line, STR("bare\r\r"));
    CHECK(crlf);
    CHECK(stream_read_line(far, 512, false, soon(), &line, &crlf) == OK);
    CHECK_STR(line, STR("no CR"));
    CHECK(!crlf);
}

static void hear_every_split(void (*pair)(struct stream **, struct stream **))
{
    struct str text = STR("EHLO client.example\r\n\r\nbare\r\r\r\nno CR\n");
    for (size_t piece = 1; piece <= text.len; piece++) {
        struct speech speech = {.text = text, .piece = piece};
        struct stream *far;
        pair(&speech.stream, &far);
        struct fiber_group group;
        fiber_group_init(&group, loop_current());
        fiber_spawn(&group, "speaker", speak, &speech);
        hear_lines(far);
        CHECK(fiber_group_join(&group, soon()) == OK);
        stream_close(speech.stream);
        CHECK(stream_fill(far, soon()) == ERR_CLOSED);
        CHECK(stream_fill(far, soon()) == ERR_CLOSED);
        stream_close(far);
    }
}

TEST_SYSTEM(lines_arrive_whole_whatever_the_split_on_sockets) { hear_every_split(socket_pair); }
TEST_VIRTUAL(lines_arrive_whole_whatever_the_split_in_memory) { hear_every_split(stream_pair); }

TEST_VIRTUAL(a_line_of_exactly_max_is_taken_and_a_longer_one_is_left_unread)
{
    struct stream *near, *far;
    stream_pair(&near, &far);
    say(near, STR("12345678\r\n1234567890\r\nnext\r\n"));
    struct str line;
    CHECK(read_line(far, 10, &line) == OK);
    CHECK_STR(line, STR("12345678"));
    CHECK(read_line(far, 10, &line) == ERR_LIMIT);
    CHECK(read_line(far, 10, &line) == ERR_LIMIT);
    CHECK(str_starts(stream_input(far), STR("1234567890")));
    stream_consume(far, strlen("1234567890"));
    CHECK(read_line(far, 10, &line) == OK);
    CHECK_STR(line, STR(""));
    CHECK(read_line(far, 10, &line) == OK);
    CHECK_STR(line, STR("next"));
    stream_close(near);
    stream_close(far);
}

TEST_VIRTUAL(a_line_cut_off_by_the_end_is_no_line)
{
    struct stream *near, *far;
    stream_pair(&near, &far);
    say(near, STR("QUIT"));
    stream_close(near);
    struct str line;
    CHECK(read_line(far, 512, &line) == ERR_CLOSED);
    CHECK_STR(stream_input(far), STR("QUIT"));
    stream_close(far);
}

/* ---- input ---- */
TEST_SYSTEM(the_input_is_bounded)
{
    struct stream *near, *far;
    socket_pair(&near, &far);
    char block[1000] = {0};
    struct speech speech = {near, str_make(block, sizeof block), sizeof block};
    enum err err = OK;
    for (int i = 0; i < 200 && !err; i++) {
        speak(&speech);
        err = stream_fill(far, soon());
    }
    CHECK_INT(err, ERR_LIMIT);
    CHECK_INT(stream_input(far).len, 65536);
    stream_consume(far, 60000);
    CHECK(stream_fill(far, soon()) == OK);
    stream_close(near);
    stream_close(far);
}

TEST_VIRTUAL(an_idle_stream_holds_no_buffer)
{
    struct stream *near, *far;
    stream_pair(&near, &far);
    say(near, STR("HELO\r\n"));
    CHECK(near->output == NULL);
    struct str line;
    CHECK(read_line(far, 512, &line) == OK);
    uint64_t deadline_ms = loop_now_ms() + 300000;
    CHECK(stream_fill(far, deadline_ms) == ERR_TIMEOUT);
    CHECK(loop_now_ms() == deadline_ms);
    CHECK(far->input == NULL);
    CHECK_STR(stream_input(far), STR(""));
    say(near, STR("half a li"));
    CHECK(stream_fill(far, soon()) == OK);
    CHECK(stream_fill(far, soon()) == ERR_TIMEOUT);
    CHECK_STR(stream_input(far), STR("half a li"));
    stream_close(near);
    stream_close(far);
}

static void wait_at_boundary(void *argument)
{
    struct stream *stream = argument;
    CHECK_INT(stream_fill_at_boundary(stream, soon()), ERR_STOPPING);
    CHECK_INT(stream_fill(stream, loop_now_ms() + 10), ERR_TIMEOUT);
}

TEST_VIRTUAL(draining_ends_waits_at_a_boundary_only)
{
    struct stream *near, *far;
    stream_pair(&near, &far);
    struct fiber_group group;
    fiber_group_init(&group, loop_current());
    fiber_spawn(&group, "waiting", wait_at_boundary, far);
    fiber_yield();
    fiber_group_drain(&group);
    CHECK(fiber_group_join(&group, soon()) == OK);
    stream_close(near);
    stream_close(far);
}

static void wait_for_cancel(void *argument)
{
    struct stream *stream = argument;
    CHECK_INT(stream_fill(stream, soon()), ERR_CANCELLED);
    fiber_shield_begin();
    say(stream, STR("421 bye\r\n"));
    fiber_shield_end();
}

TEST_SYSTEM(a_cancelled_reader_can_still_say_goodbye)
{
    struct stream *near, *far;
    socket_pair(&near, &far);
    struct fiber_group group;
    fiber_group_init(&group, loop_current());
    fiber_spawn(&group, "waiting", wait_for_cancel, far);
    fiber_yield();
    fiber_group_cancel(&group);
    CHECK(fiber_group_join(&group, soon()) == OK);
    struct str line;
    CHECK(read_line(near, 512, &line) == OK);
    CHECK_STR(line, STR("421 bye"));
    stream_close(near);
    stream_close(far);
}

/* ---- output ---- */
#define LOAD_BYTES (1000 * 1000)

static char pattern(size_t i) { return (char)(i * 31 + i / 251); }

struct load {
    struct stream *stream;
    size_t piece;
};

static void send_load(void *argument)
{
    struct load *load = argument;
    char *bytes = mem_alloc(LOAD_BYTES);
    for (size_t i = 0; i < LOAD_BYTES; i++)
        bytes[i] = pattern(i);
    for (size_t at = 0; at < LOAD_BYTES; at += load->piece) {
        struct str rest = str_make(bytes + at, LOAD_BYTES - at);
        CHECK(stream_write(load->stream, str_first(rest, load->piece), soon()) == OK);
    }
    CHECK(stream_flush(load->stream, soon()) == OK);
    stream_close(load->stream);
    mem_free(bytes);
}

static void receive_load(struct stream *stream)
{
    size_t seen = 0;
    size_t wrong = 0;
    enum err err;
    while ((err = stream_fill(stream, soon())) == OK) {
        struct str input = stream_input(stream);
        for (size_t i = 0; i < input.len; i++)
            wrong += input.at[i] != pattern(seen + i);
        seen += input.len;
        stream_consume(stream, input.len);
    }
    CHECK_INT(err, ERR_CLOSED);
    CHECK_INT(seen, LOAD_BYTES);
    CHECK_INT(wrong, 0);
}

static void carry_load(void (*pair)(struct stream **, struct stream **))
{
    static const size_t pieces[] = {100, 1000, 16383, 16384, 16385, 70000, LOAD_BYTES};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct load load = {.piece = pieces[i]};
        struct stream *far;
        pair(&load.stream, &far);
        struct fiber_group group;
        fiber_group_init(&group, loop_current());
        fiber_spawn(&group, "sender", send_load, &load);
        receive_load(far);
        CHECK(fiber_group_join(&group, soon()) == OK);
        stream_close(far);
    }
}

TEST_SYSTEM(a_large_load_arrives_unchanged_over_sockets) { carry_load(socket_pair); }
TEST_VIRTUAL(a_large_load_arrives_unchanged_in_memory) { carry_load(stream_pair); }

static enum err write_until_it_fails(struct stream *stream)
{
    char block[4096] = {0};
    enum err err = OK;
    for (int i = 0; i < 10000 && !err; i++)
        err = stream_write(stream, str_make(block, sizeof block), loop_now_ms() + 20);
    return err;
}

TEST_SYSTEM(a_peer_that_does_not_read_costs_the_writer_its_deadline)
{
    struct stream *near, *far;
    socket_pair(&near, &far);
    CHECK_INT(write_until_it_fails(near), ERR_TIMEOUT);
    CHECK_INT(stream_write(near, STR("x"), soon()), ERR_TIMEOUT);
    stream_close(near);
    stream_close(far);
}

TEST_SYSTEM(a_flush_that_timed_out_goes_on_where_it_stopped)
{
    struct stream *near, *far;
    socket_pair(&near, &far);
    char block[1000];
    memset(block, 'x', sizeof block);
    size_t written = 0;
    enum err err = OK;
    while (!err && written < 10 * 1000 * 1000) {
        CHECK(stream_write(near, str_make(block, sizeof block), soon()) == OK);
        written += sizeof block;
        err = stream_flush(near, loop_now_ms());
    }
    CHECK_INT(err, ERR_TIMEOUT);
    size_t seen = 0;
    while (seen < written && stream_fill(far, soon()) == OK) {
        seen += stream_input(far).len;
        stream_consume(far, stream_input(far).len);
        CHECK(stream_flush(near, soon()) == OK);
    }
    CHECK_INT(seen, written);
    stream_close(near);
    stream_close(far);
}

static void check_broken(void (*pair)(struct stream **, struct stream **))
{
    struct stream *near, *far;
    pair(&near, &far);
    stream_close(far);
    CHECK_INT(write_until_it_fails(near), ERR_RESET);
    stream_close(near);
}

TEST_SYSTEM(writing_to_a_closed_socket_is_a_reset_without_a_signal) { check_broken(socket_pair); }
TEST_VIRTUAL(writing_to_a_closed_pipe_is_a_reset) { check_broken(stream_pair); }

TEST_SYSTEM(gathered_bytes_are_sent_by_close)
{
    struct stream *near, *far;
    socket_pair(&near, &far);
    CHECK(stream_write(near, STR("221 bye\r\n"), soon()) == OK);
    stream_close(near);
    struct str line;
    CHECK(read_line(far, 512, &line) == OK);
    CHECK_STR(line, STR("221 bye"));
    CHECK(stream_fill(far, soon()) == ERR_CLOSED);
    stream_close(far);
}

TEST_SYSTEM(a_unix_socket_names_its_peer)
{
    struct stream *near, *far;
    socket_pair(&near, &far);
    uid_t uid = (uid_t)-1;
    pid_t pid = 0;
    CHECK(stream_peer_credentials(near, &uid, &pid) == OK);
    CHECK_INT(uid, getuid());
    CHECK_INT(pid, getpid());
    stream_close(near);
    stream_close(far);
    stream_pair(&near, &far);
    CHECK_INT(stream_peer_credentials(near, &uid, &pid), ERR_UNSUPPORTED);
    stream_close(near);
    stream_close(far);
}

int main(void)
{
    RUN(lines_arrive_whole_whatever_the_split_on_sockets);
    RUN(lines_arrive_whole_whatever_the_split_in_memory);
    RUN(a_line_of_exactly_max_is_taken_and_a_longer_one_is_left_unread);
    RUN(a_line_cut_off_by_the_end_is_no_line);
    RUN(the_input_is_bounded);
    RUN(an_idle_stream_holds_no_buffer);
    RUN(draining_ends_waits_at_a_boundary_only);
    RUN(a_cancelled_reader_can_still_say_goodbye);
    RUN(a_large_load_arrives_unchanged_over_sockets);
    RUN(a_large_load_arrives_unchanged_in_memory);
    RUN(a_peer_that_does_not_read_costs_the_writer_its_deadline);
    RUN(a_flush_that_timed_out_goes_on_where_it_stopped);
    RUN(writing_to_a_closed_socket_is_a_reset_without_a_signal);
    RUN(writing_to_a_closed_pipe_is_a_reset);
    RUN(gathered_bytes_are_sent_by_close);
    RUN(a_unix_socket_names_its_peer);
    return test_summary();
}
