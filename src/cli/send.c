/* `postrider send`: an SMTP client that shows the conversation. */
#include "cli/cli.h"
#include "cli/client_message.h"
#include "cli/compose.h"
#include "cli/explain.h"

#include "base/random.h"
#include "deliver/client.h"
#include "fiber/loop.h"
#include "net/network.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATA_MAX_BYTES       ((size_t)1024 * 1024 * 1024)
#define TRANSCRIPT_MAX_BYTES ((size_t)16 * 1024 * 1024)

static const char help[] =
    "usage: postrider send --server HOST:PORT --from A --to B [--to C …] [options]\n"
    "\n"
    "Sends one message by SMTP and shows the conversation.\n"
    "  --server HOST:PORT           default 127.0.0.1:2525, the sandbox; port 25 if left out\n"
    "  --from A, --to B             the envelope; --from \"\" for the null sender\n"
    "  --tls none|starttls|implicit default none; any certificate is taken, and shown\n"
    "  --auth USER:PASS             log in\n"
    "  --helo NAME                  who we say we are (default: this host's name)\n"
    "  --lmtp                       speak LMTP\n"
    "  --data FILE|-                the message as it is, or from standard input\n"
    "  --subject S, --text T, --attach FILE   or build one\n"
    "  -q, --quiet                  no conversation\n"
    "  --explain                    each line in plain words\n"
    "\n"
    "Exit status: 0 accepted for all recipients, 1 refused for good, 75 refused for now, 2 usage.\n"
    "\n"
    "example: postrider send --from me@example.org --to you@example.net --subject hi --text "
    "\"Hello\"\n";

enum {
    OPT_SERVER,
    OPT_FROM,
    OPT_TO,
    OPT_TLS,
    OPT_AUTH,
    OPT_HELO,
    OPT_DATA,
    OPT_SUBJECT,
    OPT_TEXT,
    OPT_ATTACH,
    OPT_QUIET,
    OPT_EXPLAIN,
    OPT_LMTP,
};

static const struct cli_option options[] = {
    [OPT_SERVER] = {"--server", "-s", false, false},
    [OPT_FROM] = {"--from", "-f", false, false},
    [OPT_TO] = {"--to", "-t", false, true},
    [OPT_TLS] = {"--tls", NULL, false, false},
    [OPT_AUTH] = {"--auth", NULL, false, false},
    [OPT_HELO] = {"--helo", NULL, false, false},
    [OPT_DATA] = {"--data", NULL, false, false},
    [OPT_SUBJECT] = {"--subject", NULL, false, false},
    [OPT_TEXT] = {"--text", NULL, false, false},
    [OPT_ATTACH] = {"--attach", NULL, false, true},
    [OPT_QUIET] = {"--quiet", "-q", true, false},
    [OPT_EXPLAIN] = {"--explain", NULL, true, false},
    [OPT_LMTP] = {"--lmtp", NULL, true, false},
};

enum send_tls { SEND_TLS_NONE, SEND_TLS_STARTTLS, SEND_TLS_IMPLICIT };

struct send {
    struct arena arena;
    struct cli_values values;
    struct str host;
    char port[8];
    struct str helo;
    enum send_tls tls;
    struct str user, password;
    struct buf message;

    struct loop *loop;
    struct fiber_group group;
    struct tls_context *tls_context;
    struct smtp_client client;
    struct transcript transcript;
    size_t shown;                       /* of the transcript */
    size_t accepted, refused, deferred; /* recipients */
    int status;
};

/* ---- showing the conversation ---- */

static void show_line(struct send *send, struct str line)
{
    printf("%.*s\n", STR_FMT(line));
    if (!send->values.value[OPT_EXPLAIN])
        return;
    size_t mark = str_search(line, STR("C: "));
    bool from_server = mark == SIZE_MAX;
    if (from_server)
        mark = str_search(line, STR("S: "));
    if (mark == SIZE_MAX)
        return;
    struct str words = explain_line(&send->arena, from_server, str_from(line, mark + 3));
    if (words.len)
        printf("            = %.*s\n", STR_FMT(words));
}

static void show_conversation(struct send *send)
{
    struct str text = str_from(transcript_text(&send->transcript), send->shown), line;
    send->shown += text.len;
    while (!send->values.value[OPT_QUIET] && str_cut(text, '\n', &line, &text))
        show_line(send, line);
    fflush(stdout);
}

static void fail(struct send *send, int status, struct str why)
{
    send->status = status;
    show_conversation(send);
    fprintf(stderr, "postrider send: %.*s\n", STR_FMT(why));
}

