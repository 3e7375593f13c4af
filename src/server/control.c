#include "server/control.h"

#include "base/log.h"
#include "base/mem.h"
#include "fiber/loop.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#define REQUEST_MAX_BYTES ((size_t)64 * 1024)
#define REQUEST_MS        10000
#define ANSWER_MS         60000
#define LIST_MAX          10000

struct request {
    const struct control *control;
    json_t *json;
    struct arena arena;
    uid_t uid;
    pid_t pid;
};

/* ---- answers ---- */

/* What came from outside may not be UTF-8, which JSON has to be. */
static json_t *json_of(struct str s)
{
    return str_is_utf8(s) ? json_stringn_nocheck(s.at, s.len) : json_string("(not UTF-8)");
}

static json_t *refusal(const char *why) { return json_pack("{s:b, s:s}", "ok", 0, "error", why); }

static json_t *no_such_message(void)
{
    return refusal("there is no such message in the queue (its story may still be told: "
                   "postrider trace ID)");
}

/* ---- what is asked for ---- */

static struct str text_of(const struct request *request, const char *key)
{
    const json_t *value = json_object_get(request->json, key);
    return json_is_string(value) ? str_make(json_string_value(value), json_string_length(value))
                                 : STR_EMPTY;
}

static uint64_t number_of(const struct request *request, const char *key, uint64_t otherwise)
{
    const json_t *value = json_object_get(request->json, key);
    return json_is_integer(value) && json_integer_value(value) >= 0
               ? (uint64_t)json_integer_value(value)
               : otherwise;
}

static const char *const view_states[] = {
    [QUEUE_VIEW_READY] = "ready",
    [QUEUE_VIEW_ACTIVE] = "active",
    [QUEUE_VIEW_WAITING] = "waiting",
    [QUEUE_VIEW_HELD] = "held",
};

static bool parse_state(struct str text, int *out_state)
{
    if (!text.len)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(view_states); i++)
        if (str_eq(text, str_of(view_states[i]))) {
            *out_state = (int)i;
            return true;
        }
    return false;
}

/* The filter of a request; NULL, or what is wrong with it. */
static const char *read_filter(const struct request *request, struct queue_filter *out_filter)
{
    struct queue_filter filter = {.state = -1};
    struct str id = text_of(request, "id");
    if (id.len) {
        filter.by_id = true;
        if (!spool_id_parse(id, &filter.id))
            return "that is not an id of this server: they are 12 letters and digits";
    }
    filter.recipient = (uint32_t)number_of(request, "recipient_number", 0);
    filter.by_recipient = filter.recipient > 0;
    filter.sender = text_of(request, "sender");
    if (str_eq(filter.sender, STR("<>"))) {
        filter.sender = STR_EMPTY;
        filter.sender_is_null = true;
    }
    filter.address = text_of(request, "recipient");
    filter.domain = text_of(request, "domain");
    filter.older_than_s = (uint32_t)number_of(request, "older_than", 0);
    if (!parse_state(text_of(request, "state"), &filter.state))
        return "a state is one of ready, active, waiting, held";
    *out_filter = filter;
    return NULL;
}

static bool filter_is_empty(const struct queue_filter *filter)
{
    return !filter->by_id && !filter->sender.len && !filter->sender_is_null &&
           !filter->address.len && !filter->domain.len && !filter->older_than_s &&
           filter->state < 0;
}

/* ---- the queue ---- */

static const char *reason_text(uint8_t reason)
{
    static const char *const texts[] = {
        [SPOOL_REASON_NONE] = "",
        [SPOOL_REASON_REPLY] = "reply",
        [SPOOL_REASON_CONNECTION] = "connection",
        [SPOOL_REASON_DNS] = "dns",
        [SPOOL_REASON_TLS] = "tls",
        [SPOOL_REASON_LOCAL] = "local",
        [SPOOL_REASON_CRASH] = "crash",
        [SPOOL_REASON_ADMIN] = "admin",
        [SPOOL_REASON_ROUTE] = "route",
    };
    return reason < ARRAY_LEN(texts) ? texts[reason] : "";
}

