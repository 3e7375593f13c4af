/* smtp_load: sends many messages over many sessions at once, as fast as the server takes them. Made
 * because smtp-source becomes the limit before the server does. One thread, our own fibers.
 *
 *   smtp_load --server 127.0.0.1:2525 --sessions 20 --messages 10000 --size 10240
 *
 * Speaks as most clients do, one command at a time, or with --pipelining. Each session stays open
 * for all of its messages (as smtp-source -d), or for --per-session of them. Prints one line:
 *   sent=N failed=N seconds=S per_second=R */
#include "base/clock.h"
#include "fiber/loop.h"
#include "net/network.h"
#include "net/tls.h"
#include "smtp/reply.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP_MS   120000
#define BODY_LINE "All work and no play makes a mail server dull: 0123456789 abcdefghijklm.\r\n"

struct load {
    struct net_address server;
    uint64_t sessions, messages, size, per_session, recipients;
    struct str from, to;
    bool pipelining, starttls;
    bool numbered; /* --to may hold %d: the message's number */

    struct loop *loop;
    struct fiber_group group;
    struct tls_context *tls;
    struct arena arena;
    struct str body;
    uint64_t next, sent, failed;
};

/* ---- one session ---- */

struct session {
    struct load *load;
    struct stream *stream;
};

static enum err say(struct session *session, struct str line)
{
    return stream_write(session->stream, line, loop_now_ms() + STEP_MS);
}

/* Sends what was said and reads one reply. */
static enum err hear(struct session *session, int want_class)
{
    uint64_t deadline_ms = loop_now_ms() + STEP_MS;
    struct smtp_reply reply;
    size_t used;
    enum err err = stream_flush(session->stream, deadline_ms);
    while (!err &&
           (err = smtp_reply_parse(stream_input(session->stream), &reply, &used)) == ERR_MORE)
        err = stream_fill(session->stream, deadline_ms);
    if (err)
        return err;
    bool right = reply.code / 100 == want_class;
    if (!right)
        fprintf(stderr, "smtp_load: the server said %.*s", STR_FMT(reply.raw));
    stream_consume(session->stream, used);
    return right ? OK : ERR_REFUSED;
}

static enum err greet(struct session *session)
{
    enum err err = hear(session, 2);
    if (!err)
        err = say(session, STR("EHLO load.example\r\n"));
    if (!err)
        err = hear(session, 2);
    if (err || !session->load->starttls)
        return err;
    err = say(session, STR("STARTTLS\r\n"));
    if (!err)
        err = hear(session, 2);
    if (!err)
        err = stream_tls_connect(session->stream, session->load->tls, STR("localhost"), false,
                                 loop_now_ms() + STEP_MS);
    if (!err)
        err = say(session, STR("EHLO load.example\r\n"));
    return err ? err : hear(session, 2);
}

static enum err envelope(struct session *session, struct arena *arena, uint64_t number)
{
    struct load *load = session->load;
    bool together = load->pipelining;
    enum err err = say(session, arena_printf(arena, "MAIL FROM:<%.*s>\r\n", STR_FMT(load->from)));
    if (!err && !together)
        err = hear(session, 2);
    for (uint64_t i = 0; i < load->recipients && !err; i++) {
        struct str number_text =
            arena_printf(arena, "%llu", (unsigned long long)(number * load->recipients + i));
        err = say(session, arena_printf(arena, "RCPT TO:<%s%.*s>\r\n",
                                        load->numbered ? number_text.at : "", STR_FMT(load->to)));
        if (!err && !together)
            err = hear(session, 2);
    }
    if (!err)
        err = say(session, STR("DATA\r\n"));
    for (uint64_t i = 0; i < 1 + load->recipients && together && !err; i++)
        err = hear(session, 2);
    return err ? err : hear(session, 3);
}

static enum err send_one(struct session *session, uint64_t number)
{
    struct arena arena = arena_make();
    enum err err = envelope(session, &arena, number);
    if (!err)
        err = say(session, arena_printf(&arena,
                                        "From: <%.*s>\r\nTo: <%.*s>\r\nSubject: message "
                                        "%llu\r\nMessage-ID: <%llu@load.example>\r\n"
                                        "X-Number: %llu\r\n\r\n",
                                        STR_FMT(session->load->from), STR_FMT(session->load->to),
                                        (unsigned long long)number, (unsigned long long)number,
                                        (unsigned long long)number));
    if (!err)
        err = say(session, session->load->body);
    if (!err)
        err = say(session, STR(".\r\n"));
    if (!err)
        err = hear(session, 2);
    arena_reset(&arena);
    return err;
}

