#include "sink.h"

#include "base/mem.h"
#include "fiber/loop.h"
#include "smtp/command.h"
#include "smtp/data.h"
#include "smtp/reply.h"

#include <stdio.h>

#define LINE_MAX_BYTES 4096
#define PATIENCE_MS    (3600u * 1000)
#define SLOW_MAX_MS    60000
#define RECIPIENTS_MAX 100

enum mood { MOOD_WELL, MOOD_FOR_NOW, MOOD_FOR_GOOD, MOOD_HANGS, MOOD_DIES, MOOD_NONSENSE };

enum step {
    STEP_CONNECT,
    STEP_EHLO,
    STEP_STARTTLS,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_CONTENT,
    STEP_RSET,
    STEP_QUIT,
};

static const struct {
    const char *well, *for_now, *for_good;
} words[] = {
    [STEP_CONNECT] = {"220 sink", "421 4.3.2 not now", NULL},
    [STEP_EHLO] = {"250", "421 4.3.2 not now", NULL}, /* the extensions are said instead */
    [STEP_STARTTLS] = {"220 2.0.0 go on", "454 4.7.0 not now", NULL},
    [STEP_MAIL] = {"250 2.1.0 go on", "451 4.3.0 later", "550 5.7.1 not from you"},
    [STEP_RCPT] = {"250 2.1.5 go on", "450 4.2.1 later", "550 5.1.1 nobody"},
    [STEP_DATA] = {"354 go on", "451 4.3.0 later", "554 5.7.1 not that"},
    [STEP_CONTENT] = {"250 2.0.0 taken", "451 4.3.0 later", "554 5.6.0 not that"},
    [STEP_RSET] = {"250 2.0.0 forgotten", "421 4.3.2 not now", NULL},
    [STEP_QUIT] = {"221 2.0.0 bye", "421 4.3.2 not now", NULL},
};

/* One connection. */
struct visit {
    struct sink *sink;
    struct stream *stream;
    struct wire *wire;
    bool is_over;
    bool has_mail;
    struct sink_slip slip; /* what it says to the present step; `at` as in the sink */
    uint64_t begun;        /* the moment when the server said MAIL */
    struct arena arena;    /* of the transaction */
    struct str sender;
    struct str recipients[RECIPIENTS_MAX]; /* accepted */
    size_t count;
    struct buf content;
};

/* ---- speaking ---- */

static void say(struct visit *visit, struct str bytes)
{
    uint64_t deadline_ms = loop_now_ms() + PATIENCE_MS;
    if (visit->is_over)
        return;
    visit->is_over = stream_write(visit->stream, bytes, deadline_ms) != OK ||
                     stream_flush(visit->stream, deadline_ms) != OK;
}

static void say_line(struct visit *visit, const char *line)
{
    char text[512];
    int len = snprintf(text, sizeof text, "%s\r\n", line);
    say(visit, str_make(text, (size_t)len));
    if (str_starts(str_of(line), STR("421")))
        visit->is_over = true;
}

/* Waits for more than there is. */
static bool fill(struct visit *visit)
{
    if (!visit->is_over && stream_fill(visit->stream, loop_now_ms() + PATIENCE_MS))
        visit->is_over = true;
    return !visit->is_over;
}

/* ---- moods ---- */

static bool happens(struct visit *visit, unsigned in_a_thousand)
{
    return in_a_thousand && random_below(visit->sink->random, 1000) < in_a_thousand;
}

static void pause(struct visit *visit, uint64_t ms)
{
    if (ms && fiber_sleep_until(loop_now_ms() + ms))
        visit->is_over = true;
}

/* What the sink itself makes of the words that slip from it. */
static enum mood mood_of_slip(enum step step, struct str said)
{
    struct smtp_reply reply;
    size_t used;
    if (smtp_reply_parse(said, &reply, &used))
        return MOOD_NONSENSE;
    if (reply.code / 100 == words[step].well[0] - '0')
        return MOOD_WELL;
    if (reply.code / 100 == 5 && words[step].for_good)
        return MOOD_FOR_GOOD;
    return reply.code / 100 == 4 ? MOOD_FOR_NOW : MOOD_NONSENSE;
}

static bool slips(struct visit *visit)
{
    struct sink_slip *slip = &visit->sink->slip;
    visit->slip = (struct sink_slip){.words = STR_EMPTY};
    if (!slip->words.at || slip->at-- > 0)
        return false;
    visit->slip = *slip;
    *slip = (struct sink_slip){.words = {NULL, 0}};
    return true;
}

static enum mood mood_at(struct visit *visit, enum step step)
{
    const struct sink_moods *moods = &visit->sink->moods;
    if (slips(visit))
        return mood_of_slip(step, visit->slip.words);
    if (happens(visit, moods->slow))
        pause(visit, random_below(visit->sink->random, SLOW_MAX_MS));
    if (happens(visit, moods->hangs))
        return MOOD_HANGS;
    if (happens(visit, moods->dies))
        return MOOD_DIES;
    if (happens(visit, moods->for_now))
        return MOOD_FOR_NOW;
    return words[step].for_good && happens(visit, moods->for_good) ? MOOD_FOR_GOOD : MOOD_WELL;
}