static json_t *json_view(const struct queue_view *view)
{
    return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:I, s:I, s:i, s:s, s:o, s:I}", "id",
                     spool_id_print(view->id).at, "recipient_number", (int)view->recipient, "state",
                     view_states[view->state], "sender", json_of(view->sender), "recipient",
                     json_of(view->address), "destination", json_of(view->destination), "size",
                     (json_int_t)view->size_bytes, "arrived", (json_int_t)view->arrived_s,
                     "attempts", (int)view->status.attempts, "reason",
                     reason_text(view->status.reason), "words", json_of(view->words), "due",
                     (json_int_t)view->status.due_s);
}

static json_t *list(struct request *request)
{
    struct queue_filter filter;
    const char *wrong = read_filter(request, &filter);
    if (wrong)
        return refusal(wrong);
    spool_id after = 0;
    struct str after_text = text_of(request, "after");
    if (after_text.len && !spool_id_parse(after_text, &after))
        return refusal("\"after\" is not an id");
    struct queue_page page = {
        .after_id = after,
        .after_recipient = (uint32_t)number_of(request, "after_recipient", 0),
        .limit = min_size(number_of(request, "limit", 1000), LIST_MAX),
    };
    struct queue_view *views;
    size_t count;
    queue_list(request->control->queue, &filter, &page, &request->arena, &views, &count);
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, json_view(&views[i]));
    return json_pack("{s:b, s:o, s:b, s:I}", "ok", 1, "recipients", rows, "more",
                     count == page.limit && count > 0, "now",
                     (json_int_t)(clock_wall_us(request->control->clock) / 1000000));
}

static json_t *act(struct request *request, enum queue_action action)
{
    struct queue_filter filter;
    const char *wrong = read_filter(request, &filter);
    if (wrong)
        return refusal(wrong);
    if (filter_is_empty(&filter))
        return refusal("say which: an id or a filter");
    uint64_t changed, busy;
    struct str who = arena_printf(&request->arena, "uid %ld", (long)request->uid);
    enum err err = queue_act(request->control->queue, action, &filter, who, &changed, &busy);
    if (err)
        return refusal(err_text(err));
    if (changed == 0 && busy == 0 && filter.by_id)
        return no_such_message();
    return json_pack("{s:b, s:I, s:I}", "ok", 1, "changed", (json_int_t)changed, "busy",
                     (json_int_t)busy);
}

static json_t *retry(struct request *request) { return act(request, QUEUE_RETRY); }
static json_t *hold(struct request *request) { return act(request, QUEUE_HOLD); }
static json_t *release(struct request *request) { return act(request, QUEUE_RELEASE); }
static json_t *drop(struct request *request) { return act(request, QUEUE_DROP); }
static json_t *bounce(struct request *request) { return act(request, QUEUE_BOUNCE); }

static json_t *status(struct request *request)
{
    struct queue_statistics queue = queue_statistics(request->control->queue);
    struct spool_statistics spool = spool_statistics(request->control->spool);
    return json_pack(
        "{s:b, s:s, s:I, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I},"
        " s:{s:I, s:I, s:I, s:I, s:I}, s:I}",
        "ok", 1, "version", POSTRIDER_VERSION, "pid", (json_int_t)getpid(), "queue", "messages",
        (json_int_t)queue.messages, "recipients", (json_int_t)queue.recipients, "ready",
        (json_int_t)queue.ready, "active", (json_int_t)queue.active, "waiting",
        (json_int_t)queue.waiting, "held", (json_int_t)queue.held, "destinations",
        (json_int_t)queue.destinations, "slots", (json_int_t)queue.slots, "delivered",
        (json_int_t)queue.delivered, "deferred", (json_int_t)queue.deferred, "bounced",
        (json_int_t)queue.bounced, "memory", (json_int_t)queue.memory_bytes, "spool", "commits",
        (json_int_t)spool.commits, "groups", (json_int_t)spool.groups, "syncs",
        (json_int_t)spool.syncs, "bytes", (json_int_t)spool.bytes_written, "segments",
        (json_int_t)spool.segments, "trace_lost", (json_int_t)trace_lost(request->control->trace));
}