/* ---- the conversation ---- */

/* False, with the status set, when the client's last step did not succeed. */
static bool went_well(struct send *send, enum err err)
{
    show_conversation(send);
    if (!err)
        return true;
    struct queue_outcome outcome = smtp_client_problem(&send->client, err, &send->arena);
    fail(send, outcome.kind == QUEUE_FAILED ? CLI_FAILED : CLI_TRY_LATER, outcome.words);
    return false;
}

static enum err connect_any(struct send *send, struct stream **out_stream)
{
    struct addrinfo *found, wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    int problem = getaddrinfo(send->host.at, send->port, &wanted, &found);
    if (problem) {
        fail(send, CLI_TRY_LATER,
             arena_printf(&send->arena, "%s: %s", send->host.at, gai_strerror(problem)));
        return ERR_NOT_FOUND;
    }
    enum err err = ERR_UNREACHABLE;
    for (const struct addrinfo *each = found; each && err; each = each->ai_next) {
        struct net_address address = net_address_from(each->ai_addr, each->ai_addrlen);
        err = network_connect(network_system(), &address, NULL, loop_now_ms() + 30000, out_stream);
        transcript_printf(&send->transcript, loop_now_ms(), TRANSCRIPT_NOTE, "%s %.*s",
                          err ? "cannot connect to" : "connected to",
                          STR_FMT(net_address_print(&send->arena, &address)));
    }
    freeaddrinfo(found);
    if (err)
        fail(send, CLI_TRY_LATER,
             arena_printf(&send->arena, "%s:%s: %s", send->host.at, send->port, err_text(err)));
    return err;
}

static bool open_conversation(struct send *send)
{
    struct smtp_client *client = &send->client;
    if (send->tls == SEND_TLS_IMPLICIT &&
        !went_well(send, smtp_client_begin_tls(client, send->tls_context, send->host, false)))
        return false;
    if (!went_well(send, smtp_client_greet(client)))
        return false;
    if (send->tls == SEND_TLS_STARTTLS &&
        !went_well(send, smtp_client_start_tls(client, send->tls_context, send->host, false)))
        return false;
    return !send->user.len ||
           went_well(send, smtp_client_login(client, send->user, send->password));
}

static enum err command(struct send *send, struct str line, uint32_t timeout_ms)
{
    enum err err = smtp_client_say(&send->client, line);
    return err ? err : smtp_client_hear(&send->client, timeout_ms);
}

static enum err name_recipients(struct send *send)
{
    for (size_t i = 0; i < send->values.all[OPT_TO].count; i++) {
        struct str line =
            arena_printf(&send->arena, "RCPT TO:<%s>", send->values.all[OPT_TO].at[i]);
        enum err err = command(send, line, send->client.options.timeouts.rcpt);
        show_conversation(send);
        if (err && err != ERR_REFUSED)
            return err;
        if (!err)
            send->accepted++;
        else if (smtp_code_is_permanent(send->client.reply.code))
            send->refused++;
        else
            send->deferred++;
    }
    return OK;
}

static struct str mail_command(struct send *send)
{
    const struct smtp_extensions *offered = &send->client.extensions;
    const char *body =
        offered->eight_bit_mime && str_has_8bit(buf_str(&send->message)) ? " BODY=8BITMIME" : "";
    bool utf8 = str_has_8bit(str_of(send->values.value[OPT_FROM]));
    for (size_t i = 0; i < send->values.all[OPT_TO].count; i++)
        utf8 = utf8 || str_has_8bit(str_of(send->values.all[OPT_TO].at[i]));
    struct str size =
        offered->has_size ? arena_printf(&send->arena, " SIZE=%zu", send->message.len) : STR_EMPTY;
    return arena_printf(&send->arena, "MAIL FROM:<%s>%.*s%s%s", send->values.value[OPT_FROM],
                        STR_FMT(size), body, utf8 ? " SMTPUTF8" : "");
}

/* LMTP answers for each recipient behind the dot, SMTP once. */
static enum err hear_verdicts(struct send *send)
{
    size_t verdicts = send->values.value[OPT_LMTP] ? send->accepted : 1;
    enum err worst = OK;
    for (size_t i = 0; i < verdicts; i++) {
        enum err err = smtp_client_hear(&send->client, send->client.options.timeouts.data_end);
        show_conversation(send);
        if (err)
            worst = err;
        if (err && err != ERR_REFUSED)
            break;
    }
    return worst;
}

