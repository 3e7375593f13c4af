/* Proxies: a PROXY header before the conversation, XCLIENT within it. */
#include "script.h"

#define HEADER   "PROXY TCP4 203.0.113.9 192.0.2.25 40000 25\r\n"
#define HEADER_2 "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\xc\xcb\0\x71\x9\xc0\0\2\x19\x9c\x40\0\x19"
#define LOCAL_2  "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
#define ENVELOPE "EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@local.example>\r\n"
#define MESSAGE  ENVELOPE "DATA\r\nSubject: x\r\n\r\ntext\r\n.\r\n"
#define TAKEN    "250, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0"

static struct net_range ranges[2];

static void believe(struct world *world)
{
    CHECK_INT(net_range_parse(STR("10.0.0.0/8"), &ranges[0]), OK);
    CHECK_INT(net_range_parse(STR("203.0.113.9"), &ranges[1]), OK);
    CHECK_INT(net_address_parse(STR("10.0.0.1:50000"), 0, &world->client_address), OK);
}

/* 10.0.0.1 is a load balancer, 203.0.113.9 may relay. */
static void init_proxy(struct world *world)
{
    world_init(world);
    believe(world);
    world->service.proxy_from = ranges;
    world->service.proxy_from_count = 1;
    world->service.relay_from = &ranges[1];
    world->service.relay_from_count = 1;
}

static void init_xclient(struct world *world)
{
    init_proxy(world);
    world->service.proxy_from_count = 0;
    world->service.xclient_from = ranges;
    world->service.xclient_from_count = 1;
}

/* ---- PROXY ---- */

TEST_FIBER(a_proxy_header_comes_first)
{
    static const struct script rows[] = {
        {"version 1", {S(HEADER MESSAGE "QUIT\r\n")}, "220, " TAKEN ", 221 2.0.0, closed", 1},
        {"version 2", {S(HEADER_2 MESSAGE "QUIT\r\n")}, "220, " TAKEN ", 221 2.0.0, closed", 1},
        {"the proxy itself", {S(LOCAL_2), S("QUIT\r\n")}, "220, 221 2.0.0, closed", 0},
        {"a client that is not known",
         {S("PROXY UNKNOWN\r\n"), S("QUIT\r\n")},
         "220, 221 2.0.0, closed",
         0},
        {"none", {S("EHLO me\r\n")}, "closed", 0},
        {"a damaged one", {S("PROXY TCP4 me you 1 2\r\nEHLO me\r\n")}, "closed", 0},
        {"the half of one", {S("PROXY TCP4 203.0.113.9")}, "closed", 0},
        {"two", {S(HEADER), S(HEADER), S("QUIT\r\n")}, "220, 500 5.5.2, 221 2.0.0, closed", 0},
        {"STARTTLS behind it",
         {S(HEADER), S("STARTTLS\r\n"), TLS, S("EHLO me\r\nQUIT\r\n")},
         "220, 220 2.0.0, 250, 221 2.0.0, closed",
         0},
    };
    scripts_run_new(init_proxy, rows, ARRAY_LEN(rows));
}

TEST_FIBER(a_proxy_header_may_come_byte_by_byte)
{
    struct world world;
    init_proxy(&world);
    struct str said = world_say_in_pieces(&world, STR(HEADER_2 MESSAGE "QUIT\r\n"), 1);
    CHECK_STR(world_codes(&world, said), STR("220, " TAKEN ", 221 2.0.0, closed"));
    CHECK_INT(world.message_count, 1);
    world_done(&world);
}

TEST_FIBER(the_client_is_the_one_in_the_header)
{
    struct world world;
    init_proxy(&world);
    world_say(&world, STR(HEADER MESSAGE "QUIT\r\n"));
    REQUIRE(world.message_count == 1);
    CHECK_STR(world_envelope(&world, 0).client_address, STR("203.0.113.9"));
    struct str content = world_content(&world, 0), story = world_story(&world, 0);
    CHECK(str_search(content, STR("[203.0.113.9]")) != SIZE_MAX);
    CHECK(str_search(content, STR("10.0.0.1")) == SIZE_MAX);
    CHECK(str_search(story, STR("client 203.0.113.9")) != SIZE_MAX);
    CHECK(str_search(story, STR("10.0.0.1 speaks for 203.0.113.9")) != SIZE_MAX);
    world_done(&world);
}

