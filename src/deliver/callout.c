#include "deliver/callout.h"

#include "base/log.h"
#include "base/mem.h"
#include "deliver/connect.h"
#include "deliver/envelope.h"
#include "fiber/loop.h"

#define CONNECTIONS_MAX 8   /* to one server */
#define QUESTIONS_MAX   500 /* of all servers together: each is a fiber */
#define WAITING_MAX     100 /* of one server */
#define SECOND          1000u

/* Somebody's client waits meanwhile. */
static const struct deliver_timeouts timeouts = {
    .connect = 5 * SECOND,
    .connects = 15 * SECOND,
    .banner = 10 * SECOND,
    .command = 10 * SECOND,
    .mail = 10 * SECOND,
    .rcpt = 20 * SECOND,
    .quit = 1 * SECOND,
};

/* Whom to ask. A slow one must not keep others from being asked. */
struct server {
    struct list link;
    struct str name;       /* the way's */
    struct list questions; /* not answered yet */
    size_t question_count;
    size_t connections;
    struct fiber_waiters turns;
};

/* A question under way. It is there as long as somebody holds it: the fiber that asks, and
 * everybody who waits. */
struct question {
    struct list link; /* in its server's list */
    struct callout *callout;
    struct server *server;
    uint32_t holders;
    struct arena arena; /* all that it points to */
    const struct route_way *way;
    struct str address;
    struct fiber_waiters waiters;
    bool is_answered;
    struct callout_answer answer;
};

struct callout {
    struct deliver_options deliver;
    struct callout_memory *memory;
    struct arena arena;
    struct list servers; /* as many as the configuration names */
    size_t question_count;
    struct fiber_group askers;
};

static struct callout_answer unknown(struct str words)
{
    return (struct callout_answer){.verdict = CALLOUT_UNKNOWN, .words = words};
}

/* ---- questions ---- */

static struct server *find_server(struct callout *callout, struct str name)
{
    LIST_EACH (&callout->servers, link) {
        struct server *server = CONTAINER_OF(link, struct server, link);
        if (str_eq(server->name, name))
            return server;
    }
    struct server *server = ARENA_NEW(&callout->arena, struct server);
    server->name = name;
    list_init(&server->questions);
    fiber_waiters_init(&server->turns);
    list_push_back(&callout->servers, &server->link);
    return server;
}

static struct question *find(const struct server *server, struct str address)
{
    LIST_EACH (&server->questions, link) {
        struct question *question = CONTAINER_OF(link, struct question, link);
        if (str_eq(question->address, address))
            return question;
    }
    return NULL;
}

static void let_go(struct question *question)
{
    if (--question->holders)
        return;
    struct arena arena = question->arena; /* it holds the question, too */
    arena_reset(&arena);
}

static void settle(struct question *question, struct callout_answer answer)
{
    struct callout *callout = question->callout;
    answer.words = str_first(answer.words, CALLOUT_WORDS_MAX_BYTES);
    question->answer = answer;
    question->is_answered = true;
    list_remove(&question->link);
    question->server->question_count--;
    callout->question_count--;
    callout_memory_keep(callout->memory, question->way, question->address, loop_now_ms(), &answer);
    fiber_waiters_wake_all(&question->waiters);
}

/* ---- servers that cannot be asked ---- */

static bool is_silent(struct question *question, struct callout_answer *out_answer)
{
    return callout_memory_find(question->callout->memory, question->way, STR_EMPTY, loop_now_ms(),
                               &question->arena, out_answer);
}

/* It is left alone for a while, and the log says so once. */
static void note_silence(struct question *question)
{
    struct callout_answer before;
    if (is_silent(question, &before) || fiber_is_cancelled())
        return;
    log_event(LOG_WARNING, "deliver", "cannot ask %.*s for recipients: %.*s",
              STR_FMT(question->way->name), STR_FMT(question->answer.words));
    callout_memory_keep(question->callout->memory, question->way, STR_EMPTY, loop_now_ms(),
                        &question->answer);
}

/* ---- asking ---- */

/* 2xx is OK. */
static enum err say(struct smtp_client *client, struct str line, uint32_t timeout_ms)
{
    enum err err = smtp_client_say(client, line);
    if (!err)
        err = smtp_client_hear(client, timeout_ms);
    if (!err && client->reply.code / 100 != 2)
        err = smtp_client_fail(client, ERR_SYNTAX);
    return err;
}

static struct callout_answer judge(struct smtp_client *client, enum err err, struct arena *arena)
{
    if (err && err != ERR_REFUSED)
        return unknown(smtp_client_problem(client, err, arena).words);
    bool is_permanent = smtp_code_is_permanent(client->reply.code);
    return (struct callout_answer){
        .verdict = !err           ? CALLOUT_YES
                   : is_permanent ? CALLOUT_NO
                                  : CALLOUT_LATER,
        .status = client->reply.status,
        .words = smtp_reply_summary(arena, &client->reply),
    };
}

