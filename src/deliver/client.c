#include "deliver/client.h"

#include "fiber/loop.h"

#define COMMAND_MAX_BYTES 4096

/* ---- life ---- */
void smtp_client_init(struct smtp_client *client, struct stream *stream,
                      const struct smtp_client_options *options, struct transcript *transcript)
{
    *client = (struct smtp_client){
        .options = *options,
        .stream = stream,
        .transcript = transcript,
        .stage = SMTP_CLIENT_GREETING,
        .reply_text = buf_make(SMTP_REPLY_MAX_BYTES),
    };
}

void smtp_client_close(struct smtp_client *client)
{
    if (client->stream && client->has_failed)
        stream_abort(client->stream);
    else if (client->stream)
        stream_close(client->stream);
    client->stream = NULL;
    client->is_over = true;
    client->reply = (struct smtp_reply){0};
    buf_free(&client->reply_text);
}

enum err smtp_client_fail(struct smtp_client *client, enum err err)
{
    client->is_over = client->has_failed = true;
    return err;
}

/* ---- saying ---- */
enum err smtp_client_say(struct smtp_client *client, struct str line)
{
    assert(line.len <= COMMAND_MAX_BYTES);
    uint64_t deadline_ms = loop_now_ms() + client->options.timeouts.command;
    bool is_secret = client->secret.len && str_search(line, client->secret) != SIZE_MAX;
    if (!is_secret)
        transcript_line(client->transcript, loop_now_ms(), TRANSCRIPT_CLIENT, line);
    enum err err = stream_write(client->stream, line, deadline_ms);
    if (!err)
        err = stream_write(client->stream, STR("\r\n"), deadline_ms);
    return err ? smtp_client_fail(client, err) : OK;
}

/* ---- hearing ---- */

/* A copy of the reply in which no secret of ours is repeated: some servers quote what they do not
 * understand. */
static void keep_reply(struct smtp_client *client, const struct smtp_reply *reply)
{
    buf_clear(&client->reply_text);
    bool is_secret = client->secret.len && str_search(reply->raw, client->secret) != SIZE_MAX;
    enum err err = is_secret ? buf_printf(&client->reply_text, "%d <redacted>\r\n", reply->code)
                             : buf_add(&client->reply_text, reply->raw);
    assert(!err);
    client->reply = *reply;
    client->reply.raw = buf_str(&client->reply_text);
}

static void write_down_reply(struct smtp_client *client)
{
    struct str rest = client->reply.raw, line;
    while (str_cut(rest, '\n', &line, &rest))
        transcript_line(client->transcript, loop_now_ms(), TRANSCRIPT_SERVER,
                        str_ends(line, STR("\r")) ? str_first(line, line.len - 1) : line);
}

static enum err read_reply(struct smtp_client *client, uint64_t deadline_ms)
{
    for (;;) {
        struct smtp_reply reply;
        size_t used;
        enum err err = smtp_reply_parse(stream_input(client->stream), &reply, &used);
        if (!err) {
            keep_reply(client, &reply);
            stream_consume(client->stream, used);
            return OK;
        }
        if (err == ERR_MORE)
            err = stream_fill(client->stream, deadline_ms);
        if (err)
            return err;
    }
}

enum err smtp_client_hear_last(struct smtp_client *client, uint32_t timeout_ms)
{
    enum err err = read_reply(client, loop_now_ms() + timeout_ms);
    if (err) {
        transcript_printf(client->transcript, loop_now_ms(), TRANSCRIPT_NOTE, "no answer: %s",
                          err_text(err));
        return smtp_client_fail(client, err);
    }
    write_down_reply(client);
    if (client->reply.code == 421)
        client->is_over = true;
    return smtp_code_is_positive(client->reply.code) ? OK : ERR_REFUSED;
}