static bool answer_oddly(struct visit *visit, enum mood mood)
{
    say(visit, visit->slip.words);
    visit->is_over |= visit->slip.ends;
    visit->slip = (struct sink_slip){.words = STR_EMPTY};
    return mood == MOOD_WELL && !visit->is_over;
}

/* Says it; false when the step was not taken well. */
static bool answer(struct visit *visit, enum step step, enum mood mood)
{
    if (visit->slip.words.len)
        return answer_oddly(visit, mood);
    switch (mood) {
    case MOOD_WELL:
        say_line(visit, words[step].well);
        break;
    case MOOD_FOR_NOW:
        say_line(visit, words[step].for_now);
        break;
    case MOOD_FOR_GOOD:
        say_line(visit, words[step].for_good);
        break;
    case MOOD_HANGS:
        while (fill(visit))
            stream_consume(visit->stream, stream_input(visit->stream).len);
        break;
    case MOOD_DIES:
        visit->is_over = true;
        break;
    case MOOD_NONSENSE: /* is said oddly */
        break;
    }
    return mood == MOOD_WELL && !visit->is_over;
}

/* ---- the transaction ---- */

static void forget_transaction(struct visit *visit)
{
    visit->has_mail = false;
    visit->count = 0;
    buf_clear(&visit->content);
    arena_reset(&visit->arena);
}

static void hear_mail(struct visit *visit, const struct smtp_command *command)
{
    forget_transaction(visit);
    uint64_t unread = stream_input(visit->stream).len;
    visit->begun = wire_said_at(visit->wire, visit->wire->other_read - unread - 1);
    visit->sender = mail_address_text(&visit->arena, &command->mail.path.address);
    enum mood mood = mood_at(visit, STEP_MAIL);
    if (mood == MOOD_FOR_GOOD)
        ledger_refuse_sender(visit->sink->ledger, visit->sender, str_of(visit->sink->name));
    visit->has_mail = answer(visit, STEP_MAIL, mood);
}

static void hear_rcpt(struct visit *visit, const struct smtp_command *command)
{
    struct sink *sink = visit->sink;
    struct str address = mail_address_text(&visit->arena, &command->rcpt.path.address);
    if (!visit->has_mail) {
        say_line(visit, "503 5.5.1 no MAIL");
        return;
    }
    if (visit->count == (sink->recipients_max ? sink->recipients_max : RECIPIENTS_MAX)) {
        say_line(visit, "452 4.5.3 too many");
        return;
    }
    enum mood mood = mood_at(visit, STEP_RCPT);
    if (mood == MOOD_FOR_GOOD)
        ledger_refuse(sink->ledger, address);
    if (answer(visit, STEP_RCPT, mood))
        visit->recipients[visit->count++] = address;
}

static void refuse_all(struct visit *visit)
{
    for (size_t i = 0; i < visit->count; i++)
        ledger_refuse(visit->sink->ledger, visit->recipients[i]);
}

static void take(struct visit *visit, uint64_t answer_end)
{
    struct ledger_way way = {visit->wire, visit->begun, answer_end};
    for (size_t i = 0; i < visit->count; i++)
        ledger_take(visit->sink->ledger, visit->recipients[i], buf_str(&visit->content), way);
}

/* The content is whole. Without an answer the worst is true: it was taken. */
static void hear_end(struct visit *visit)
{
    pause(visit, visit->sink->content_ms);
    enum mood mood = mood_at(visit, STEP_CONTENT);
    uint64_t answer_len =
        visit->slip.words.len ? visit->slip.words.len : strlen(words[STEP_CONTENT].well) + 2;
    if (mood == MOOD_WELL)
        take(visit, visit->wire->other_wrote + answer_len);
    else if (mood == MOOD_FOR_GOOD)
        refuse_all(visit);
    else if (mood != MOOD_FOR_NOW)
        take(visit, ANSWER_NEVER);
    answer(visit, STEP_CONTENT, mood);
    forget_transaction(visit);
}

static void keep(struct visit *visit, struct str bytes)
{
    enum err err = buf_add(&visit->content, bytes);
    assert(!err);
}

static void hear_data(struct visit *visit)
{
    struct smtp_data_reader reader = smtp_data_reader_make();
    if (!visit->count) {
        say_line(visit, "554 5.5.1 no valid recipients");
        return;
    }
    enum mood mood = mood_at(visit, STEP_DATA);
    if (mood == MOOD_FOR_GOOD)
        refuse_all(visit);
    if (!answer(visit, STEP_DATA, mood)) {
        forget_transaction(visit);
        return;
    }
    while (!smtp_data_is_ended(&reader)) {
        struct str in = stream_input(visit->stream), run;
        if (!in.len && !fill(visit))
            return;
        stream_consume(visit->stream, smtp_data_read(&reader, stream_input(visit->stream), &run));
        keep(visit, run);
    }
    hear_end(visit);
}