static bool transact(struct send *send)
{
    const struct deliver_timeouts *timeouts = &send->client.options.timeouts;
    if (!went_well(send, command(send, mail_command(send), timeouts->mail)) ||
        !went_well(send, name_recipients(send)))
        return false;
    if (send->accepted == 0) {
        fail(send, send->deferred ? CLI_TRY_LATER : CLI_FAILED, STR("no recipient was accepted"));
        return false;
    }
    if (!went_well(send, command(send, STR("DATA"), timeouts->data_start)) ||
        !went_well(send, client_write_message(&send->client, buf_str(&send->message))))
        return false;
    return went_well(send, hear_verdicts(send));
}

static void converse(struct send *send)
{
    struct stream *stream;
    if (connect_any(send, &stream) != OK)
        return;
    struct smtp_client_options client_options = {
        .hostname = send->helo,
        .peer = send->host,
        .is_lmtp = send->values.value[OPT_LMTP] != NULL,
        .timeouts = deliver_timeouts_default(),
    };
    smtp_client_init(&send->client, stream, &client_options, &send->transcript);
    if (open_conversation(send) && transact(send) && (send->refused || send->deferred))
        send->status = send->deferred ? CLI_TRY_LATER : CLI_FAILED;
    if (!send->client.is_over)
        smtp_client_quit(&send->client);
    show_conversation(send);
    smtp_client_close(&send->client);
}

static void run_fiber(void *argument)
{
    struct send *send = argument;
    converse(send);
    loop_stop(send->loop);
}

static void start(void *argument)
{
    struct send *send = argument;
    fiber_spawn(&send->group, "send", run_fiber, send);
}

/* ---- what to send ---- */

static bool read_all(const char *path, struct buf *out)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0) {
        if (buf_reserve(out, 65536) != OK) {
            errno = EFBIG;
            got = -1;
            break;
        }
        got = read(fd, out->at + out->len, 65536);
        if (got > 0)
            out->len += (size_t)got;
    }
    if (got < 0)
        fprintf(stderr, "postrider send: %s: %s\n", path, strerror(errno));
    if (fd > STDIN_FILENO)
        close(fd);
    return got == 0;
}

static bool read_attachments(struct send *send, struct compose *compose)
{
    size_t count = send->values.all[OPT_ATTACH].count;
    struct compose_attachment *attachments =
        ARENA_ARRAY(&send->arena, struct compose_attachment, count);
    for (size_t i = 0; i < count; i++) {
        const char *path = send->values.all[OPT_ATTACH].at[i];
        struct buf content = buf_make(DATA_MAX_BYTES);
        if (!read_all(path, &content))
            return false;
        const char *slash = strrchr(path, '/');
        attachments[i] = (struct compose_attachment){
            .name = str_of(slash ? slash + 1 : path),
            .content = arena_copy(&send->arena, buf_str(&content)),
        };
        buf_free(&content);
    }
    compose->attachments = attachments;
    compose->attachment_count = count;
    return true;
}

static bool build_message(struct send *send)
{
    struct clock clock = clock_system();
    struct random random = random_system();
    size_t to_count = send->values.all[OPT_TO].count;
    struct str *to = ARENA_ARRAY(&send->arena, struct str, to_count);
    for (size_t i = 0; i < to_count; i++)
        to[i] = str_of(send->values.all[OPT_TO].at[i]);
    const char *subject = send->values.value[OPT_SUBJECT], *text = send->values.value[OPT_TEXT];
    struct compose compose = {
        .from = str_of(send->values.value[OPT_FROM]),
        .to = to,
        .to_count = to_count,
        .subject = subject ? str_of(subject) : STR("test message from postrider"),
        .text =
            text ? str_of(text) : STR("This is a test message, sent with \"postrider send\".\n"),
        .hostname = send->helo,
        .wall_us = clock_wall_us(&clock),
        .unique = random_u64(&random),
    };
    return read_attachments(send, &compose) && compose_message(&send->message, &compose) == OK;
}

static bool make_message(struct send *send)
{
    send->message = buf_make(DATA_MAX_BYTES);
    const char *data = send->values.value[OPT_DATA];
    if (!data)
        return build_message(send);
    if (send->values.value[OPT_SUBJECT] || send->values.value[OPT_TEXT] ||
        send->values.value[OPT_ATTACH]) {
        fputs("postrider send: --data is the whole message; it does not go with --subject, --text "
              "or --attach\n",
              stderr);
        return false;
    }
    struct buf raw = buf_make(DATA_MAX_BYTES);
    bool ok = read_all(data, &raw) && compose_canonical(&send->message, buf_str(&raw)) == OK;
    buf_free(&raw);
    return ok;
}

