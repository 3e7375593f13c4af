#include "deliver/connect.h"

#include "deliver/dead_addresses.h"
#include "fiber/loop.h"

#define TRANSCRIPT_MAX_BYTES 8192

void connection_init(struct connection *connection)
{
    *connection = (struct connection){.arena = arena_make(), .host = STR_EMPTY, .set = STR_EMPTY};
    transcript_init(&connection->transcript, TRANSCRIPT_MAX_BYTES, loop_now_ms());
}

void connection_done(struct connection *connection)
{
    if (connection->is_open)
        smtp_client_close(&connection->client);
    transcript_done(&connection->transcript);
    connection->host = connection->set = STR_EMPTY;
    arena_reset(&connection->arena);
    connection->is_open = false;
}

/* One try to make a session. */
struct attempt {
    struct connection *connection;
    const struct deliver_options *options;
    const struct route_way *way;
    const struct target *target;
    enum route_tls tls;
    uint64_t *dial_ms; /* left for connecting, to this address and those behind it */
};

static enum route_tls policy_of(const struct route_way *way)
{
    return way->auth_user.len ? ROUTE_TLS_VERIFY : way->tls;
}

static struct str name_peer(const struct target *target, struct arena *arena)
{
    struct str address = net_address_print(arena, &target->address);
    bool is_plain = target->address.socket.any.sa_family == AF_UNIX ||
                    str_eq(target->host, net_address_print_ip(arena, &target->address));
    if (is_plain)
        return address;
    return arena_printf(arena, "%.*s (%.*s)", STR_FMT(target->host), STR_FMT(address));
}

/* ---- the steps ---- */
/* `is_silent`: it gave no sign of an SMTP server, and had better be tried last for a while. */
static void note_silence(const struct attempt *attempt, bool is_silent)
{
    struct dead_addresses *dead = attempt->options->dead;
    if (is_silent)
        dead_addresses_add(dead, &attempt->target->address, loop_now_ms());
    else
        dead_addresses_remove(dead, &attempt->target->address);
}

static enum err connect_to(const struct attempt *attempt, struct stream **out_stream)
{
    const struct deliver_options *options = attempt->options;
    uint64_t begun_ms = loop_now_ms();
    uint64_t within_ms = min_size(options->timeouts.connect, *attempt->dial_ms);
    enum err err = network_connect(options->network, &attempt->target->address, NULL,
                                   begun_ms + within_ms, out_stream);
    *attempt->dial_ms -= min_size(loop_now_ms() - begun_ms, *attempt->dial_ms);
    if (err == ERR_REFUSED || err == ERR_TIMEOUT || err == ERR_UNREACHABLE)
        note_silence(attempt, true);
    return err;
}

static enum err dial(const struct attempt *attempt, struct stream **out_stream)
{
    struct connection *connection = attempt->connection;
    transcript_printf(&connection->transcript, loop_now_ms(), TRANSCRIPT_NOTE, "connecting to %.*s",
                      STR_FMT(connection->peer));
    enum err err = connect_to(attempt, out_stream);
    if (err)
        transcript_printf(&connection->transcript, loop_now_ms(), TRANSCRIPT_NOTE, "%s",
                          err_text(err));
    return err;
}

static enum err encrypt(const struct attempt *attempt)
{
    struct smtp_client *client = &attempt->connection->client;
    struct tls_context *own = attempt->way->tls_context;
    struct tls_context *context = own ? own : attempt->options->tls;
    bool is_wanted = attempt->tls != ROUTE_TLS_NONE;
    bool is_there = client->extensions.starttls && context;
    if (!is_wanted || (attempt->tls == ROUTE_TLS_MAY && !is_there))
        return OK;
    return smtp_client_start_tls(client, context, attempt->target->host,
                                 attempt->tls == ROUTE_TLS_VERIFY);
}

static enum err log_in(const struct attempt *attempt)
{
    struct smtp_client *client = &attempt->connection->client;
    const struct route_way *way = attempt->way;
    if (!way->auth_user.len)
        return OK;
    const struct tls_info *tls = stream_tls(client->stream);
    assert(tls && tls->verified); /* promise 4 of deliver.h */
    return smtp_client_login(client, way->auth_user, way->auth_password);
}

static enum err converse(const struct attempt *attempt)
{
    enum err err = smtp_client_greet(&attempt->connection->client);
    if (err != ERR_CANCELLED)
        note_silence(attempt, err == ERR_TIMEOUT || err == ERR_CLOSED || err == ERR_RESET);
    if (!err)
        err = encrypt(attempt);
    return err ? err : log_in(attempt);
}

/* ---- problems ---- */

/* What keeps us from a socket on this machine can be put right on this machine. */
static const char *dial_words(const struct target *target, enum err err)
{
    bool is_socket = target->address.socket.any.sa_family == AF_UNIX;
    if (is_socket && err == ERR_DENIED)
        return "permission denied (open the socket, and the directories above it, to the account "
               "that postrider runs as)";
    if (is_socket && err == ERR_REFUSED)
        return "nobody listens there (is the server running, and is this the path of its socket?)";
    return err_text(err);
}