/* The one in the header may relay, the balancer may not, and cannot by saying nothing. */
TEST_FIBER(the_client_in_the_header_has_its_own_rights)
{
    static const struct script rows[] = {
        {"who may relay",
         {S(HEADER "EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@away.example>\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5",
         0},
        {"who may not",
         {S("PROXY TCP4 203.0.113.8 192.0.2.25 1 25\r\n"
            "EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@away.example>\r\n")},
         "220, 250, 250 2.1.0, 554 5.7.1",
         0},
        {"the proxy itself",
         {S(LOCAL_2 "EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@away.example>\r\n")},
         "220, 250, 250 2.1.0, 554 5.7.1",
         0},
    };
    scripts_run_new(init_proxy, rows, ARRAY_LEN(rows));
}

TEST_FIBER(who_is_no_proxy_gets_no_further_with_a_header)
{
    struct world world;
    init_proxy(&world);
    CHECK_INT(net_address_parse(STR("198.51.100.7:1"), 0, &world.client_address), OK);
    struct str said = world_say(&world, STR(HEADER MESSAGE "QUIT\r\n"));
    CHECK_STR(world_codes(&world, said), STR("220, 500 5.5.2, " TAKEN ", 221 2.0.0, closed"));
    REQUIRE(world.message_count == 1);
    CHECK_STR(world_envelope(&world, 0).client_address, STR("198.51.100.7"));
    world_done(&world);
}

TEST_FIBER(tls_may_follow_the_header_at_once)
{
    struct world world;
    init_proxy(&world);
    world.service.tls = RECEIVE_TLS_IMPLICIT;
    static const struct str steps[] = {S(HEADER "\x16"
                                                "client\n"),
                                       S("QUIT\r\n")};
    struct str said = world_talk(&world, steps, ARRAY_LEN(steps));
    struct str marker = STR("\x16"
                            "server\n");
    REQUIRE(str_starts(said, marker));
    CHECK_STR(world_codes(&world, str_from(said, marker.len)), STR("220, 221 2.0.0, closed"));
    world_done(&world);
}

static struct str hear(struct world *world, struct stream *client, uint64_t wait_ms)
{
    enum err err = stream_fill(client, loop_now_ms() + wait_ms);
    if (err)
        return err == ERR_CLOSED ? STR("closed") : STR("");
    struct str heard = arena_copy(&world->arena, stream_input(client));
    stream_consume(client, heard.len);
    return heard;
}

static struct stream *connect_saying(struct world *world, struct str first)
{
    struct stream *client = world_connect(world);
    CHECK_INT(stream_write(client, first, loop_now_ms() + 1000), OK);
    CHECK_INT(stream_flush(client, loop_now_ms() + 1000), OK);
    return client;
}

TEST_FIBER(a_proxy_that_says_nothing_is_let_go)
{
    struct world world;
    init_proxy(&world);
    uint64_t began_ms = loop_now_ms();
    struct stream *client = world_connect(&world);
    CHECK_STR(hear(&world, client, 60000), STR("closed"));
    CHECK_INT(loop_now_ms() - began_ms, 10000);
    stream_close(client);
    world_done(&world);
}

/* Those behind a balancer are limited, each by its address; the balancer is not. */
TEST_FIBER(connections_count_for_the_client_and_not_for_the_proxy)
{
    struct world world;
    init_proxy(&world);
    receive_gate_free(world.gate);
    world.gate = receive_gate_new(100, 2);
    static const struct str first[] = {S(HEADER), S(HEADER), S(LOCAL_2), S(LOCAL_2), S(LOCAL_2)};
    struct stream *clients[ARRAY_LEN(first)];
    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        clients[i] = connect_saying(&world, first[i]);
        CHECK(str_starts(hear(&world, clients[i], 1000), STR("220 ")));
    }
    struct stream *third = connect_saying(&world, STR(HEADER));
    CHECK_STR(hear(&world, third, 1000),
              STR("421 4.7.0 too many connections from your address\r\n"));
    CHECK_STR(hear(&world, third, 1000), STR("closed"));
    stream_close(third);
    stream_close(clients[0]);
    fiber_yield();
    fiber_yield();
    third = connect_saying(&world, STR(HEADER));
    CHECK(str_starts(hear(&world, third, 1000), STR("220 ")));
    stream_close(third);
    for (size_t i = 1; i < ARRAY_LEN(first); i++)
        stream_close(clients[i]);
    world_done(&world);
}

/* ---- XCLIENT ---- */

TEST_FIBER(xclient_begins_the_session_anew)
{
    static const struct script rows[] = {
        {"the usual",
         {S("EHLO proxy\r\nXCLIENT NAME=c.example ADDR=203.0.113.9\r\n" MESSAGE "QUIT\r\n")},
         "220, 250, 220, " TAKEN ", 221 2.0.0, closed",
         1},
        {"before EHLO",
         {S("XCLIENT ADDR=203.0.113.9\r\nQUIT\r\n")},
         "220, 220, 221 2.0.0, closed",
         0},
        {"a new EHLO is needed",
         {S("EHLO proxy\r\nXCLIENT ADDR=203.0.113.9\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n")},
         "220, 250, 220, 503 5.5.1, 221 2.0.0, closed",
         0},
        {"but where it gave one",
         {S("EHLO proxy\r\nXCLIENT HELO=me PROTO=ESMTP\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n")},
         "220, 250, 220, 250 2.1.0, 221 2.0.0, closed",
         0},
        {"in several commands",
         {S("XCLIENT NAME=c.example\r\nXCLIENT ADDR=203.0.113.9\r\nXCLIENT HELO=me\r\nQUIT\r\n")},
         "220, 220, 220, 220, 221 2.0.0, closed",
         0},
        {"within a transaction",
         {S(ENVELOPE "XCLIENT ADDR=203.0.113.9\r\nRSET\r\nXCLIENT ADDR=203.0.113.9\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 503 5.5.1, 250 2.0.0, 220, 221 2.0.0, closed",
         0},
        {"mistakes",
         {S("XCLIENT\r\nXCLIENT ADDR\r\nXCLIENT ADDR=x\r\nXCLIENT COLOUR=red\r\nQUIT\r\n")},
         "220, 501 5.5.4, 501 5.5.4, 501 5.5.4, 501 5.5.4, 221 2.0.0, closed",
         0},
        {"a login, which it cannot give",
         {S("XCLIENT ADDR=203.0.113.9 LOGIN=alice\r\nXCLIENT LOGIN=[UNAVAILABLE]\r\nQUIT\r\n")},
         "220, 550 5.7.0, 220, 221 2.0.0, closed",
         0},
        {"no address",
         {S("XCLIENT NAME=[TEMPUNAVAIL] ADDR=[UNAVAILABLE]\r\nQUIT\r\n")},
         "220, 501 5.5.4, 221 2.0.0, closed",
         0},
        {"in TLS",
         {S("STARTTLS\r\n"), TLS, S("EHLO me\r\nXCLIENT ADDR=203.0.113.9\r\nSTARTTLS\r\nQUIT\r\n")},
         "220, 220 2.0.0, 250, 220, 503 5.5.1, 221 2.0.0, closed",
         0},
    };
    scripts_run_new(init_xclient, rows, ARRAY_LEN(rows));
}

TEST_FIBER(the_client_is_the_one_that_xclient_names)
{
    struct world world;
    init_xclient(&world);
    world_say(&world, STR("XCLIENT ADDR=203.0.113.9 HELO=other PROTO=SMTP\r\n"
                          "MAIL FROM:<a@b.example>\r\nRCPT TO:<x@away.example>\r\n"
                          "DATA\r\n\r\ntext\r\n.\r\nQUIT\r\n"));
    REQUIRE(world.message_count == 1);
    CHECK_STR(world_envelope(&world, 0).client_address, STR("203.0.113.9"));
    CHECK_STR(world_envelope(&world, 0).client_helo, STR("other"));
    CHECK(str_search(world_content(&world, 0), STR("with SMTP id")) != SIZE_MAX);
    CHECK(str_search(world_story(&world, 0), STR("10.0.0.1 speaks for 203.0.113.9")) != SIZE_MAX);
    world_done(&world);
}

TEST_FIBER(a_story_tells_nothing_of_the_clients_before)
{
    struct world world;
    init_xclient(&world);
    static const struct str steps[] = {S("STARTTLS\r\n"), TLS,
                                       S("XCLIENT ADDR=203.0.113.9\r\n" MESSAGE
                                         "XCLIENT ADDR=203.0.113.8\r\n" MESSAGE "QUIT\r\n")};
    world_talk(&world, steps, ARRAY_LEN(steps));
    REQUIRE(world.message_count == 2);
    struct str story = world_story(&world, 1);
    CHECK(str_search(story, STR("TLSv1.3, simulated")) != SIZE_MAX);
    CHECK(str_search(story, STR("10.0.0.1 speaks for 203.0.113.8")) != SIZE_MAX);
    CHECK(str_search(story, STR("203.0.113.9")) == SIZE_MAX);
    world_done(&world);
}

TEST_FIBER(xclient_is_offered_to_whom_it_is_open)
{
    struct world world;
    init_xclient(&world);
    struct str offer =
        STR("250-XCLIENT NAME REVERSE_NAME ADDR PORT PROTO HELO DESTADDR DESTPORT\r\n");
    CHECK(str_search(world_say(&world, STR("EHLO me\r\n")), offer) != SIZE_MAX);
    /* Also behind it: the next client of the proxy. */
    struct str again = world_say(&world, STR("XCLIENT ADDR=203.0.113.9\r\nEHLO me\r\n"));
    CHECK(str_search(again, offer) != SIZE_MAX);
    CHECK_INT(net_address_parse(STR("198.51.100.7:1"), 0, &world.client_address), OK);
    CHECK(str_search(world_say(&world, STR("EHLO me\r\n")), STR("XCLIENT")) == SIZE_MAX);
    CHECK_STR(world_codes(&world, world_say(&world, STR("XCLIENT ADDR=10.0.0.1\r\nQUIT\r\n"))),
              STR("220, 550 5.7.0, 221 2.0.0, closed"));
    world_done(&world);
}

/* It is the address in the header that counts: the balancer's other clients may not. */
TEST_FIBER(xclient_behind_a_balancer_is_for_whom_the_header_names)
{
    struct world world;
    init_proxy(&world);
    world.service.xclient_from = &ranges[1];
    world.service.xclient_from_count = 1;
    CHECK_STR(world_codes(&world, world_say(&world, STR(HEADER "XCLIENT ADDR=192.0.2.7\r\n"))),
              STR("220, 220"));
    CHECK_STR(world_codes(&world, world_say(&world, STR(LOCAL_2 "XCLIENT ADDR=192.0.2.7\r\n"))),
              STR("220, 550 5.7.0"));
    world_done(&world);
}

TEST_FIBER(a_login_does_not_outlive_xclient)
{
    struct world world;
    world_init_submission(&world);
    believe(&world);
    world.service.xclient_from = ranges;
    world.service.xclient_from_count = 1;
    struct str said = world_say(&world, STR("EHLO me\r\nAUTH PLAIN AHRlc3R1c2VyAHRlc3RwYXNz\r\n"
                                            "XCLIENT ADDR=203.0.113.9\r\nEHLO me\r\n"
                                            "MAIL FROM:<alice@local.example>\r\nQUIT\r\n"));
    CHECK_STR(world_codes(&world, said),
              STR("220, 250, 235 2.7.0, 220, 250, 530 5.7.0, 221 2.0.0, closed"));
    world_done(&world);
}

TEST_FIBER(connections_count_for_whom_xclient_names)
{
    struct world world;
    init_xclient(&world);
    receive_gate_free(world.gate);
    world.gate = receive_gate_new(100, 1);
    struct stream *clients[2];
    for (size_t i = 0; i < 2; i++) {
        clients[i] = world_connect(&world);
        CHECK(str_starts(hear(&world, clients[i], 1000), STR("220 ")));
    }
    struct stream *first = connect_saying(&world, STR("XCLIENT ADDR=203.0.113.9\r\n"));
    CHECK_STR(world_codes(&world, hear(&world, first, 1000)), STR("220"));
    CHECK_STR(world_codes(&world, hear(&world, first, 1000)), STR("220"));
    CHECK_STR(world_codes(&world, world_say(&world, STR("XCLIENT ADDR=203.0.113.9\r\n"))),
              STR("220, 421 4.7.0, closed"));
    for (size_t i = 0; i < 2; i++)
        stream_close(clients[i]);
    stream_close(first);
    world_done(&world);
}

int main(void)
{
    RUN(a_proxy_header_comes_first);
    RUN(a_proxy_header_may_come_byte_by_byte);
    RUN(the_client_is_the_one_in_the_header);
    RUN(the_client_in_the_header_has_its_own_rights);
    RUN(who_is_no_proxy_gets_no_further_with_a_header);
    RUN(tls_may_follow_the_header_at_once);
    RUN(a_proxy_that_says_nothing_is_let_go);
    RUN(connections_count_for_the_client_and_not_for_the_proxy);
    RUN(xclient_begins_the_session_anew);
    RUN(the_client_is_the_one_that_xclient_names);
    RUN(a_story_tells_nothing_of_the_clients_before);
    RUN(xclient_is_offered_to_whom_it_is_open);
    RUN(xclient_behind_a_balancer_is_for_whom_the_header_names);
    RUN(a_login_does_not_outlive_xclient);
    RUN(connections_count_for_whom_xclient_names);
    return test_summary();
}