static enum err converse(struct session *session)
{
    struct load *load = session->load;
    enum err err = greet(session);
    for (uint64_t i = 0; i < load->per_session && load->next < load->messages && !err; i++) {
        err = send_one(session, load->next++);
        if (err)
            load->failed++;
        else
            load->sent++;
    }
    if (!err)
        err = say(session, STR("QUIT\r\n"));
    return err ? err : hear(session, 2);
}

static void run_session(void *argument)
{
    struct session session = {.load = argument};
    struct load *load = session.load;
    unsigned refused = 0;
    while (load->next < load->messages && refused < 10) {
        enum err err = network_connect(network_system(), &load->server, NULL,
                                       loop_now_ms() + STEP_MS, &session.stream);
        if (!err) {
            err = converse(&session);
            stream_close(session.stream);
        }
        if (err) {
            fprintf(stderr, "smtp_load: %s\n", err_text(err));
            refused++;
        }
    }
    if (load->group.count == 1)
        loop_stop(load->loop);
}

static void start(void *argument)
{
    struct load *load = argument;
    for (uint64_t i = 0; i < load->sessions; i++)
        fiber_spawn(&load->group, "session", run_session, load);
}

/* ---- the command ---- */

static void make_body(struct load *load)
{
    struct buf body = buf_make(load->size + sizeof BODY_LINE);
    while (body.len < load->size)
        if (buf_add(&body, STR(BODY_LINE)) != OK)
            break;
    load->body = buf_str(&body); /* lives as long as the process */
}

static uint64_t number(const char *text)
{
    uint64_t value;
    if (!str_to_u64(str_of(text), UINT32_MAX, &value) || value == 0) {
        fprintf(stderr, "smtp_load: \"%s\" is not a positive number\n", text);
        exit(2);
    }
    return value;
}

static void read_options(struct load *load, int argc, char **argv)
{
    static const struct option options[] = {
        {"server", 1, NULL, 's'},   {"sessions", 1, NULL, 'n'},    {"messages", 1, NULL, 'm'},
        {"size", 1, NULL, 'l'},     {"per-session", 1, NULL, 'p'}, {"from", 1, NULL, 'f'},
        {"to", 1, NULL, 't'},       {"recipients", 1, NULL, 'r'},  {"pipelining", 0, NULL, 'P'},
        {"starttls", 0, NULL, 'T'}, {"numbered", 0, NULL, 'N'},    {0},
    };
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (letter) {
        case 's':
            if (net_address_parse(str_of(optarg), 25, &load->server) != OK)
                exit(2);
            break;
        case 'n':
            load->sessions = number(optarg);
            break;
        case 'm':
            load->messages = number(optarg);
            break;
        case 'l':
            load->size = number(optarg);
            break;
        case 'p':
            load->per_session = number(optarg);
            break;
        case 'r':
            load->recipients = number(optarg);
            break;
        case 'f':
            load->from = str_of(optarg);
            break;
        case 't':
            load->to = str_of(optarg);
            break;
        case 'P':
            load->pipelining = true;
            break;
        case 'T':
            load->starttls = true;
            break;
        case 'N':
            load->numbered = true;
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct load load = {
        .sessions = 20,
        .messages = 1000,
        .size = 4096,
        .per_session = UINT64_MAX,
        .recipients = 1,
        .from = STR("sender@load.example"),
        .to = STR("user@example.org"),
    };
    if (net_address_parse(STR("127.0.0.1:2525"), 25, &load.server) != OK)
        return 2;
    read_options(&load, argc, argv);
    make_body(&load);
    struct clock clock = clock_system();
    struct str problem;
    if (load.starttls && tls_client_context_new(NULL, &load.arena, &load.tls, &problem) != OK)
        return 1;
    load.loop = loop_new(&(struct loop_options){.clock = &clock});
    fiber_group_init(&load.group, load.loop);
    int64_t began_us = clock_wall_us(&clock);
    if (loop_run(load.loop, start, &load) != OK)
        return 1;
    double seconds = (double)(clock_wall_us(&clock) - began_us) / 1e6;
    printf("sent=%llu failed=%llu seconds=%.3f per_second=%.0f\n", (unsigned long long)load.sent,
           (unsigned long long)load.failed, seconds, (double)load.sent / seconds);
    return load.failed || load.sent < load.messages ? 1 : 0;
}
