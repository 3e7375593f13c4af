#include "receive/failures.h"
#include "receive/gate.h"

#include "script.h"

static struct net_address address(const char *text)
{
    struct net_address parsed = {.len = 0};
    CHECK_INT(net_address_parse(str_of(text), 0, &parsed), OK);
    return parsed;
}

static struct gate_key key_of(const char *text)
{
    struct net_address client = address(text);
    return gate_key_of_address(&client);
}

static const struct gate_key nobody = {.len = 0};

TEST(a_client_is_an_ipv4_address_or_an_ipv6_64)
{
    static const struct {
        const char *about, *first, *second;
        bool same;
    } rows[] = {
        {"one address, two ports", "192.0.2.1:1", "192.0.2.1:2", true},
        {"neighbours", "192.0.2.1:1", "192.0.2.2:1", false},
        {"one /64", "[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::2]:1", true},
        {"two /64", "[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", false},
        {"IPv4 in IPv6", "192.0.2.1:1", "[::ffff:192.0.2.1]:1", true},
        {"sockets of the machine itself are not counted", "unix:/x", "unix:/x", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct receive_gate *gate = receive_gate_new(10, 1);
        struct gate_key first = key_of(rows[i].first), second = key_of(rows[i].second);
        CHECK_INT(gate_enter(gate, first), GATE_ENTERED);
        enum gate_answer answer = gate_enter(gate, second);
        CHECK_ROW(rows[i].about, answer == (rows[i].same ? GATE_CLIENT_FULL : GATE_ENTERED));
        if (answer == GATE_ENTERED)
            gate_leave(gate, second);
        gate_leave(gate, first);
        CHECK_INT(gate_enter(gate, second), GATE_ENTERED);
        gate_leave(gate, second);
        receive_gate_free(gate);
    }
}

TEST(the_gate_is_full_at_its_limit_and_crowded_before)
{
    struct receive_gate *gate = receive_gate_new(4, 4);
    struct gate_key client = key_of("192.0.2.1:1"), other = key_of("192.0.2.2:1");
    for (int i = 0; i < 4; i++) {
        CHECK(!gate_is_crowded(gate) || i > 3);
        CHECK_INT(gate_enter(gate, client), GATE_ENTERED);
    }
    CHECK(gate_is_crowded(gate));
    CHECK_INT(gate_enter(gate, other), GATE_FULL);
    for (int i = 0; i < 4; i++)
        gate_leave(gate, client);
    CHECK(!gate_is_crowded(gate));
    receive_gate_free(gate);
}

TEST(a_connection_is_counted_for_whom_it_turns_out_to_be)
{
    struct receive_gate *gate = receive_gate_new(10, 1);
    struct gate_key proxy = key_of("192.0.2.1:1"), client = key_of("192.0.2.2:1");
    for (int i = 0; i < 3; i++)
        CHECK_INT(gate_enter(gate, nobody), GATE_ENTERED);
    CHECK_INT(gate_move(gate, nobody, client), GATE_ENTERED);
    CHECK_INT(gate_move(gate, nobody, client), GATE_CLIENT_FULL);
    CHECK_INT(gate_move(gate, client, client), GATE_ENTERED);
    CHECK_INT(gate_enter(gate, client), GATE_CLIENT_FULL);
    CHECK_INT(gate_move(gate, client, proxy), GATE_ENTERED);
    CHECK_INT(gate_enter(gate, client), GATE_ENTERED);
    gate_leave(gate, client);
    gate_leave(gate, proxy);
    gate_leave(gate, nobody);
    gate_leave(gate, nobody);
    receive_gate_free(gate);
}

TEST(users_of_this_host_are_counted_apart)
{
    struct receive_gate *gate = receive_gate_new(10, 1);
    CHECK_INT(gate_enter(gate, gate_key_of_uid(1000)), GATE_ENTERED);
    CHECK_INT(gate_enter(gate, gate_key_of_uid(1000)), GATE_CLIENT_FULL);
    CHECK_INT(gate_enter(gate, gate_key_of_uid(0)), GATE_ENTERED);
    gate_leave(gate, gate_key_of_uid(1000));
    gate_leave(gate, gate_key_of_uid(0));
    receive_gate_free(gate);
}

/* ---- failed logins ---- */

TEST(who_fails_to_log_in_too_often_waits)
{
    struct receive_gate *gate = receive_gate_new(10, 1);
    struct gate_key guesser = key_of("192.0.2.1:1"), other = key_of("192.0.2.2:1");
    uint64_t now_ms = 5000;
    for (int i = 0; i < FAILURES_MAX; i++) {
        CHECK(gate_may_log_in(gate, guesser, now_ms + (uint64_t)i));
        gate_login_failed(gate, guesser, now_ms + (uint64_t)i);
    }
    CHECK(!gate_may_log_in(gate, guesser, now_ms + FAILURES_FOR_MS - 1));
    CHECK(gate_may_log_in(gate, other, now_ms));
    CHECK(gate_may_log_in(gate, guesser, now_ms + FAILURES_FOR_MS));
    gate_login_failed(gate, guesser, now_ms + FAILURES_FOR_MS);
    CHECK(gate_may_log_in(gate, guesser, now_ms + FAILURES_FOR_MS));
    receive_gate_free(gate);
}

TEST(the_table_of_failures_has_a_limit)
{
    struct failures failures;
    failures_init(&failures);
    for (uint32_t i = 0; i < FAILURES_TABLE_MAX + 100; i++)
        failures_add(&failures, str_make((const char *)&i, sizeof i), i / 100);
    CHECK_INT(failures.by_key.count, FAILURES_TABLE_MAX);
    uint32_t last = 7;
    failures_add(&failures, str_make((const char *)&last, sizeof last), FAILURES_FOR_MS * 2);
    CHECK_INT(failures.by_key.count, 1);
    failures_done(&failures);
}

/* ---- with sessions ---- */

static struct str hear(struct world *world, struct stream *client)
{
    enum err err = stream_fill(client, loop_now_ms() + 1000);
    UNUSED(err);
    struct str heard = arena_copy(&world->arena, stream_input(client));
    stream_consume(client, heard.len);
    return heard;
}

TEST_FIBER(only_the_client_that_has_too_many_connections_is_turned_away)
{
    struct world world;
    world_init(&world);
    receive_gate_free(world.gate);
    world.gate = receive_gate_new(100, 2);
    struct stream *clients[3];
    for (size_t i = 0; i < 3; i++)
        clients[i] = world_connect(&world);
    CHECK(str_starts(hear(&world, clients[0]), STR("220 ")));
    CHECK(str_starts(hear(&world, clients[1]), STR("220 ")));
    CHECK_STR(hear(&world, clients[2]),
              STR("421 4.7.0 too many connections from your address\r\n"));
    CHECK_INT(stream_fill(clients[2], loop_now_ms() + 1000), ERR_CLOSED);

    world.client_address = address("198.51.100.8:1");
    CHECK_STR(world_codes(&world, world_say(&world, STR("QUIT\r\n"))),
              STR("220, 221 2.0.0, closed"));
    world.client_address = address("198.51.100.7:2");
    stream_close(clients[0]);
    fiber_yield();
    fiber_yield();
    CHECK_STR(world_codes(&world, world_say(&world, STR("QUIT\r\n"))),
              STR("220, 221 2.0.0, closed"));
    stream_close(clients[1]);
    stream_close(clients[2]);
    world_done(&world);
}

int main(void)
{
    RUN(a_client_is_an_ipv4_address_or_an_ipv6_64);
    RUN(the_gate_is_full_at_its_limit_and_crowded_before);
    RUN(a_connection_is_counted_for_whom_it_turns_out_to_be);
    RUN(users_of_this_host_are_counted_apart);
    RUN(who_fails_to_log_in_too_often_waits);
    RUN(the_table_of_failures_has_a_limit);
    RUN(only_the_client_that_has_too_many_connections_is_turned_away);
    return test_summary();
}
