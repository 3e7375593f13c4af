#include "world.h"

#include "base/log.h"
#include "base/mem.h"
#include "fiber/loop.h"
#include "smtp/reply.h"
#include "test.h"

/* As long as no server of these tests is silent on purpose. */
#define SILENCE_MS 20000

/* ---- the world ---- */

static void announce(void *context, const struct spool_announcement *announcement)
{
    struct world *world = context;
    assert(world->message_count < WORLD_MESSAGES_MAX);
    world->messages[world->message_count++] = (struct world_message){
        .id = announcement->id,
        .place = announcement->place,
        .recipient_count = announcement->envelope->recipient_count,
    };
}

static void must(enum err err) { assert(err == OK); }

static void open_stores(struct world *world)
{
    struct spool_recovery recovery;
    world->disk = disk_memory_new((uint64_t)256 << 20);
    must(disk_mkdir(world->disk, "spool", 0700));
    must(disk_mkdir(world->disk, "trace", 0700));
    must(spool_open(&(struct spool_options){.disk = world->disk,
                                            .clock = world->clock,
                                            .directory = "spool",
                                            .segment_bytes = 4 << 20,
                                            .inline_commits = true,
                                            .announce = announce,
                                            .announce_context = world},
                    &world->spool, &recovery));
    must(trace_open(&(struct trace_options){.disk = world->disk,
                                            .clock = world->clock,
                                            .directory = "trace",
                                            .inline_writes = true},
                    &world->trace));
}

static void make_routes(struct world *world)
{
    static const struct str users[] = {{"alice", 5}, {"bob", 3}};
    static const struct str targets[] = {{"alice@local.example", 19}, {"far@away.example", 16}};
    static const struct str loop[] = {{"loop@local.example", 18}};
    world->routes = route_table_new();
    struct route_way maildir = {.via = ROUTE_MAILDIR, .maildir = STR("/mail/%{user}")};
    must(route_table_add_domain(world->routes,
                                &(struct route_domain_options){.name = STR("local.example"),
                                                               .way = maildir,
                                                               .users = ROUTE_USERS_LISTED,
                                                               .user_names = users,
                                                               .user_count = ARRAY_LEN(users),
                                                               .separator = '+'}));
    must(route_table_add_domain(world->routes,
                                &(struct route_domain_options){.name = STR("open.example"),
                                                               .way = maildir,
                                                               .users = ROUTE_USERS_ANY,
                                                               .separator = '+'}));
    must(route_table_add_alias(world->routes, STR("local.example"), STR("list"), targets,
                               ARRAY_LEN(targets)));
    must(route_table_add_alias(world->routes, STR("local.example"), STR("loop"), loop,
                               ARRAY_LEN(loop)));
    world->srs_key = (struct srs_key){{1, 2, 3}};
    route_table_set_srs_key(world->routes, &world->srs_key);
}

static void make_accounts(struct world *world)
{
    static const char text[] =
        "testuser:$1$abcdefgh$6gJwl2Gq42UpQ648BHSDI0:alice@local.example,@mine.example\n"
        "who@local.example:$1$abcdefgh$6gJwl2Gq42UpQ648BHSDI0\n";
    size_t line;
    struct str problem;
    must(accounts_parse(str_of(text), &world->arena, &world->accounts, &line, &problem));
    world->passwords = blocking_pool_new("passwords", 0, 10);
}

static void make_network(struct world *world)
{
    must(net_address_parse(STR("192.0.2.25:25"), 0, &world->server_address));
    must(net_address_parse(STR("198.51.100.7:40000"), 0, &world->client_address));
    world->network = network_memory_new(&world->random);
    must(listener_open_memory(world->network, &world->server_address, &world->listener));
}

void world_init(struct world *world)
{
    log_init(LOG_ERROR, 2);
    *world = (struct world){.random = random_seeded(1)};
    world->clock = loop_clock(loop_current());
    open_stores(world);
    make_routes(world);
    make_accounts(world);
    make_network(world);
    world->gate = receive_gate_new(100, 50);
    world->signing = blocking_pool_new("signing", 0, 10);
    fiber_group_init(&world->servers, loop_current());
    world->service = (struct receive_service){
        .kind = RECEIVE_MX,
        .tls = RECEIVE_TLS_STARTTLS,
        .name = STR("test"),
        .hostname = STR("mx.local.example"),
        .tls_context = tls_context_simulated(),
        .password_pool = world->passwords,
        .signing_pool = world->signing,
        .routes = world->routes,
        .spool = world->spool,
        .trace = world->trace,
        .message_size_max_bytes = WORLD_SIZE_MAX,
        .recipients_max = 10,
        .timeouts = receive_timeouts_default(),
    };
}

void world_init_submission(struct world *world)
{
    world_init(world);
    world->service.kind = RECEIVE_SUBMISSION;
    world->service.accounts = world->accounts;
    world->service.auth_in_clear = true;
}

void world_init_local(struct world *world)
{
    world_init(world);
    listener_close(world->listener);
    must(net_address_parse(STR("unix:/submit"), 0, &world->server_address));
    must(net_address_parse(STR("unix:/client"), 0, &world->client_address));
    must(listener_open_memory(world->network, &world->server_address, &world->listener));
    world->service.kind = RECEIVE_LOCAL;
    world->service.tls = RECEIVE_TLS_NONE;
    world->service.tls_context = NULL;
    world->service.senders = RECEIVE_SENDERS_ANY;
    world->service.home = STR("local.example");
}

