/* The connection is lost behind each byte of a conversation, on its way in and on its way out, by a
 * reset or in silence. What the other side has to know, it knows; nothing is halved. */
#include "fiber/loop.h"
#include "net/memory_stream.h"
#include "smtp/data.h"
#include "smtp/reply.h"
#include "test.h"
#include "world.h"

#define BYTES_MAX   5000 /* more than any of these conversations has */
#define PATIENCE_MS (10 * MINUTE)

static struct wire *find_wire(struct world *world, uint64_t number)
{
    LIST_EACH (&world->wires.all, link) {
        struct wire *wire = CONTAINER_OF(link, struct wire, in_wires);
        if (wire->number == number)
            return wire;
    }
    return NULL;
}

static void break_after(struct world *world, uint64_t bytes, bool silently)
{
    network_memory_set_faults(world->network, (struct network_faults){.break_after_bytes = bytes,
                                                                      .break_is_silent = silently});
}

/* ---- on the way in ---- */

/* What a client says, and how many replies it then waits for. */
struct step {
    struct str bytes;
    unsigned replies;
};

struct client {
    struct stream *stream;
    bool is_over;
    int code; /* of the last reply */
};

static void hear(struct client *client)
{
    struct smtp_reply reply;
    size_t used;
    enum err err;
    while ((err = smtp_reply_parse(stream_input(client->stream), &reply, &used)) == ERR_MORE &&
           !client->is_over)
        client->is_over = stream_fill(client->stream, loop_now_ms() + PATIENCE_MS) != OK;
    client->is_over |= err != OK;
    if (client->is_over)
        return;
    client->code = reply.code;
    stream_consume(client->stream, used);
}

static void take_step(struct client *client, const struct step *step)
{
    uint64_t deadline_ms = loop_now_ms() + PATIENCE_MS;
    if (client->is_over)
        return;
    client->is_over = stream_write(client->stream, step->bytes, deadline_ms) != OK ||
                      stream_flush(client->stream, deadline_ms) != OK;
    for (unsigned i = 0; i < step->replies && !client->is_over; i++)
        hear(client);
}

/* As it goes behind DATA: dots stuffed, and the final one. */
static struct str stuffed(struct arena *arena, struct str content)
{
    struct smtp_data_writer writer = smtp_data_writer_make();
    struct str text = STR_EMPTY, run;
    size_t used;
    while (content.len) {
        enum err err = smtp_data_write(&writer, content, &used, &run);
        assert(!err);
        text = arena_printf(arena, "%.*s%.*s", STR_FMT(text), STR_FMT(run));
        content = str_from(content, used);
    }
    return arena_printf(arena, "%.*s.\r\n", STR_FMT(text));
}

/* The number of steps up to the end of the content. */
static size_t write_script(struct world *world, const struct mailing *mailing, bool is_pipelined,
                           struct step *steps)
{
    struct arena *arena = &world->arena;
    size_t count = 0;
    struct str envelope = arena_printf(arena, "MAIL FROM:<%.*s>\r\n", STR_FMT(mailing->sender));
    steps[count++] = (struct step){STR_EMPTY, 1};
    steps[count++] = (struct step){STR("EHLO client.example\r\n"), 1};
    for (size_t i = 0; i < mailing->count; i++) {
        if (!is_pipelined) {
            steps[count++] = (struct step){envelope, 1};
            envelope = STR_EMPTY;
        }
        envelope = arena_printf(arena, "%.*sRCPT TO:<%.*s>\r\n", STR_FMT(envelope),
                                STR_FMT(mailing->to[i].address));
    }
    envelope = arena_printf(arena, "%.*sDATA\r\n", STR_FMT(envelope));
    unsigned replies = is_pipelined ? 2 + (unsigned)mailing->count : 2;
    steps[count++] = (struct step){envelope, replies};
    steps[count++] = (struct step){stuffed(arena, mailing_content(mailing, arena)), 1};
    return count;
}

