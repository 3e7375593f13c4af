#include "cli/submit.h"

#include "cli/client_message.h"
#include "cli/running.h"
#include "fiber/loop.h"
#include "net/network.h"

#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>

#define TRANSCRIPT_MAX_BYTES ((size_t)1024 * 1024)
#define STACK_BYTES          ((size_t)256 * 1024)

struct submission {
    const struct submit_options *options;
    int fd;
    struct loop *loop;
    struct fiber_group group;
    struct arena arena;
    struct transcript transcript;
    struct smtp_client client;
    struct submit_letter letter;
    size_t next;  /* the recipient to name next */
    size_t taken; /* recipients for whom the server has the message */
    int status;   /* for the first who was refused; in the end, of all */
};

/* ---- what a refusal means to a script ---- */

static int exit_status_of(const struct smtp_reply *reply)
{
    static const struct {
        int code; /* 0: any */
        uint16_t subject, detail;
        int exit_status;
    } rows[] = {
        {0, 1, 1, EX_NOUSER},  {0, 1, 2, EX_NOHOST},    {0, 1, 10, EX_NOHOST},
        {0, 1, 3, EX_DATAERR}, {0, 1, 7, EX_DATAERR},   {0, 6, 0, EX_DATAERR},
        {0, 7, 1, EX_NOPERM},  {501, 0, 0, EX_DATAERR}, {553, 0, 0, EX_DATAERR},
    };
    struct mail_status status = reply->status;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].code ? reply->code == rows[i].code
                         : mail_status_eq(status, MAIL_STATUS(5, rows[i].subject, rows[i].detail)))
            return rows[i].exit_status;
    return EX_UNAVAILABLE;
}

/* Says why `err` came, and of what; returns the exit status. */
static int complain(struct submission *submission, const char *about, enum err err)
{
    struct smtp_client *client = &submission->client;
    struct queue_outcome outcome = smtp_client_problem(client, err, &submission->arena);
    fprintf(stderr, "sendmail: %s: %.*s\n", about, STR_FMT(outcome.words));
    bool is_final = err == ERR_REFUSED && smtp_code_is_permanent(client->reply.code);
    if (is_final)
        return exit_status_of(&client->reply);
    if (!submission->taken)
        return EX_TEMPFAIL;
    fprintf(stderr, "sendmail: %zu recipients get it already: do not send it to all again\n",
            submission->taken);
    return EX_UNAVAILABLE;
}

/* ---- one transaction ---- */

static enum err command(struct submission *submission, struct str line, uint32_t timeout_ms)
{
    enum err err = smtp_client_say(&submission->client, line);
    return err ? err : smtp_client_hear(&submission->client, timeout_ms);
}

static bool needs_utf8(const struct submit_letter *letter)
{
    bool has_8bit = str_has_8bit(letter->sender);
    for (size_t i = 0; i < letter->recipient_count; i++)
        has_8bit |= str_has_8bit(letter->recipients[i]);
    return has_8bit;
}

static struct str mail_line(struct submission *submission)
{
    static const char *const returns[] = {
        [SPOOL_RETURN_UNSET] = "",
        [SPOOL_RETURN_FULL] = " RET=FULL",
        [SPOOL_RETURN_HEADERS] = " RET=HDRS",
    };
    const struct submit_letter *letter = &submission->letter;
    bool dsn = submission->client.extensions.dsn;
    struct str id = dsn ? letter->envelope_id : STR_EMPTY;
    return arena_printf(&submission->arena, "MAIL FROM:<%.*s> SIZE=%zu%s%s%s%s%.*s",
                        STR_FMT(letter->sender), letter->message.len,
                        str_has_8bit(letter->message) ? " BODY=8BITMIME" : "",
                        needs_utf8(letter) ? " SMTPUTF8" : "", dsn ? returns[letter->returns] : "",
                        id.len ? " ENVID=" : "", STR_FMT(id));
}

static struct str notify_text(struct arena *arena, uint8_t notify)
{
    static const struct {
        uint8_t bit;
        const char *word;
    } words[] = {
        {SPOOL_NOTIFY_NEVER, "NEVER"},
        {SPOOL_NOTIFY_SUCCESS, "SUCCESS"},
        {SPOOL_NOTIFY_FAILURE, "FAILURE"},
        {SPOOL_NOTIFY_DELAY, "DELAY"},
    };
    struct str text = STR_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (notify & words[i].bit)
            text = arena_printf(arena, "%.*s%s%s", STR_FMT(text),
                                text.len ? "," : " NOTIFY=", words[i].word);
    return text;
}

static bool is_too_many(const struct smtp_reply *reply)
{
    return reply->code == 452 && mail_status_eq(reply->status, MAIL_STATUS(4, 5, 3));
}

