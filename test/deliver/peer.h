/* A remote server by script. It answers well where the script says nothing else:
 *
 *     "RCPT2=550 5.1.1 who? | DOT=!reset | EHLO=250-peer\r\n250 PIPELINING"
 *
 * A rule is VERB or VERBn (the n-th of its kind, over all connections) = a reply, an action, or a
 * reply and then an action: !close, !reset, !silent, !later (421 after half a second), !endless,
 * !garbage. A reply behind "~" comes after a minute. CONNECT is the banner, DOT the answer to the
 * content. The peer counts what it took for whom. */
#ifndef TEST_DELIVER_PEER_H
#define TEST_DELIVER_PEER_H

#include "fiber/loop.h"
#include "net/network.h"
#include "net/tls.h"
#include "smtp/command.h"
#include "smtp/data.h"

#include <stdio.h>
#include <stdlib.h>

#define PEER_RECIPIENTS_MAX 8
#define PEER_LATE_MS        60000
#define PEER_VERBS_MAX      16

struct peer {
    const char *script;
    const char *extensions; /* lines of the default EHLO reply: "PIPELINING CHUNKING" */
    bool is_lmtp;
    struct tls_context *tls;
    struct str message; /* what the content has to be */
    /* what happened: */
    struct {
        const char *verb;
        unsigned count;
    } heard[PEER_VERBS_MAX];
    unsigned connections, quits, wrong_contents, content_in_clear;
    unsigned copies[PEER_RECIPIENTS_MAX]; /* for a@, b@, c@… */
    bool saw_secret_in_clear;
};

struct peer_session {
    struct peer *peer;
    struct stream *stream;
    bool is_over, is_encrypted, has_mail;
    bool accepted[PEER_RECIPIENTS_MAX];
    struct buf content;
};

static inline unsigned peer_count(struct peer *peer, const char *verb)
{
    for (size_t i = 0; i < PEER_VERBS_MAX; i++) {
        if (!peer->heard[i].verb)
            peer->heard[i].verb = verb;
        if (strcmp(peer->heard[i].verb, verb) == 0)
            return ++peer->heard[i].count;
    }
    abort();
}

static inline unsigned peer_heard(const struct peer *peer, const char *verb)
{
    for (size_t i = 0; i < PEER_VERBS_MAX && peer->heard[i].verb; i++)
        if (strcmp(peer->heard[i].verb, verb) == 0)
            return peer->heard[i].count;
    return 0;
}

/* The rule for the n-th such command; false when there is none. */
static inline bool peer_rule(const struct peer *peer, const char *verb, unsigned n,
                             struct str *out_value)
{
    struct str rest = str_of(peer->script), rule, key, value;
    char numbered[32];
    snprintf(numbered, sizeof numbered, "%s%u", verb, n);
    bool found = false;
    while (rest.len) {
        if (!str_cut(rest, '|', &rule, &rest)) {
            rule = rest;
            rest = STR_EMPTY;
        }
        if (!str_cut(rule, '=', &key, &value))
            continue;
        key = str_trim(key);
        bool is_numbered = str_eq(key, str_of(numbered));
        if (is_numbered || (!found && str_eq(key, str_of(verb)))) {
            *out_value = str_trim(value);
            found = true;
        }
        if (is_numbered)
            return true;
    }
    return found;
}

static inline void peer_say(struct peer_session *session, struct str bytes)
{
    uint64_t deadline_ms = loop_now_ms() + 1000000;
    if (session->is_over)
        return;
    if (stream_write(session->stream, bytes, deadline_ms) ||
        stream_flush(session->stream, deadline_ms))
        session->is_over = true;
}

static inline void peer_end(struct peer_session *session, bool reset)
{
    if (session->stream && reset)
        stream_abort(session->stream);
    else if (session->stream)
        stream_close(session->stream);
    session->stream = NULL;
    session->is_over = true;
}