/* ---- the story ---- */

struct story {
    struct trace *trace;
    spool_id id;
    struct arena *arena;
    struct trace_event *events;
    size_t count;
    enum err err;
};

static void read_story(void *argument)
{
    struct story *story = argument;
    story->err = trace_read(story->trace, story->id, story->arena, &story->events, &story->count);
}

static json_t *json_event(const struct trace_event *event)
{
    return json_pack("{s:i, s:I, s:o, s:o}", "kind", (int)event->kind, "time_us",
                     (json_int_t)event->wall_us, "text", json_of(event->text), "transcript",
                     json_of(event->transcript));
}

static json_t *tell_story(struct request *request)
{
    struct story story = {.trace = request->control->trace, .arena = &request->arena};
    if (!spool_id_parse(text_of(request, "id"), &story.id))
        return refusal("that is not an id of this server: they are 12 letters and digits");
    enum err err = blocking_run(request->control->files, read_story, &story);
    if (!err)
        err = story.err;
    if (err == ERR_NOT_FOUND)
        return refusal("nothing is kept of that message");
    if (err)
        return refusal(err_text(err));
    struct trace_view view = {
        .is_full = json_is_true(json_object_get(request->json, "full")),
        .recipient = text_of(request, "recipient"),
    };
    json_t *events = json_array();
    for (size_t i = 0; i < story.count; i++)
        json_array_append_new(events, json_event(&story.events[i]));
    return json_pack("{s:b, s:s, s:o, s:o}", "ok", 1, "id", spool_id_print(story.id).at, "events",
                     events, "story",
                     json_of(trace_print(&request->arena, story.events, story.count, &view)));
}

/* ---- the conversation ---- */

static const struct {
    const char *name;
    json_t *(*run)(struct request *request);
} commands[] = {
    {"queue.list", list},       {"queue.retry", retry}, {"queue.hold", hold},
    {"queue.release", release}, {"queue.drop", drop},   {"queue.bounce", bounce},
    {"trace", tell_story},      {"status", status},
};

static json_t *answer_for(struct request *request)
{
    struct str name = text_of(request, "command");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (str_eq(name, str_of(commands[i].name)))
            return commands[i].run(request);
    return refusal("this server does not know that command; is it of another version?");
}

static bool may_ask(struct request *request, const struct stream *stream)
{
    if (stream_peer_credentials(stream, &request->uid, &request->pid) != OK)
        return false;
    return request->uid == 0 || request->uid == geteuid();
}

static json_t *take_request(struct request *request, struct stream *stream)
{
    if (!may_ask(request, stream))
        return refusal("only root and the server's own user may ask");
    struct str line;
    bool crlf;
    enum err err = stream_read_line(stream, REQUEST_MAX_BYTES, false, loop_now_ms() + REQUEST_MS,
                                    &line, &crlf);
    if (err)
        return NULL;
    request->json = json_loadb(line.at, line.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(request->json))
        return refusal("a request is one JSON object on one line");
    return answer_for(request);
}

void control_session(const struct control *control, struct stream *stream)
{
    struct request request = {.control = control, .arena = arena_make()};
    json_t *answer = take_request(&request, stream);
    char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    if (text) {
        uint64_t deadline_ms = loop_now_ms() + ANSWER_MS;
        enum err err = stream_write(stream, str_of(text), deadline_ms);
        if (!err)
            err = stream_write(stream, STR("\n"), deadline_ms);
        if (!err)
            err = stream_flush(stream, deadline_ms);
        if (err)
            log_event(LOG_DEBUG, "server", "a command went away before its answer: %s",
                      err_text(err));
    }
    free(text);
    json_decref(answer);
    json_decref(request.json);
    arena_reset(&request.arena);
    stream_close(stream);
}