/* ---- the options ---- */

static bool take_server(struct send *send)
{
    const char *text =
        send->values.value[OPT_SERVER] ? send->values.value[OPT_SERVER] : "127.0.0.1:2525";
    struct str host = str_of(text), port = STR("25");
    size_t colon = str_find_last(host, ':');
    if (host.len && host.at[0] == '[') { /* [2001:db8::1]:25 */
        size_t end = str_find(host, ']');
        if (end == SIZE_MAX)
            return false;
        if (colon != SIZE_MAX && colon > end)
            port = str_from(host, colon + 1);
        host = str_first(str_from(host, 1), end - 1);
    } else if (colon != SIZE_MAX && colon == str_find(host, ':')) {
        port = str_from(host, colon + 1);
        host = str_first(host, colon);
    }
    uint64_t number;
    if (!host.len || !str_to_u64(port, 65535, &number) || !number)
        return false;
    send->host = arena_copy(&send->arena, host);
    snprintf(send->port, sizeof send->port, "%u", (unsigned)number);
    return true;
}

static bool take_tls(struct send *send)
{
    static const char *const names[] = {"none", "starttls", "implicit"};
    const char *text = send->values.value[OPT_TLS];
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!text || strcmp(text, names[i]) == 0) {
            send->tls = (enum send_tls)i;
            return true;
        }
    return false;
}

static bool has_line_break(const char *text) { return strpbrk(text, "\r\n") != NULL; }

/* NULL, or what is wrong. */
static const char *take_options(struct send *send)
{
    const struct cli_values *values = &send->values;
    if (values->word_count)
        return "what is that? Every value has its option";
    if (!values->value[OPT_FROM] || !values->all[OPT_TO].count)
        return "--from and at least one --to are needed";
    for (size_t i = 0; i < values->all[OPT_TO].count; i++)
        if (has_line_break(values->all[OPT_TO].at[i]))
            return "an address has no line breaks";
    if (has_line_break(values->value[OPT_FROM]))
        return "an address has no line breaks";
    if (!take_server(send))
        return "--server wants HOST:PORT";
    if (!take_tls(send))
        return "--tls is none, starttls or implicit";
    if (values->value[OPT_AUTH] &&
        !str_cut(str_of(values->value[OPT_AUTH]), ':', &send->user, &send->password))
        return "--auth wants USER:PASS";
    if (send->user.len && send->tls == SEND_TLS_NONE)
        return "a login is not sent in clear: add --tls starttls or --tls implicit";
    char name[256] = "localhost";
    if (gethostname(name, sizeof name - 1) != 0)
        name[0] = '\0';
    const char *helo = values->value[OPT_HELO];
    send->helo = arena_copy(&send->arena, str_of(helo ? helo : *name ? name : "localhost"));
    if (has_line_break(send->helo.at))
        return "--helo has no line breaks";
    return NULL;
}

static void run(struct send *send)
{
    struct clock clock = clock_system();
    struct str problem;
    if (tls_client_context_new(NULL, &send->arena, &send->tls_context, &problem) != OK) {
        fail(send, CLI_FAILED, problem);
        return;
    }
    send->loop = loop_new(&(struct loop_options){.clock = &clock});
    fiber_group_init(&send->group, send->loop);
    transcript_init(&send->transcript, TRANSCRIPT_MAX_BYTES, clock_now_ms(&clock));
    enum err err = loop_run(send->loop, start, send);
    assert(!err);
    loop_free(send->loop);
    transcript_done(&send->transcript);
    tls_context_free(send->tls_context);
}

int cli_send(int argc, char **argv)
{
    struct send send = {.arena = arena_make()};
    if (!cli_options_read(argc, argv, options, ARRAY_LEN(options), &send.arena, &send.values)) {
        send.status = CLI_USAGE;
    } else if (send.values.help) {
        fputs(help, stdout);
    } else {
        const char *wrong = take_options(&send);
        if (wrong) {
            fprintf(stderr, "postrider send: %s (see postrider send --help)\n", wrong);
            send.status = CLI_USAGE;
        } else if (!make_message(&send)) {
            send.status = CLI_USAGE;
        } else {
            run(&send);
        }
    }
    buf_free(&send.message);
    arena_reset(&send.arena);
    return send.status;
}