static struct queue_outcome dial_problem(const struct attempt *attempt, enum err err)
{
    struct connection *connection = attempt->connection;
    return (struct queue_outcome){
        .kind = QUEUE_DEFERRED,
        .reason = SPOOL_REASON_CONNECTION,
        .words = arena_printf(&connection->arena, "no connection to %.*s: %s",
                              STR_FMT(connection->peer), dial_words(attempt->target, err)),
    };
}

/* A refusal before any transaction is about us or the server, not about the mail: it may pass. But
 * 521 says that the host takes no mail at all (RFC 7504). A login refused for good is our
 * configuration's mistake. */
static struct queue_outcome session_problem(const struct attempt *attempt, enum err err)
{
    const struct smtp_client *client = &attempt->connection->client;
    struct queue_outcome problem = smtp_client_problem(client, err, &attempt->connection->arena);
    if (err == ERR_REFUSED)
        problem.remote = attempt->target->host;
    if (client->stage == SMTP_CLIENT_LOGIN && problem.kind == QUEUE_FAILED)
        problem.reason = SPOOL_REASON_LOCAL;
    bool takes_no_mail =
        client->stage == SMTP_CLIENT_GREETING && err == ERR_REFUSED && client->reply.code == 521;
    if (!takes_no_mail)
        problem.kind = QUEUE_DEFERRED;
    return problem;
}

/* ---- trying ---- */
static enum err try_once(const struct attempt *attempt, struct queue_outcome *out_problem)
{
    struct connection *connection = attempt->connection;
    struct stream *stream;
    connection->client.stage = SMTP_CLIENT_CONNECT;
    enum err err = dial(attempt, &stream);
    if (err) {
        *out_problem = dial_problem(attempt, err);
        return err;
    }
    struct smtp_client_options options = {
        .hostname = attempt->options->hostname,
        .peer = connection->peer,
        .is_lmtp = attempt->way->via == ROUTE_LMTP,
        .timeouts = attempt->options->timeouts,
    };
    smtp_client_init(&connection->client, stream, &options, &connection->transcript);
    err = converse(attempt);
    if (!err)
        return OK;
    *out_problem = session_problem(attempt, err);
    if (err == ERR_REFUSED || err == ERR_UNSUPPORTED)
        smtp_client_quit(&connection->client);
    smtp_client_close(&connection->client);
    return err;
}

/* Opportunistic TLS is no reason to send nothing (RFC 7435): once more, in clear, since nothing is
 * known of a connection on which the handshake failed. */
static enum err try_target(struct attempt attempt, struct queue_outcome *out_problem)
{
    struct connection *connection = attempt.connection;
    connection->peer = name_peer(attempt.target, &connection->arena);
    connection->host = arena_copy(&connection->arena, attempt.target->host);
    enum err err = try_once(&attempt, out_problem);
    bool in_clear = err && attempt.tls == ROUTE_TLS_MAY && !fiber_is_cancelled() &&
                    connection->client.stage == SMTP_CLIENT_STARTTLS;
    if (!in_clear)
        return err;
    transcript_line(&connection->transcript, loop_now_ms(), TRANSCRIPT_NOTE,
                    STR("TLS does not work and is not required: once more without"));
    attempt.tls = ROUTE_TLS_NONE;
    return try_once(&attempt, out_problem);
}

static bool opened(struct connection *connection)
{
    transcript_connection_ends(&connection->transcript);
    connection->is_open = true;
    connection->opened_ms = loop_now_ms();
    connection->transactions = 0;
    return true;
}

static bool try_all(struct connection *connection, const struct deliver_options *options,
                    const struct route_way *way, const struct targets *targets,
                    struct queue_outcome *out_problem)
{
    bool has_temporary = false;
    uint64_t dial_ms = options->timeouts.connects;
    for (size_t i = 0; i < targets->count && dial_ms && !fiber_is_cancelled(); i++) {
        struct attempt attempt = {connection,      options,        way,
                                  &targets->at[i], policy_of(way), &dial_ms};
        struct queue_outcome problem;
        if (try_target(attempt, &problem) == OK)
            return true;
        /* Where one target may work later, another's refusal for good is not the last word. */
        if (problem.kind != QUEUE_FAILED || !has_temporary)
            *out_problem = problem;
        has_temporary |= problem.kind != QUEUE_FAILED;
    }
    return false;
}

bool connection_open(struct connection *connection, const struct deliver_options *options,
                     const struct route_way *way, const struct targets *targets,
                     struct queue_outcome *out_problem)
{
    struct targets in_order = *targets;
    connection_done(connection);
    connection_init(connection);
    if (!targets->count)
        transcript_line(&connection->transcript, loop_now_ms(), TRANSCRIPT_NOTE,
                        out_problem->words);
    dead_addresses_put_last(options->dead, &in_order, loop_now_ms());
    if (!try_all(connection, options, way, &in_order, out_problem))
        return false;
    connection->set = arena_copy(&connection->arena, targets->set);
    return opened(connection);
}
