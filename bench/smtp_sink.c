/* smtp_sink: takes all mail, as fast as it is sent, and forgets it. Made because smtp-sink becomes
 * the limit before the server does. One thread, our own fibers.
 *
 *   smtp_sink --listen 127.0.0.1:2526 --messages 10000 [--log FILE]
 *
 * Prints `complete` when so many messages have come; ends when the connections are closed then,
 * with one line: received=N recipients=N bytes=N connections=N seconds=S (from the first message to
 * the last)
 * --log writes the X-Number of each message as it is accepted, to find what is lost or doubled. */
#include "base/clock.h"
#include "fiber/loop.h"
#include "net/network.h"
#include "smtp/command.h"
#include "smtp/data.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP_MS 600000

struct sink {
    struct net_address at;
    uint64_t messages;
    FILE *log;
    bool chunking;

    struct clock clock;
    struct loop *loop;
    struct fiber_group group, acceptor;
    uint64_t received, recipients, bytes, connections;
    int64_t first_us, last_us;
};

struct session {
    struct sink *sink;
    struct stream *stream;
    uint64_t recipients;
    char head[1024]; /* of the message, where X-Number stands */
    size_t head_len;
};

static enum err say(struct session *session, const char *reply)
{
    return stream_write(session->stream, str_of(reply), loop_now_ms() + STEP_MS);
}

static void log_number(struct session *session)
{
    struct str head = str_make(session->head, session->head_len);
    size_t at = str_search(head, STR("\r\nX-Number: "));
    struct str number = STR("-"), rest;
    if (at != SIZE_MAX && str_cut(str_from(head, at + 12), '\r', &number, &rest))
        fprintf(session->sink->log, "%.*s\n", STR_FMT(number));
    else
        fputs("-\n", session->sink->log);
}

static void count_message(struct session *session)
{
    struct sink *sink = session->sink;
    sink->last_us = clock_wall_us(&sink->clock);
    if (sink->received == 0)
        sink->first_us = sink->last_us;
    sink->received++;
    sink->recipients += session->recipients;
    session->recipients = 0;
    if (sink->log)
        log_number(session);
    session->head_len = 0;
    if (sink->received == sink->messages) {
        puts("complete");
        fflush(stdout);
    }
}

static void keep_head(struct session *session, struct str run)
{
    size_t room = min_size(sizeof session->head - session->head_len, run.len);
    memcpy(session->head + session->head_len, run.at, room);
    session->head_len += room;
}

static enum err take_data(struct session *session)
{
    struct smtp_data_reader reader = smtp_data_reader_make();
    enum err err = say(session, "354 go on\r\n");
    if (!err)
        err = stream_flush(session->stream, loop_now_ms() + STEP_MS);
    while (!err && !smtp_data_is_ended(&reader)) {
        struct str in = stream_input(session->stream);
        size_t begin_len = in.len;
        while (in.len && !smtp_data_is_ended(&reader)) {
            struct str run;
            in = str_from(in, smtp_data_read(&reader, in, &run));
            keep_head(session, run);
        }
        session->sink->bytes += begin_len - in.len;
        stream_consume(session->stream, begin_len - in.len);
        if (!smtp_data_is_ended(&reader))
            err = stream_fill(session->stream, loop_now_ms() + STEP_MS);
    }
    if (!err) {
        count_message(session);
        err = say(session, "250 2.0.0 taken\r\n");
    }
    return err;
}

static enum err take_chunk(struct session *session, uint64_t size, bool is_last)
{
    enum err err = OK;
    while (size && !err) {
        struct str in = str_first(stream_input(session->stream), size);
        keep_head(session, in);
        session->sink->bytes += in.len;
        size -= in.len;
        stream_consume(session->stream, in.len);
        if (size)
            err = stream_fill(session->stream, loop_now_ms() + STEP_MS);
    }
    if (!err && is_last)
        count_message(session);
    return err ? err : say(session, "250 2.0.0 taken\r\n");
}