enum err smtp_client_hear(struct smtp_client *client, uint32_t timeout_ms)
{
    enum err err = stream_flush(client->stream, loop_now_ms() + timeout_ms);
    return err ? smtp_client_fail(client, err) : smtp_client_hear_last(client, timeout_ms);
}

bool smtp_client_is_alive(struct smtp_client *client)
{
    if (client->is_over || stream_input(client->stream).len)
        return false;
    return stream_fill(client->stream, loop_now_ms()) == ERR_TIMEOUT;
}

/* ---- what it means ---- */
static const char *const stage_words[] = {
    [SMTP_CLIENT_CONNECT] = "connecting",
    [SMTP_CLIENT_GREETING] = "the greeting",
    [SMTP_CLIENT_STARTTLS] = "STARTTLS",
    [SMTP_CLIENT_LOGIN] = "the login",
    [SMTP_CLIENT_ENVELOPE] = "the envelope",
    [SMTP_CLIENT_CONTENT] = "the content",
    [SMTP_CLIENT_ANSWER] = "the answer to the content",
};

struct queue_outcome smtp_client_outcome(const struct smtp_client *client, struct arena *arena)
{
    int code = client->reply.code;
    return (struct queue_outcome){
        .kind = code / 100 == 2                ? QUEUE_DELIVERED
                : smtp_code_is_permanent(code) ? QUEUE_FAILED
                                               : QUEUE_DEFERRED,
        .reason = code / 100 == 2 ? SPOOL_REASON_NONE : SPOOL_REASON_REPLY,
        .words = smtp_reply_summary(arena, &client->reply),
    };
}

static struct str tls_words(const struct smtp_client *client, enum err err, struct arena *arena)
{
    const struct tls_info *info = client->stream ? stream_tls(client->stream) : NULL;
    return arena_printf(arena, "TLS with %.*s failed: %s", STR_FMT(client->options.peer),
                        info && info->problem ? info->problem : err_text(err));
}

static struct str unsupported_words(const struct smtp_client *client, struct arena *arena)
{
    bool is_tls = client->stage == SMTP_CLIENT_STARTTLS;
    return arena_printf(arena, "%.*s offers no %s", STR_FMT(client->options.peer),
                        is_tls ? "STARTTLS" : "login that we can do");
}

static struct str lost_words(const struct smtp_client *client, enum err err, struct arena *arena)
{
    struct str peer = client->options.peer;
    const char *stage = stage_words[client->stage];
    switch (err) {
    case ERR_TIMEOUT:
        return arena_printf(arena, "%.*s was silent too long during %s", STR_FMT(peer), stage);
    case ERR_SYNTAX:
    case ERR_LIMIT:
        return arena_printf(arena, "%.*s sent a reply that is no SMTP during %s", STR_FMT(peer),
                            stage);
    default:
        return arena_printf(arena, "connection to %.*s was lost during %s: %s", STR_FMT(peer),
                            stage, err_text(err));
    }
}

struct queue_outcome smtp_client_problem(const struct smtp_client *client, enum err err,
                                         struct arena *arena)
{
    bool is_tls = client->stage == SMTP_CLIENT_STARTTLS;
    if (err == ERR_REFUSED) {
        struct queue_outcome outcome = smtp_client_outcome(client, arena);
        outcome.reason = is_tls ? SPOOL_REASON_TLS : SPOOL_REASON_REPLY;
        return outcome;
    }
    struct queue_outcome outcome = {.kind = QUEUE_DEFERRED, .reason = SPOOL_REASON_CONNECTION};
    if (err == ERR_UNSUPPORTED) {
        outcome.reason = is_tls ? SPOOL_REASON_TLS : SPOOL_REASON_LOCAL;
        outcome.words = unsupported_words(client, arena);
    } else if (is_tls) {
        outcome.reason = SPOOL_REASON_TLS;
        outcome.words = tls_words(client, err, arena);
    } else {
        outcome.words = lost_words(client, err, arena);
    }
    return outcome;
}