/* No parameters but the one without which the address could not be sent. */
static struct callout_answer inquire(struct smtp_client *client, struct str address,
                                     struct arena *arena)
{
    static const struct smtp_extensions none;
    struct spool_envelope envelope = {.sender = STR_EMPTY};
    struct spool_recipient recipient = {.address = address};
    struct transaction transaction = {
        .envelope = &envelope,
        .sender = STR_EMPTY,
        .smtputf8 = str_has_8bit(str_first(address, str_find_last(address, '@'))),
    };
    struct str mail, rcpt;
    if (transaction.smtputf8 && !client->extensions.smtputf8)
        return (struct callout_answer){CALLOUT_NO, MAIL_STATUS(5, 6, 7),
                                       STR("SMTPUTF8 is not offered")};
    if (envelope_print_mail(&transaction, 0, &none, arena, &mail) ||
        envelope_print_rcpt(&transaction, &recipient, &none, arena, &rcpt))
        return (struct callout_answer){CALLOUT_NO, MAIL_STATUS(5, 1, 3),
                                       STR("the address cannot be sent")};
    client->stage = SMTP_CLIENT_ENVELOPE;
    enum err err = say(client, mail, timeouts.mail);
    if (err)
        return unknown(smtp_client_problem(client, err, arena).words);
    return judge(client, say(client, rcpt, timeouts.rcpt), arena);
}

/* Who waits is told before the goodbye. */
static void converse(struct question *question)
{
    struct connection connection;
    struct queue_outcome problem = {.words = STR("the server is stopping")};
    struct targets targets = {.set = STR_EMPTY};
    const struct deliver_options *deliver = &question->callout->deliver;
    connection_init(&connection);
    bool is_open =
        targets_find(deliver, question->way, STR_EMPTY, &question->arena, &targets, &problem) &&
        connection_open(&connection, deliver, question->way, &targets, &problem);
    struct callout_answer answer;
    if (is_open)
        answer = inquire(&connection.client, question->address, &question->arena);
    else
        answer = unknown(arena_copy(&question->arena, problem.words));
    settle(question, answer);
    if (answer.verdict == CALLOUT_UNKNOWN)
        note_silence(question);
    if (is_open)
        smtp_client_quit(&connection.client);
    connection_done(&connection);
}

static enum err take_turn(struct server *server)
{
    while (server->connections == CONNECTIONS_MAX) {
        enum err err = fiber_waiters_wait(&server->turns, DEADLINE_NEVER);
        if (err)
            return err;
    }
    return OK;
}

/* Meanwhile the server may have turned out to be silent. */
static void ask_in_turn(struct question *question)
{
    struct server *server = question->server;
    struct callout_answer answer;
    enum err err = take_turn(server);
    if (err) {
        settle(question, unknown(str_of(err_text(err))));
    } else if (is_silent(question, &answer)) {
        settle(question, answer);
    } else {
        server->connections++;
        converse(question);
        server->connections--;
    }
}

static void run_question(void *argument)
{
    struct question *question = argument;
    ask_in_turn(question);
    fiber_waiters_wake_one(&question->server->turns);
    let_go(question);
}

/* NULL: there are too many. */
static struct question *begin(struct callout *callout, struct server *server,
                              const struct route_way *way, struct str address)
{
    if (callout->question_count == QUESTIONS_MAX || server->question_count == WAITING_MAX)
        return NULL;
    struct arena arena = arena_make();
    struct question *question = ARENA_NEW(&arena, struct question);
    question->callout = callout;
    question->server = server;
    question->holders = 1;
    question->way = way;
    question->address = arena_copy(&arena, address);
    question->arena = arena;
    fiber_waiters_init(&question->waiters);
    list_push_back(&server->questions, &question->link);
    server->question_count++;
    callout->question_count++;
    fiber_spawn(&callout->askers, "callout", run_question, question);
    return question;
}

/* ---- answers ---- */

static bool remember(struct callout *callout, const struct route_way *way, struct str address,
                     struct arena *arena, struct callout_answer *out_answer)
{
    struct callout_memory *memory = callout->memory;
    uint64_t now_ms = loop_now_ms();
    return callout_memory_find(memory, way, address, now_ms, arena, out_answer) ||
           callout_memory_find(memory, way, STR_EMPTY, now_ms, arena, out_answer);
}

static enum err await(struct question *question, uint64_t deadline_ms)
{
    while (!question->is_answered) {
        enum err err = fiber_waiters_wait(&question->waiters, deadline_ms);
        if (err)
            return err;
    }
    return OK;
}

enum err callout_ask(struct callout *callout, const struct route_way *way, struct str address,
                     uint64_t deadline_ms, struct arena *arena, struct callout_answer *out_answer)
{
    assert(way->via == ROUTE_SMTP || way->via == ROUTE_LMTP);
    if (remember(callout, way, address, arena, out_answer))
        return OK;
    struct server *server = find_server(callout, way->name);
    struct question *question = find(server, address);
    if (!question)
        question = begin(callout, server, way, address);
    if (!question) {
        *out_answer = unknown(STR("too many questions wait for their answers"));
        return OK;
    }
    question->holders++;
    enum err err = await(question, deadline_ms);
    if (!err) {
        *out_answer = question->answer;
        out_answer->words = arena_copy(arena, question->answer.words);
    } else if (err == ERR_TIMEOUT) {
        *out_answer = unknown(STR("no answer yet"));
        err = OK;
    }
    let_go(question);
    return err;
}

/* ---- life ---- */

struct callout *callout_new(const struct deliver_options *options, struct callout_memory *memory)
{
    struct callout *callout = NEW(struct callout);
    callout->deliver = *options;
    callout->deliver.timeouts = timeouts;
    callout->memory = memory;
    list_init(&callout->servers);
    fiber_group_init(&callout->askers, loop_current());
    return callout;
}

void callout_free(struct callout *callout)
{
    fiber_group_cancel(&callout->askers);
    enum err err = fiber_group_join(&callout->askers, DEADLINE_NEVER);
    assert(!err);
    assert(callout->question_count == 0);
    arena_reset(&callout->arena);
    mem_free(callout);
}
