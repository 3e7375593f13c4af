#include "net/network.h"

#include "on_loop.h"

static struct net_address address_of(const char *text)
{
    struct net_address address = {0};
    CHECK_ROW(text, net_address_parse(str_of(text), 0, &address) == OK);
    return address;
}

struct world {
    struct random random;
    struct network *network;
    struct net_address at;
    struct listener *listener;
};

static void world_init(struct world *world, uint64_t seed, struct network_faults faults)
{
    world->random = random_seeded(seed);
    world->network = network_memory_new(&world->random);
    world->at = address_of("192.0.2.1:25");
    network_memory_set_faults(world->network, faults);
    CHECK(listener_open_memory(world->network, &world->at, &world->listener) == OK);
}

static void world_done(struct world *world)
{
    listener_close(world->listener);
    network_memory_free(world->network);
}

static void meet(struct world *world, struct stream **out_near, struct stream **out_far)
{
    CHECK_INT(network_connect(world->network, &world->at, NULL, soon(), out_near), OK);
    CHECK_INT(listener_accept(world->listener, soon(), out_far), OK);
}

#define NO_FAULTS ((struct network_faults){.break_after_bytes = UINT64_MAX})

TEST_VIRTUAL(connections_find_their_listener)
{
    struct world world;
    world_init(&world, 1, NO_FAULTS);
    struct stream *near, *far;
    meet(&world, &near, &far);
    CHECK(net_address_eq(stream_peer(near), &world.at));
    CHECK(net_address_eq(stream_peer(far), stream_local(near)));
    stream_close(near);
    stream_close(far);
    struct net_address nowhere = address_of("192.0.2.2:25");
    CHECK_INT(network_connect(world.network, &nowhere, NULL, soon(), &near), ERR_REFUSED);
    struct listener *second;
    CHECK_INT(listener_open_memory(world.network, &world.at, &second), ERR_EXISTS);
    world_done(&world);
}

TEST_VIRTUAL(who_waits_in_the_backlog_of_a_closed_listener_is_reset)
{
    struct world world;
    world_init(&world, 1, NO_FAULTS);
    struct stream *near;
    CHECK_INT(network_connect(world.network, &world.at, NULL, soon(), &near), OK);
    world_done(&world);
    CHECK_INT(stream_fill(near, soon()), ERR_RESET);
    stream_close(near);
}

TEST_VIRTUAL(what_was_sent_before_the_end_arrives_and_then_the_end)
{
    struct world world;
    struct network_faults faults = {
        .delay_max_ms = 1000, .piece_max_bytes = 3, .break_after_bytes = UINT64_MAX};
    world_init(&world, 7, faults);
    struct stream *near, *far;
    meet(&world, &near, &far);
    uint64_t start_ms = loop_now_ms();
    CHECK(stream_write(near, STR("MAIL FROM:<>\r\n"), soon()) == OK);
    stream_close(near);
    struct str line = STR_EMPTY;
    bool crlf;
    CHECK_INT(stream_read_line(far, 512, false, loop_now_ms() + 60000, &line, &crlf), OK);
    CHECK_STR(line, STR("MAIL FROM:<>"));
    CHECK(loop_now_ms() > start_ms);
    CHECK_INT(stream_fill(far, soon()), ERR_CLOSED);
    stream_close(far);
    world_done(&world);
}

/* Echoes lines until it fails. */
static void echo(void *argument)
{
    struct stream *stream = argument;
    struct str line;
    bool crlf;
    while (stream_read_line(stream, 512, false, loop_now_ms() + 1000, &line, &crlf) == OK)
        if (stream_write(stream, line, soon()) || stream_write(stream, STR("\r\n"), soon()) ||
            stream_flush(stream, soon()))
            break;
    stream_close(stream);
}

static enum err ask_and_hear(struct stream *stream, size_t *out_heard)
{
    *out_heard = 0;
    for (;;) {
        struct str line;
        bool crlf;
        enum err err = stream_write(stream, STR("123\r\n"), soon());
        if (!err)
            err = stream_flush(stream, soon());
        if (!err)
            err = stream_read_line(stream, 512, false, loop_now_ms() + 500, &line, &crlf);
        if (err)
            return err;
        *out_heard += 1;
    }
}

static void break_at(uint64_t bytes, bool is_silent)
{
    struct world world;
    struct network_faults faults = {.break_after_bytes = bytes, .break_is_silent = is_silent};
    world_init(&world, 1, faults);
    struct stream *near, *far;
    meet(&world, &near, &far);
    struct fiber_group group;
    fiber_group_init(&group, loop_current());
    fiber_spawn(&group, "echo", echo, far);
    size_t heard;
    enum err err = ask_and_hear(near, &heard);
    CHECK_INT(err, is_silent ? ERR_TIMEOUT : ERR_RESET);
    CHECK_INT(heard, bytes / 10);
    stream_close(near);
    CHECK_INT(fiber_group_join(&group, soon()), OK);
    world_done(&world);
}

TEST_VIRTUAL(a_connection_breaks_after_exactly_so_many_bytes)
{
    for (uint64_t bytes = 0; bytes < 45; bytes++) {
        break_at(bytes, false);
        break_at(bytes, true);
    }
}

static uint64_t time_of_run(uint64_t seed)
{
    struct world world;
    struct network_faults faults = {
        .delay_max_ms = 500, .piece_max_bytes = 4, .break_after_bytes = 200};
    world_init(&world, seed, faults);
    struct stream *near, *far;
    uint64_t start_ms = loop_now_ms();
    meet(&world, &near, &far);
    struct fiber_group group;
    fiber_group_init(&group, loop_current());
    fiber_spawn(&group, "echo", echo, far);
    size_t heard;
    enum err err = ask_and_hear(near, &heard);
    CHECK(err == ERR_RESET || err == ERR_TIMEOUT || err == ERR_CLOSED);
    stream_close(near);
    CHECK_INT(fiber_group_join(&group, soon()), OK);
    world_done(&world);
    return loop_now_ms() - start_ms;
}

TEST_VIRTUAL(one_seed_gives_one_story)
{
    for (uint64_t seed = 1; seed < 20; seed++)
        CHECK_INT(time_of_run(seed), time_of_run(seed));
}

int main(void)
{
    RUN(connections_find_their_listener);
    RUN(who_waits_in_the_backlog_of_a_closed_listener_is_reset);
    RUN(what_was_sent_before_the_end_arrives_and_then_the_end);
    RUN(a_connection_breaks_after_exactly_so_many_bytes);
    RUN(one_seed_gives_one_story);
    return test_summary();
}