static void hear_bdat(struct visit *visit, uint64_t size, bool is_last)
{
    while (size) {
        struct str in = str_first(stream_input(visit->stream), (size_t)size);
        if (!in.len && !fill(visit))
            return;
        keep(visit, in);
        size -= in.len;
        stream_consume(visit->stream, in.len);
    }
    if (!visit->count)
        say_line(visit, "554 5.5.1 no valid recipients");
    else if (is_last)
        hear_end(visit);
    else
        say_line(visit, "250 2.0.0 go on");
}

/* ---- the conversation ---- */

static void hear_ehlo(struct visit *visit)
{
    char text[512];
    int len = snprintf(text, sizeof text, "250-sink\r\n");
    struct str rest = str_of(visit->sink->extensions), word;
    while (str_cut(rest, ' ', &word, &rest))
        len += snprintf(text + len, sizeof text - (size_t)len, "250-%.*s\r\n", STR_FMT(word));
    snprintf(text + len, sizeof text - (size_t)len, "250 %.*s", STR_FMT(rest));
    enum mood mood = mood_at(visit, STEP_EHLO);
    if (mood == MOOD_WELL && !visit->slip.words.len)
        say_line(visit, text);
    else
        answer(visit, STEP_EHLO, mood);
}

static void hear_starttls(struct visit *visit)
{
    if (answer(visit, STEP_STARTTLS, mood_at(visit, STEP_STARTTLS)) &&
        stream_tls_accept(visit->stream, tls_context_simulated(), loop_now_ms() + PATIENCE_MS))
        visit->is_over = true;
}

static void hear(struct visit *visit, const struct smtp_command *command)
{
    switch (command->verb) {
    case SMTP_VERB_EHLO:
        hear_ehlo(visit);
        break;
    case SMTP_VERB_STARTTLS:
        hear_starttls(visit);
        break;
    case SMTP_VERB_MAIL:
        hear_mail(visit, command);
        break;
    case SMTP_VERB_RCPT:
        hear_rcpt(visit, command);
        break;
    case SMTP_VERB_DATA:
        hear_data(visit);
        break;
    case SMTP_VERB_BDAT:
        hear_bdat(visit, command->bdat.size, command->bdat.is_last);
        break;
    case SMTP_VERB_RSET:
        forget_transaction(visit);
        answer(visit, STEP_RSET, mood_at(visit, STEP_RSET));
        break;
    case SMTP_VERB_QUIT:
        answer(visit, STEP_QUIT, mood_at(visit, STEP_QUIT));
        visit->is_over = true;
        break;
    default:
        say_line(visit, "500 5.5.2 what?");
    }
}

static void hear_line(struct visit *visit, struct str line)
{
    struct arena arena = arena_make();
    struct smtp_command command;
    struct smtp_fault fault;
    if (smtp_command_parse(&arena, arena_copy(&arena, line), true, &command, &fault))
        ledger_problem(visit->sink->ledger, "the server said \"%.*s\"", STR_FMT(line));
    else
        hear(visit, &command);
    arena_reset(&arena);
}

/* Ends with a reset when it ends without a word. */
static void run_visit(void *argument)
{
    struct visit *visit = argument;
    visit->sink->connections++;
    if (visit->sink->greets)
        visit->sink->greets(visit->sink->context);
    answer(visit, STEP_CONNECT, mood_at(visit, STEP_CONNECT));
    while (!visit->is_over) {
        struct str line;
        bool crlf;
        if (stream_read_line(visit->stream, LINE_MAX_BYTES, false, loop_now_ms() + PATIENCE_MS,
                             &line, &crlf))
            break;
        hear_line(visit, line);
    }
    stream_close(visit->stream);
    forget_transaction(visit);
    buf_free(&visit->content);
    mem_free(visit);
}

static void run_listener(void *argument)
{
    struct sink *sink = argument;
    struct stream *stream;
    while (listener_accept(sink->listener, DEADLINE_NEVER, &stream) == OK) {
        struct visit *visit = NEW(struct visit);
        visit->sink = sink;
        visit->stream = wires_received(sink->wires, stream, &visit->wire);
        visit->content = buf_make(1 << 24);
        fiber_spawn(&sink->visits, "sink", run_visit, visit);
    }
}

/* ---- life ---- */

void sink_init(struct sink *sink)
{
    sink->listener = NULL;
    fiber_group_init(&sink->listening, loop_current());
    fiber_group_init(&sink->visits, loop_current());
}

void sink_open(struct sink *sink)
{
    assert(!sink->listener);
    enum err err = listener_open_memory(sink->network, &sink->address, &sink->listener);
    assert(!err);
    fiber_spawn(&sink->listening, "listening sink", run_listener, sink);
}

void sink_shut(struct sink *sink)
{
    if (!sink->listener)
        return;
    fiber_group_cancel(&sink->listening);
    enum err err = fiber_group_join(&sink->listening, DEADLINE_NEVER);
    assert(!err);
    listener_close(sink->listener);
    sink->listener = NULL;
}

void sink_done(struct sink *sink)
{
    sink_shut(sink);
    fiber_group_cancel(&sink->visits);
    enum err err = fiber_group_join(&sink->visits, DEADLINE_NEVER);
    assert(!err);
}
