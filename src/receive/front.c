#include "receive/front.h"

#include "base/log.h"
#include "fiber/loop.h"
#include "net/proxy.h"
#include "smtp/xclient.h"

#define PROXY_HEADER_MS 10000 /* lost once, it comes again after three seconds */

static const struct answer not_believed = {550, {5, 7, 0}, "You may not speak for others"};
static const struct answer in_transaction = {503, {5, 5, 1}, "Not within a mail transaction"};
static const struct answer no_login = {
    550, {5, 7, 0}, "A login is what a password proves to us, not what XCLIENT says"};
static const struct answer no_address = {501, {5, 5, 4}, "We take no mail from who has no address"};

static bool may_proxy(const struct receive_service *service, const struct net_address *peer)
{
    return net_ranges_have(service->proxy_from, service->proxy_from_count, peer);
}

static bool may_xclient(const struct receive_service *service, const struct net_address *peer)
{
    return net_ranges_have(service->xclient_from, service->xclient_from_count, peer);
}

struct gate_key front_key_of(const struct receive_service *service, const struct stream *stream)
{
    uid_t uid;
    pid_t pid;
    const struct net_address *peer = stream_peer(stream);
    if (service->kind == RECEIVE_LOCAL && stream_peer_credentials(stream, &uid, &pid) == OK)
        return gate_key_of_uid(uid);
    if (may_proxy(service, peer) || may_xclient(service, peer))
        return (struct gate_key){.len = 0};
    return gate_key_of_address(peer);
}

/* False when that client has too many connections. */
static bool become(struct session *session, struct str speaker, const struct net_address *client)
{
    struct gate_key key = {.len = 0};
    if (!may_xclient(session->service, client))
        key = gate_key_of_address(client);
    if (gate_move(session->gate, session->key, key) != GATE_ENTERED)
        return false;
    session->key = key;
    stream_set_peer(session->stream, client);
    session_know_client(session);
    transcript_printf(&session->transcript, loop_now_ms(), TRANSCRIPT_NOTE, "%.*s speaks for %.*s",
                      STR_FMT(speaker), STR_FMT(buf_str(&session->client)));
    return true;
}

/* ---- PROXY ---- */

/* Takes the header and nothing behind it. */
static enum err read_header(struct session *session, struct net_proxy_header *out_header)
{
    size_t used;
    enum err err;
    session_set_deadline(session, PROXY_HEADER_MS);
    while ((err = net_proxy_parse(stream_input(session->stream), out_header, &used)) == ERR_MORE) {
        err = stream_fill_at_boundary(session->stream, session->deadline_ms);
        if (err)
            return err;
    }
    if (!err)
        stream_consume(session->stream, used);
    return err;
}

/* Nothing is said to it: who does not keep to the protocol would not know what to do with it. One
 * that connects and goes is looking whether we live. */
static enum err refuse_header(const struct session *session, enum err why)
{
    if (why == ERR_STOPPING || why == ERR_CANCELLED)
        return why;
    if (why != ERR_CLOSED || stream_input(session->stream).len)
        log_event(LOG_WARNING, "receive",
                  "%.*s may only speak for others, but sent no PROXY header"
                  " (%s): closed",
                  STR_FMT(buf_str(&session->client)), err_text(why));
    return ERR_CLOSED;
}

static enum err meet_proxy(struct session *session)
{
    struct net_proxy_header header;
    enum err err = read_header(session, &header);
    if (err)
        return refuse_header(session, err);
    struct str speaker = arena_copy(&session->arena, buf_str(&session->client));
    if (!header.has_client || become(session, speaker, &header.client))
        return OK;
    if (session->service->tls == RECEIVE_TLS_IMPLICIT)
        return ERR_CLOSED; /* it could not read it */
    err = session_answer(session, &answer_client_full);
    return err ? err : ERR_CLOSED;
}

enum err front_meet(struct session *session)
{
    enum err err = OK;
    if (may_proxy(session->service, stream_peer(session->stream)))
        err = meet_proxy(session);
    if (may_xclient(session->service, stream_peer(session->stream)))
        buf_add_cut(&session->speaker, buf_str(&session->client));
    return err;
}

/* ---- XCLIENT ---- */

/* What was not said stays as it is. */
static struct net_address client_of(const struct session *session,
                                    const struct smtp_xclient *xclient)
{
    struct net_address client = *stream_peer(session->stream);
    if (xclient->has_address)
        client = xclient->address;
    if (xclient->has_port)
        net_address_set_port(&client, xclient->port);
    return client;
}

/* What others said and did on this connection is not this client's. */
static void start_anew(struct session *session, const struct smtp_xclient *xclient)
{
    session_forget(session);
    session->errors = session->failed_logins = 0;
    if (xclient->helo.len == 0)
        return;
    session->greeting = xclient->is_smtp ? SESSION_HELO : SESSION_EHLO;
    buf_add_cut(&session->helo, xclient->helo);
}

static enum err speak_for(struct session *session, const struct smtp_xclient *xclient)
{
    if (xclient->login.len)
        return session_answer(session, &no_login);
    if (xclient->is_address_unknown)
        return session_answer(session, &no_address);
    struct net_address client = client_of(session, xclient);
    session_begin_transcript(session);
    if (!become(session, buf_str(&session->speaker), &client)) {
        enum err err = session_answer(session, &answer_client_full);
        return err ? err : ERR_CLOSED;
    }
    start_anew(session, xclient);
    enum err err = session_say_banner(session);
    if (!err)
        transcript_connection_ends(&session->transcript);
    return err;
}

enum err session_xclient(struct session *session, const struct smtp_command *command)
{
    struct smtp_xclient xclient;
    struct smtp_fault fault;
    if (session->speaker.len == 0)
        return session_answer(session, &not_believed);
    if (session->transaction.is_open)
        return session_answer(session, &in_transaction);
    if (smtp_xclient_parse(&session->arena, command->argument, &xclient, &fault))
        return session_answer_fault(session, &fault);
    return speak_for(session, &xclient);
}