static enum err answer(struct session *session, const struct smtp_command *command)
{
    switch (command->verb) {
    case SMTP_VERB_EHLO:
        return say(session, session->sink->chunking
                                ? "250-sink\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n"
                                : "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
    case SMTP_VERB_DATA:
        return take_data(session);
    case SMTP_VERB_BDAT:
        return take_chunk(session, command->bdat.size, command->bdat.is_last);
    case SMTP_VERB_RCPT:
        session->recipients++;
        return say(session, "250 2.1.5 ok\r\n");
    case SMTP_VERB_QUIT:
        if (say(session, "221 2.0.0 bye\r\n") == OK)
            return stream_flush(session->stream, loop_now_ms() + STEP_MS) == OK ? ERR_CLOSED
                                                                                : ERR_IO;
        return ERR_IO;
    default:
        return say(session, "250 2.0.0 ok\r\n");
    }
}

static enum err take_command(struct session *session)
{
    struct str line;
    bool crlf;
    if (stream_input(session->stream).len == 0) {
        enum err err = stream_flush(session->stream, loop_now_ms() + STEP_MS);
        if (err)
            return err;
    }
    enum err err = stream_read_line(session->stream, SMTP_LINE_MAX_BYTES, false,
                                    loop_now_ms() + STEP_MS, &line, &crlf);
    if (err)
        return err;
    struct arena arena = arena_make();
    struct smtp_command command;
    struct smtp_fault fault;
    err = smtp_command_parse(&arena, line, true, &command, &fault);
    err = err ? say(session, "500 5.5.2 what?\r\n") : answer(session, &command);
    arena_reset(&arena);
    return err;
}

static void run_session(void *argument)
{
    struct session *session = argument;
    struct sink *sink = session->sink;
    sink->connections++;
    enum err err = say(session, "220 sink ESMTP\r\n");
    while (!err)
        err = take_command(session);
    stream_close(session->stream);
    free(session);
    if (sink->received >= sink->messages) {
        fiber_group_cancel(&sink->acceptor);
        fiber_group_cancel(&sink->group);
        loop_stop(sink->loop);
    }
}

static void accept_all(void *argument)
{
    struct sink *sink = argument;
    int fd;
    struct listener *listener;
    struct stream *stream;
    if (network_listen(&sink->at, 0600, &fd) != OK || listener_open(fd, &listener) != OK) {
        fputs("smtp_sink: cannot listen\n", stderr);
        exit(1);
    }
    puts("ready");
    fflush(stdout);
    while (listener_accept(listener, DEADLINE_NEVER, &stream) == OK) {
        struct session *session = calloc(1, sizeof *session);
        if (!session)
            abort();
        session->sink = sink;
        session->stream = stream;
        fiber_spawn(&sink->group, "session", run_session, session);
    }
    listener_close(listener);
}

static void start(void *argument)
{
    struct sink *sink = argument;
    fiber_spawn(&sink->acceptor, "acceptor", accept_all, sink);
}

static void read_options(struct sink *sink, int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", 1, NULL, 'l'},
        {"messages", 1, NULL, 'm'},
        {"log", 1, NULL, 'o'},
        {"chunking", 0, NULL, 'c'},
        {0},
    };
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        bool right = true;
        if (letter == 'l')
            right = net_address_parse(str_of(optarg), 25, &sink->at) == OK;
        else if (letter == 'm')
            right = str_to_u64(str_of(optarg), UINT32_MAX, &sink->messages);
        else if (letter == 'o')
            right = (sink->log = fopen(optarg, "w")) != NULL;
        else if (letter == 'c')
            sink->chunking = true;
        if (!right || letter == '?')
            exit(2);
    }
}

int main(int argc, char **argv)
{
    struct sink sink = {.messages = 1, .clock = clock_system()};
    if (net_address_parse(STR("127.0.0.1:2526"), 25, &sink.at) != OK)
        return 2;
    read_options(&sink, argc, argv);
    sink.loop = loop_new(&(struct loop_options){.clock = &sink.clock});
    fiber_group_init(&sink.group, sink.loop);
    fiber_group_init(&sink.acceptor, sink.loop);
    if (loop_run(sink.loop, start, &sink) != OK)
        return 1;
    printf("received=%llu recipients=%llu bytes=%llu connections=%llu seconds=%.3f\n",
           (unsigned long long)sink.received, (unsigned long long)sink.recipients,
           (unsigned long long)sink.bytes, (unsigned long long)sink.connections,
           (double)(sink.last_us - sink.first_us) / 1e6);
    if (sink.log)
        fclose(sink.log);
    return 0;
}