static inline void peer_act(struct peer_session *session, struct str action)
{
    if (str_eq(action, STR("close")) || str_eq(action, STR("reset")))
        peer_end(session, str_eq(action, STR("reset")));
    if (str_eq(action, STR("later"))) {
        if (fiber_sleep_until(loop_now_ms() + 500) == OK)
            peer_say(session, STR("421 idle too long\r\n"));
        peer_end(session, false);
    }
    if (str_eq(action, STR("silent"))) {
        while (stream_fill(session->stream, DEADLINE_NEVER) == OK)
            stream_consume(session->stream, stream_input(session->stream).len);
        session->is_over = true;
    }
    if (str_eq(action, STR("endless")))
        for (int i = 0; i < 5000 && !session->is_over; i++)
            peer_say(session, STR("250-and another thing\r\n"));
    if (str_eq(action, STR("garbage"))) {
        peer_say(session, STR("\x00\x01 this is no SMTP\r\n"));
        peer_end(session, false);
    }
}

/* Says the script's reply or this one. Returns its code; 0 when none was given. */
static inline int peer_answer(struct peer_session *session, const char *verb, const char *usual)
{
    struct str value = str_of(usual), reply, action = STR_EMPTY;
    peer_rule(session->peer, verb, peer_count(session->peer, verb), &value);
    if (!str_cut(value, '!', &reply, &action))
        reply = value;
    if (str_starts(reply, STR("~"))) {
        reply = str_from(reply, 1);
        session->is_over |= fiber_sleep_until(loop_now_ms() + PEER_LATE_MS) != OK;
    }
    uint64_t code = 0;
    if (reply.len) {
        if (!str_to_u64(str_first(reply, 3), 999, &code))
            code = 0;
        char line[1024]; /* in one write, as an attacker would inject more */
        int len = snprintf(line, sizeof line, "%.*s\r\n", STR_FMT(reply));
        peer_say(session, str_make(line, (size_t)len));
    }
    if (action.len)
        peer_act(session, action);
    if (code == 421)
        peer_end(session, false);
    return (int)code;
}

static inline void peer_hello(struct peer_session *session, const char *verb)
{
    char usual[512] = "250-peer";
    struct str rest = str_of(session->peer->extensions), word;
    while (rest.len) {
        if (!str_cut(rest, ' ', &word, &rest)) {
            word = rest;
            rest = STR_EMPTY;
        }
        size_t len = strlen(usual);
        snprintf(usual + len, sizeof usual - len, "\r\n250-%.*s", STR_FMT(word));
        for (char *at = usual + len; *at; at++) /* a comma stands for the blank in "SIZE 100" */
            if (*at == ',')
                *at = ' ';
    }
    char *last = strrchr(usual, '\n');
    (last ? last + 1 : usual)[3] = ' ';
    peer_answer(session, verb, usual);
}

static inline void peer_take(struct peer_session *session, size_t recipient)
{
    session->peer->copies[recipient]++;
    session->peer->wrong_contents += !str_eq(buf_str(&session->content), session->peer->message);
    session->peer->content_in_clear += !session->is_encrypted;
}

/* The content is whole. Without an answer the worst is true: it was taken. */
static inline void peer_content(struct peer_session *session, const char *verb)
{
    bool each = session->peer->is_lmtp;
    int code = each ? 0 : -1;
    for (size_t i = 0; i < PEER_RECIPIENTS_MAX; i++) {
        if (!session->accepted[i])
            continue;
        if (each || code < 0)
            code = session->is_over && each ? 0 : peer_answer(session, verb, "250 2.0.0 taken");
        if (code / 100 == 2 || code == 0)
            peer_take(session, i);
    }
    if (code < 0)
        peer_answer(session, "NOBODY", "554 5.5.1 no valid recipients");
    memset(session->accepted, 0, sizeof session->accepted);
    session->has_mail = false;
    buf_clear(&session->content);
}

static inline void peer_read_data(struct peer_session *session)
{
    struct smtp_data_reader reader = smtp_data_reader_make();
    while (!smtp_data_is_ended(&reader)) {
        struct str in = stream_input(session->stream), run;
        if (!in.len) {
            if (stream_fill(session->stream, loop_now_ms() + 1000000)) {
                session->is_over = true;
                return;
            }
            continue;
        }
        stream_consume(session->stream, smtp_data_read(&reader, in, &run));
        if (buf_add(&session->content, run))
            abort();
    }
    peer_content(session, "DOT");
}

static inline bool peer_any_accepted(const struct peer_session *session)
{
    for (size_t i = 0; i < PEER_RECIPIENTS_MAX; i++)
        if (session->accepted[i])
            return true;
    return false;
}