/* Names recipients up to the last, or as many as the server takes at once; *out_named is how many
 * it took. False, with *out_status: it is over. */
static bool name_recipients(struct submission *submission, size_t *out_named, int *out_status)
{
    const struct submit_letter *letter = &submission->letter;
    struct smtp_client *client = &submission->client;
    struct str notify =
        client->extensions.dsn ? notify_text(&submission->arena, letter->notify) : STR_EMPTY;
    size_t named = 0;
    for (; submission->next < letter->recipient_count; submission->next++) {
        struct str recipient = letter->recipients[submission->next];
        struct str line = arena_printf(&submission->arena, "RCPT TO:<%.*s>%.*s", STR_FMT(recipient),
                                       STR_FMT(notify));
        enum err err = command(submission, line, client->options.timeouts.rcpt);
        if (!err) {
            named++;
            continue;
        }
        if (err == ERR_REFUSED && named && is_too_many(&client->reply))
            break;
        const char *about = arena_copy(&submission->arena, recipient).at;
        *out_status = complain(submission, about, err);
        if (err != ERR_REFUSED || !smtp_code_is_permanent(client->reply.code))
            return false;
        if (!submission->status)
            submission->status = *out_status;
    }
    *out_named = named;
    return true;
}

/* The message itself, for those who were named. */
static enum err give(struct submission *submission)
{
    const struct deliver_timeouts *timeouts = &submission->client.options.timeouts;
    enum err err = command(submission, STR("DATA"), timeouts->data_start);
    if (!err)
        err = client_write_message(&submission->client, submission->letter.message);
    return err ? err : smtp_client_hear(&submission->client, timeouts->data_end);
}

/* False, with *out_status: it is over. */
static bool transact(struct submission *submission, int *out_status)
{
    const struct deliver_timeouts *timeouts = &submission->client.options.timeouts;
    size_t named;
    enum err err = command(submission, mail_line(submission), timeouts->mail);
    if (err) {
        *out_status = complain(submission, "the message", err);
        return false;
    }
    if (!name_recipients(submission, &named, out_status))
        return false;
    err = named ? give(submission) : command(submission, STR("RSET"), timeouts->command);
    if (err) {
        *out_status = complain(submission, "the message", err);
        return false;
    }
    submission->taken += named;
    return true;
}

static int converse(struct submission *submission)
{
    enum err err = smtp_client_greet(&submission->client);
    if (err)
        return complain(submission, "the server", err);
    /* The reply will be gone with the next one. */
    struct str home = arena_copy(&submission->arena, submission->client.extensions.home);
    int status = submission->options->make(submission->options->context,
                                           home.len ? home : submission->options->hostname,
                                           &submission->letter);
    if (status)
        return status;
    while (submission->next < submission->letter.recipient_count)
        if (!transact(submission, &status))
            return status;
    return submission->status;
}

/* ---- the connection ---- */

static void run(void *argument)
{
    struct submission *submission = argument;
    struct smtp_client_options options = {
        .hostname = submission->options->hostname,
        .peer = STR("the server"),
        .timeouts = deliver_timeouts_default(),
    };
    struct stream *stream = stream_from_socket(submission->fd);
    int status = EX_TEMPFAIL;
    if (stream) {
        smtp_client_init(&submission->client, stream, &options, &submission->transcript);
        status = converse(submission);
        if (!submission->client.is_over)
            smtp_client_quit(&submission->client);
        smtp_client_close(&submission->client);
    }
    submission->status = status;
    loop_stop(submission->loop);
}

static void start(void *argument)
{
    struct submission *submission = argument;
    fiber_group_init(&submission->group, submission->loop);
    fiber_spawn(&submission->group, "submit", run, submission);
}

int submit(const struct submit_options *options)
{
    int status;
    struct clock clock = clock_system();
    struct submission submission = {.options = options};
    submission.fd = running_connect("sendmail", options->socket_path, &status);
    if (submission.fd < 0)
        return status == EX_TEMPFAIL ? EX_TEMPFAIL : EX_NOPERM;
    fcntl(submission.fd, F_SETFL, O_NONBLOCK);
    transcript_init(&submission.transcript, TRANSCRIPT_MAX_BYTES, clock_now_ms(&clock));
    submission.loop =
        loop_new(&(struct loop_options){.clock = &clock, .stack_size_bytes = STACK_BYTES});
    enum err err = loop_run(submission.loop, start, &submission);
    assert(!err);
    loop_free(submission.loop);
    if (options->is_verbose)
        printf("%.*s", STR_FMT(transcript_text(&submission.transcript)));
    transcript_done(&submission.transcript);
    arena_reset(&submission.arena);
    return submission.status;
}