void world_done(struct world *world)
{
    must(fiber_group_join(&world->servers, loop_now_ms() + 3600000));
    listener_close(world->listener);
    network_memory_free(world->network);
    receive_gate_free(world->gate);
    spool_close(world->spool);
    trace_close(world->trace);
    route_table_free(world->routes);
    accounts_free(world->accounts);
    blocking_pool_free(world->passwords);
    blocking_pool_free(world->signing);
    resolver_free(world->resolver);
    disk_memory_free(world->disk);
    arena_reset(&world->arena);
}

/* ---- the two sides ---- */

struct server {
    struct world *world;
    struct stream *stream;
};

static void serve(void *argument)
{
    struct server server = *(struct server *)argument;
    mem_free(argument);
    receive_session(&server.world->service, server.world->gate, server.world->resolver,
                    server.stream);
}

struct stream *world_connect(struct world *world)
{
    struct stream *client;
    struct server *server = NEW(struct server);
    uint64_t deadline_ms = loop_now_ms() + SILENCE_MS;
    server->world = world;
    must(network_connect(world->network, &world->server_address, &world->client_address,
                         deadline_ms, &client));
    must(listener_accept(world->listener, deadline_ms, &server->stream));
    fiber_spawn(&world->servers, "server", serve, server);
    return client;
}

/* Takes what the server says until it is silent for so long, or ends. */
static enum err listen_to(struct stream *client, struct buf *heard, uint64_t silence_ms)
{
    enum err err;
    do {
        err = stream_fill(client, loop_now_ms() + silence_ms);
        struct str input = stream_input(client);
        buf_add_cut(heard, input);
        stream_consume(client, input.len);
    } while (!err);
    return err == ERR_TIMEOUT ? OK : err;
}

static enum err say(struct stream *client, struct str bytes)
{
    uint64_t deadline_ms = loop_now_ms() + SILENCE_MS;
    if (str_eq(bytes, STR(WORLD_STARTTLS)))
        return stream_tls_connect(client, tls_context_simulated(), STR("mx"), false, deadline_ms);
    enum err err = stream_write(client, bytes, deadline_ms);
    return err ? err : stream_flush(client, deadline_ms);
}

static struct str talk(struct world *world, const struct str *steps, size_t count,
                       uint64_t silence_ms)
{
    struct buf heard = buf_make(1 << 20);
    struct stream *client = world_connect(world);
    enum err err = OK;
    for (size_t i = 0; i < count && !err; i++) {
        err = say(client, steps[i]);
        /* An end seen while writing may have last words before it. */
        enum err end = listen_to(client, &heard, i + 1 < count ? silence_ms : SILENCE_MS);
        err = err ? err : end;
    }
    if (err)
        buf_add_cut(&heard, STR("closed\r\n"));
    stream_close(client);
    struct str conversation = arena_copy(&world->arena, buf_str(&heard));
    buf_free(&heard);
    return conversation;
}

struct str world_talk(struct world *world, const struct str *steps, size_t count)
{
    return talk(world, steps, count, SILENCE_MS);
}

struct str world_say(struct world *world, struct str bytes) { return world_talk(world, &bytes, 1); }

struct str world_say_in_pieces(struct world *world, struct str bytes, size_t piece)
{
    size_t count = (bytes.len + piece - 1) / piece;
    struct str *steps = mem_zalloc(count * sizeof *steps);
    for (size_t i = 0; i < count; i++)
        steps[i] = str_first(str_from(bytes, i * piece), piece);
    struct str conversation = talk(world, steps, count, 1);
    mem_free(steps);
    return conversation;
}

/* ---- what came of it ---- */

struct str world_codes(struct world *world, struct str conversation)
{
    struct buf codes = buf_make(1 << 16);
    struct smtp_reply reply;
    size_t used;
    while (conversation.len) {
        const char *comma = codes.len ? ", " : "";
        if (str_eq(conversation, STR("closed\r\n"))) {
            must(buf_printf(&codes, "%sclosed", comma));
            break;
        }
        if (smtp_reply_parse(conversation, &reply, &used)) {
            must(buf_printf(&codes, "%sgarbage", comma));
            break;
        }
        must(buf_printf(&codes, "%s%d", comma, reply.code));
        if (mail_status_is_set(reply.status))
            must(buf_printf(&codes, " %u.%u.%u", reply.status.class, reply.status.subject,
                            reply.status.detail));
        conversation = str_from(conversation, used);
    }
    struct str text = arena_copy(&world->arena, buf_str(&codes));
    buf_free(&codes);
    return text;
}

struct str world_content(struct world *world, size_t i)
{
    struct spool_message message;
    struct buf content = buf_make(1 << 20);
    struct arena arena = arena_make();
    size_t len;
    assert(i < world->message_count);
    must(spool_message_open(world->spool, world->messages[i].id, world->messages[i].place, &arena,
                            &message));
    do {
        must(buf_reserve(&content, 4096));
        must(spool_message_read(&message, content.len, content.at + content.len, 4096, &len));
        content.len += len;
    } while (len);
    spool_message_close(&message);
    arena_reset(&arena);
    struct str text = arena_copy(&world->arena, buf_str(&content));
    buf_free(&content);
    return text;
}

struct spool_envelope world_envelope(struct world *world, size_t i)
{
    struct spool_message message;
    assert(i < world->message_count);
    must(spool_message_open(world->spool, world->messages[i].id, world->messages[i].place,
                            &world->arena, &message));
    spool_message_close(&message);
    return message.envelope;
}

struct str world_story(struct world *world, size_t i)
{
    struct trace_event *events;
    size_t count;
    assert(i < world->message_count);
    must(trace_read(world->trace, world->messages[i].id, &world->arena, &events, &count));
    return trace_print(&world->arena, events, count, &(struct trace_view){.is_full = true});
}