/* Returns false when the conversation was over before so many bytes. */
static bool speak_until(struct world *world, uint64_t bytes, bool is_pipelined, bool silently)
{
    static const char *const domains[] = {"local.example", "sink2.example", "local.example"};
    struct mailing *mailing = ledger_add(&world->ledger, 0, domains, 3);
    struct step steps[10];
    size_t count = write_script(world, mailing, is_pipelined, steps);
    struct sender self = world_sender(world);
    struct client client = {0};
    break_after(world, bytes, silently);
    enum err err = network_connect(world->network, &self.server, &self.address,
                                   loop_now_ms() + PATIENCE_MS, &client.stream);
    assert(!err);
    world_calm_network(world);
    uint64_t number = world->wires.count + 1;
    uint64_t content_end = 0;
    for (size_t i = 0; i < count; i++) {
        take_step(&client, &steps[i]);
        content_end += steps[i].bytes.len;
    }
    bool was_promised = !client.is_over && client.code == 250;
    take_step(&client, &(struct step){STR("QUIT\r\n"), 1});
    bool was_broken = client.is_over;
    stream_close(client.stream);

    /* Whatever the client heard: what arrived whole is kept, what did not is not. */
    world_sleep(PATIENCE_MS);
    struct wire *wire = find_wire(world, number);
    bool is_whole = wire && wire->server_read >= content_end;
    EXPECT(world, !was_promised || is_whole);
    for (size_t i = 0; i < mailing->count; i++)
        mailing->to[i].promise = is_whole ? PROMISE_GIVEN : PROMISE_REFUSED;
    return was_broken;
}

static void speak(struct world *world, bool is_pipelined, bool silently)
{
    server_start(&world->server);
    uint64_t bytes = 0;
    while (bytes < BYTES_MAX && speak_until(world, bytes, is_pipelined, silently))
        bytes++;
    EXPECT(world, bytes > 400 && bytes < BYTES_MAX);
    EXPECT(world, server_await_empty(&world->server, HOUR));
    EXPECT(world, world->server.sessions.count == 0);
}

static void inbound_reset(struct world *world) { speak(world, false, false); }
static void inbound_silent(struct world *world) { speak(world, false, true); }
static void inbound_pipelined(struct world *world) { speak(world, true, false); }
TEST(connection_lost_at_every_byte_of_an_inbound_dialogue)
{
    CHECK_INT(world_play_seeds(inbound_reset, 1), 0);
    CHECK_INT(world_play_seeds(inbound_silent, 1), 0);
    CHECK_INT(world_play_seeds(inbound_pipelined, 1), 0);
}

/* ---- on the way out ---- */

static void calm(void *context) { world_calm_network(context); }

/* The first connection breaks there, the others do not. Returns how many bytes went over it. */
static uint64_t deliver_until(struct world *world, struct sender *sender, struct sink *sink,
                              uint64_t bytes, bool silently)
{
    world_send_to_shut(world, sender, sink);
    uint64_t number = world->wires.count + 1;
    break_after(world, bytes, silently);
    sink_open(sink);
    EXPECT(world, server_await_empty(&world->server, DAY));
    const struct wire *wire = find_wire(world, number);
    EXPECT(world, wire != NULL);
    return wire ? wire_said_bytes(wire) + wire->other_wrote : 0;
}

static void deliver(struct world *world, size_t index, bool silently, struct sink_moods moods)
{
    struct sink *sink = &world->sinks[index];
    sink->greets = calm;
    sink->context = world;
    struct sender sender = world_sender(world);
    sender.is_steady = true;
    server_start(&world->server);
    uint64_t total = deliver_until(world, &sender, sink, UINT64_MAX, false);
    EXPECT(world, total > 400 && total < BYTES_MAX);
    sink->moods = moods;
    total += 20; /* the first mailing's number has fewer digits */
    for (uint64_t bytes = 0; bytes <= total; bytes++)
        deliver_until(world, &sender, sink, bytes, silently);
}

/* A second copy arises behind each byte of the answer but the last, and nowhere else. */
static void deliver_well(struct world *world, size_t index, bool silently)
{
    deliver(world, index, silently, (struct sink_moods){0});
    EXPECT(world, world->ledger.repeated == 3 * strlen("250 2.0.0 taken\r\n"));
}

static void outbound_plain(struct world *world) { deliver_well(world, SINK_0, false); }
static void outbound_silent(struct world *world) { deliver_well(world, SINK_2, true); }
static void outbound_encrypted(struct world *world) { deliver_well(world, SINK_1, false); }
static void outbound_chunking(struct world *world) { deliver_well(world, SINK_2, false); }
static void outbound_mixed(struct world *world)
{
    deliver(world, SINK_0, false, (struct sink_moods){.for_now = 50, .for_good = 50});
}
TEST(connection_lost_at_every_byte_of_an_outbound_dialogue)
{
    CHECK_INT(world_play_seeds(outbound_plain, 1), 0);
    CHECK_INT(world_play_seeds(outbound_silent, 1), 0);
    CHECK_INT(world_play_seeds(outbound_encrypted, 1), 0);
    CHECK_INT(world_play_seeds(outbound_chunking, 1), 0);
    CHECK_INT(world_play_seeds(outbound_mixed, 1), 0);
}

int main(void)
{
    RUN(connection_lost_at_every_byte_of_an_inbound_dialogue);
    RUN(connection_lost_at_every_byte_of_an_outbound_dialogue);
    return test_summary();
}