static inline void peer_bdat(struct peer_session *session, uint64_t size, bool is_last)
{
    while (size) {
        struct str in = str_first(stream_input(session->stream), (size_t)size);
        if (!in.len) {
            if (stream_fill(session->stream, loop_now_ms() + 1000000)) {
                session->is_over = true;
                return;
            }
            continue;
        }
        if (buf_add(&session->content, in))
            abort();
        size -= in.len;
        stream_consume(session->stream, in.len);
    }
    if (is_last)
        peer_content(session, "BDAT");
    else
        peer_answer(session, "BDAT", "250 go on");
}

static inline void peer_start_tls(struct peer_session *session)
{
    if (peer_answer(session, "STARTTLS", "220 go ahead") != 220 || session->is_over)
        return;
    if (stream_tls_accept(session->stream, session->peer->tls, loop_now_ms() + 1000000))
        session->is_over = true;
    else
        session->is_encrypted = true;
}

static inline void peer_rcpt(struct peer_session *session, struct str local)
{
    size_t index = (size_t)(local.at[0] - 'a');
    assert(index < PEER_RECIPIENTS_MAX);
    const char *usual = session->has_mail ? "250 ok" : "503 no MAIL";
    int code = peer_answer(session, "RCPT", usual);
    session->accepted[index] = code / 100 == 2 && session->has_mail;
}

static inline void peer_command(struct peer_session *session, struct str line)
{
    struct arena arena = arena_make();
    struct smtp_command command;
    struct smtp_fault fault;
    if (str_search(line, STR("AHVzZXIAc2VjcmV0")) != SIZE_MAX && !session->is_encrypted)
        session->peer->saw_secret_in_clear = true;
    if (smtp_command_parse(&arena, line, true, &command, &fault)) {
        peer_answer(session, "OTHER", "500 what?");
        arena_reset(&arena);
        return;
    }
    switch (command.verb) {
    case SMTP_VERB_EHLO:
    case SMTP_VERB_LHLO:
        peer_hello(session, "EHLO");
        break;
    case SMTP_VERB_HELO:
        peer_answer(session, "HELO", "250 peer");
        break;
    case SMTP_VERB_STARTTLS:
        peer_start_tls(session);
        break;
    case SMTP_VERB_AUTH:
        peer_answer(session, "AUTH", "235 2.7.0 welcome");
        break;
    case SMTP_VERB_MAIL:
        memset(session->accepted, 0, sizeof session->accepted);
        session->has_mail =
            peer_answer(session, "MAIL", session->has_mail ? "503 nested" : "250 ok") / 100 == 2;
        break;
    case SMTP_VERB_RCPT:
        peer_rcpt(session, command.rcpt.path.address.local);
        break;
    case SMTP_VERB_DATA: {
        const char *usual = peer_any_accepted(session) ? "354 go on" : "554 nobody";
        if (peer_answer(session, "DATA", usual) == 354 && !session->is_over)
            peer_read_data(session);
        break;
    }
    case SMTP_VERB_BDAT:
        peer_bdat(session, command.bdat.size, command.bdat.is_last);
        break;
    case SMTP_VERB_RSET:
        session->has_mail = false;
        memset(session->accepted, 0, sizeof session->accepted);
        peer_answer(session, "RSET", "250 forgotten");
        break;
    case SMTP_VERB_QUIT:
        session->peer->quits++;
        peer_answer(session, "QUIT", "221 bye!close");
        break;
    default:
        peer_answer(session, "OTHER", "500 what?");
    }
    arena_reset(&arena);
}

/* Serves one connection to its end. */
static inline void peer_serve(struct peer *peer, struct stream *stream)
{
    struct peer_session session = {.peer = peer, .stream = stream, .content = buf_make(1 << 24)};
    peer->connections++;
    peer_answer(&session, "CONNECT", "220 peer ESMTP");
    while (!session.is_over) {
        struct str line;
        bool crlf;
        if (stream_read_line(session.stream, 4096, false, loop_now_ms() + 2000000, &line, &crlf))
            break;
        char copy[4096];
        memcpy(copy, line.at, line.len);
        peer_command(&session, str_make(copy, line.len));
    }
    peer_end(&session, false);
    buf_free(&session.content);
}

#endif
