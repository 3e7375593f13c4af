/* What ends a session or stands in its way: time, the server's stop, the disk, the network. And
 * what a message carries from it. */
#include "script.h"

#define ENVELOPE "EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@local.example>\r\n"
#define ACCEPTED "220, 250, 250 2.1.0, 250 2.1.5, "
#define MESSAGE  ENVELOPE "DATA\r\nFrom: a@b.example\r\n\r\ntext\r\n.\r\n"

/* All that the server says until the connection ends. */
static struct str hear_all(struct world *world, struct stream *client)
{
    struct buf heard = buf_make(1 << 16);
    enum err err;
    do {
        err = stream_fill(client, loop_now_ms() + 10 * 3600 * 1000);
        buf_add_cut(&heard, stream_input(client));
        stream_consume(client, stream_input(client).len);
    } while (!err);
    buf_add_cut(&heard, err == ERR_CLOSED ? STR("closed\r\n") : STR(""));
    struct str all = arena_copy(&world->arena, buf_str(&heard));
    buf_free(&heard);
    return all;
}

static void send_to(struct stream *client, struct str bytes)
{
    uint64_t deadline_ms = loop_now_ms() + 1000;
    enum err err = stream_write(client, bytes, deadline_ms);
    if (!err)
        err = stream_flush(client, deadline_ms);
    CHECK_INT(err, OK);
}

/* ---- time ---- */

TEST_FIBER(a_silent_client_is_told_and_let_go)
{
    static const struct {
        const char *about, *said, *codes;
        uint64_t after_ms;
    } rows[] = {
        {"after the banner", "", "220, 421 4.4.2, closed", 300000},
        {"within a line", "EHLO m", "220, 421 4.4.2, closed", 300000},
        {"within a transaction", ENVELOPE, ACCEPTED "421 4.4.2, closed", 300000},
        {"within content", ENVELOPE "DATA\r\nabc", ACCEPTED "354, 421 4.4.2, closed", 180000},
        {"within a chunk", ENVELOPE "BDAT 10\r\nabc", ACCEPTED "421 4.4.2, closed", 180000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world world;
        world_init(&world);
        uint64_t began_ms = loop_now_ms();
        struct stream *client = world_connect(&world);
        if (rows[i].said[0])
            send_to(client, str_of(rows[i].said));
        CHECK_STR(world_codes(&world, hear_all(&world, client)), str_of(rows[i].codes));
        CHECK_ROW(rows[i].about, loop_now_ms() - began_ms == rows[i].after_ms);
        stream_close(client);
        CHECK_INT(world.message_count, 0);
        world_done(&world);
    }
}

/* A byte a minute keeps nobody's session for ever: a line has one deadline, and so has content. */
TEST_FIBER(a_slow_client_cannot_stay)
{
    static const struct {
        const char *about, *said, *codes;
        uint64_t at_most_ms;
    } rows[] = {
        {"in a command", "NOOP ", "220, 421 4.4.2, closed", 5 * 60 * 1000},
        {"in content", ENVELOPE "DATA\r\n", ACCEPTED "354, 421 4.4.2, closed", 60 * 60 * 1000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world world;
        world_init(&world);
        uint64_t began_ms = loop_now_ms();
        struct stream *client = world_connect(&world);
        send_to(client, str_of(rows[i].said));
        enum err err = OK;
        for (size_t n = 0; n < 1000 && !err; n++) {
            CHECK_INT(fiber_sleep_until(loop_now_ms() + 60000), OK);
            err = stream_write(client, STR("x"), loop_now_ms() + 1000);
            if (!err)
                err = stream_flush(client, loop_now_ms() + 1000);
        }
        CHECK_ROW(rows[i].about, loop_now_ms() - began_ms <= rows[i].at_most_ms + 120000);
        CHECK_STR(world_codes(&world, hear_all(&world, client)), str_of(rows[i].codes));
        stream_close(client);
        world_done(&world);
    }
}

TEST_FIBER(idle_clients_are_let_go_sooner_when_connections_are_scarce)
{
    struct world world;
    world_init(&world);
    receive_gate_free(world.gate);
    world.gate = receive_gate_new(4, 4);
    struct stream *clients[4];
    uint64_t began_ms = loop_now_ms();
    for (size_t i = 0; i < 4; i++)
        clients[i] = world_connect(&world);
    for (size_t i = 0; i < 4; i++)
        CHECK_STR(world_codes(&world, hear_all(&world, clients[i])), STR("220, 421 4.4.2, closed"));
    CHECK(loop_now_ms() - began_ms == 300000);
    for (size_t i = 0; i < 4; i++)
        stream_close(clients[i]);

    began_ms = loop_now_ms();
    for (size_t i = 0; i < 4; i++)
        clients[i] = world_connect(&world);
    fiber_yield();
    fiber_yield();
    for (size_t i = 0; i < 4; i++)
        send_to(clients[i], STR("NOOP\r\n")); /* the next wait knows how many there are */
    for (size_t i = 0; i < 4; i++)
        hear_all(&world, clients[i]);
    CHECK(loop_now_ms() - began_ms == 30000);
    for (size_t i = 0; i < 4; i++)
        stream_close(clients[i]);
    world_done(&world);
}

/* ---- the server stops ---- */

TEST_FIBER(a_draining_server_ends_sessions_between_commands)
{
    static const struct {
        const char *about, *said, *more, *codes;
        size_t messages;
    } rows[] = {
        {"at rest", ENVELOPE, "", ACCEPTED "421 4.3.2, closed", 0},
        {"within content, which is read to its end", ENVELOPE "DATA\r\n\r\n", "text\r\n.\r\n",
         ACCEPTED "354, 250 2.0.0, 421 4.3.2, closed", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world world;
        world_init(&world);
        struct stream *client = world_connect(&world);
        send_to(client, str_of(rows[i].said));
        CHECK_INT(fiber_sleep_until(loop_now_ms() + 10), OK);
        fiber_group_drain(&world.servers);
        if (rows[i].more[0])
            send_to(client, str_of(rows[i].more));
        struct str said = hear_all(&world, client);
        CHECK_STR(world_codes(&world, said), str_of(rows[i].codes));
        CHECK(str_search(said, STR("421 4.3.2 mx.local.example is going down\r\n")) != SIZE_MAX);
        CHECK_ROW(rows[i].about, world.message_count == rows[i].messages);
        stream_close(client);
        world_done(&world);
    }
}

TEST_FIBER(a_cancelled_session_says_goodbye_and_forgets_its_message)
{
    struct world world;
    world_init(&world);
    struct stream *client = world_connect(&world);
    send_to(client, STR(ENVELOPE "DATA\r\n\r\ntext"));
    CHECK_INT(fiber_sleep_until(loop_now_ms() + 10), OK);
    fiber_group_cancel(&world.servers);
    CHECK_STR(world_codes(&world, hear_all(&world, client)),
              STR(ACCEPTED "354, 421 4.3.2, closed"));
    CHECK_INT(world.message_count, 0);
    stream_close(client);
    world_done(&world);
}

/* ---- the disk ---- */

TEST_FIBER(a_disk_that_refuses_is_a_reason_to_try_again)
{
    static const struct {
        const char *about;
        enum err err;
        const char *codes;
    } rows[] = {
        {"no room", ERR_FULL, ACCEPTED "354, 452 4.3.1, 221 2.0.0, closed"},
        {"a broken disk", ERR_IO, ACCEPTED "354, 451 4.3.0, 221 2.0.0, closed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world world;
        world_init(&world);
        world_say(&world, STR(MESSAGE "QUIT\r\n"));
        CHECK_INT(world.message_count, 1);
        disk_memory_fail(world.disk, 1, rows[i].err);
        struct str said = world_say(&world, STR(MESSAGE "QUIT\r\n"));
        CHECK_STR(world_codes(&world, said), str_of(rows[i].codes));
        CHECK_ROW(rows[i].about, world.message_count == 1);
        disk_memory_fail(world.disk, 0, OK);
        world_done(&world);
    }
}

/* More than a draft holds in memory goes to a file, for which there is no room. */
TEST_FIBER(content_that_finds_no_room_is_read_to_its_end_and_then_refused)
{
    static char body[90000];
    memset(body, 'x', sizeof body);
    const struct str steps[] = {S(ENVELOPE "DATA\r\n\r\n"),
                                {body, sizeof body},
                                S("\r\n.\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n")};
    struct world world;
    world_init(&world);
    world_say(&world, STR(MESSAGE "QUIT\r\n"));
    disk_memory_set_capacity(world.disk, 0);
    CHECK_STR(world_codes(&world, world_talk(&world, steps, 3)),
              STR(ACCEPTED "354, 452 4.3.1, 250 2.1.0, 221 2.0.0, closed"));
    CHECK_INT(world.message_count, 1);
    disk_memory_set_capacity(world.disk, (uint64_t)1 << 30);
    CHECK_STR(world_codes(&world, world_talk(&world, steps, 3)),
              STR(ACCEPTED "354, 250 2.0.0, 250 2.1.0, 221 2.0.0, closed"));
    CHECK_INT(world.message_count, 2);
    world_done(&world);
}

/* ---- the network ---- */

static struct str deliver_over(struct world *world, struct network_faults faults)
{
    network_memory_set_faults(world->network, faults);
    struct str said = world_say(world, STR(MESSAGE MESSAGE "QUIT\r\n"));
    network_memory_set_faults(world->network, network_faults_none());
    return said;
}

/* A client that hears 250 may forget its message, so we must have it; one that hears nothing must
 * find none, or one that it sends again. Never a part of one. */
TEST_FIBER(a_connection_may_break_at_every_byte)
{
    struct world world;
    world_init(&world);
    size_t bytes =
        deliver_over(&world, network_faults_none()).len + strlen(MESSAGE MESSAGE "QUIT\r\n");
    world_done(&world);
    for (uint64_t at = 0; at <= bytes; at++) {
        world_init(&world);
        struct str said = deliver_over(&world, (struct network_faults){.break_after_bytes = at});
        size_t confirmed = 0;
        for (size_t i = 0; (i = str_search(said, STR("250 2.0.0 Ok: queued"))) != SIZE_MAX;) {
            confirmed++;
            said = str_from(said, i + 1);
        }
        CHECK(world.message_count >= confirmed);
        for (size_t i = 0; i < world.message_count; i++) {
            CHECK(str_ends(world_content(&world, i), STR("From: a@b.example\r\n\r\ntext\r\n")));
            for (size_t j = 0; j < i; j++)
                CHECK(world.messages[i].id != world.messages[j].id);
        }
        CHECK(world.message_count <= 2);
        world_done(&world);
    }
}

/* The same, but the client goes in order, before it has said all. */
TEST_FIBER(a_client_may_go_after_every_byte)
{
    struct str all = STR(MESSAGE);
    for (size_t at = 0; at < all.len; at++) {
        struct world world;
        world_init(&world);
        struct stream *client = world_connect(&world);
        if (at)
            send_to(client, str_first(all, at));
        stream_close(client);
        CHECK_INT(fiber_sleep_until(loop_now_ms() + 10), OK);
        CHECK_INT(world.message_count, 0);
        world_done(&world);
    }
}

TEST_FIBER(tls_that_ends_within_a_chunk_ends_the_session)
{
    struct world world;
    world_init(&world);
    static const struct script scripts[] = {
        {"and nothing in clear is read behind it",
         {S("EHLO me\r\nSTARTTLS\r\n"), TLS, S(ENVELOPE "BDAT 100\r\nab")},
         "220, 250, 220 2.0.0, 250, 250 2.1.0, 250 2.1.5",
         0},
    };
    scripts_run(&world, scripts, ARRAY_LEN(scripts));
    world_done(&world);
}

/* ---- what a message carries ---- */

TEST_FIBER(mx_says_from_whom_and_for_whom)
{
    struct world world;
    world_init(&world);
    world_say(&world, STR(MESSAGE "QUIT\r\n"));
    REQUIRE(world.message_count == 1);
    struct spool_id_text id = spool_id_print(world.messages[0].id);
    struct str want =
        arena_printf(&world.arena,
                     "Received: from me ([198.51.100.7]) by mx.local.example with ESMTP id\r\n"
                     "\t%s for <alice@local.example>;",
                     id.at);
    struct str content = world_content(&world, 0);
    CHECK_STR(str_first(content, want.len), want);
    CHECK(str_ends(content, STR("+0000\r\nFrom: a@b.example\r\n\r\ntext\r\n")));

    struct spool_envelope envelope = world_envelope(&world, 0);
    CHECK_STR(envelope.sender, STR("a@b.example"));
    CHECK_STR(envelope.client_address, STR("198.51.100.7"));
    CHECK_STR(envelope.client_helo, STR("me"));
    CHECK_STR(envelope.service, STR("test"));
    CHECK_STR(envelope.account, STR(""));
    struct str story = world_story(&world, 0);
    CHECK(str_search(story, STR("198.51.100.7")) != SIZE_MAX);
    CHECK(str_search(story, STR("RCPT TO:<alice@local.example>")) != SIZE_MAX);
    world_done(&world);
}

TEST_FIBER(several_recipients_do_not_learn_of_each_other)
{
    struct world world;
    world_init(&world);
    world_say(&world,
              STR(ENVELOPE "RCPT TO:<bob@local.example>\r\nRCPT TO:<alice@LOCAL.example>\r\n"
                           "DATA\r\n\r\n.\r\nQUIT\r\n"));
    REQUIRE(world.message_count == 1);
    struct str content = world_content(&world, 0);
    CHECK(str_search(content, STR("alice")) == SIZE_MAX);
    CHECK(str_search(content, STR("bob")) == SIZE_MAX);
    CHECK_INT(world_envelope(&world, 0).recipient_count, 2); /* and nobody gets it twice */
    world_done(&world);
}

#define SUBMIT                                                         \
    "EHLO secret.home\r\nAUTH PLAIN AHRlc3R1c2VyAHRlc3RwYXNz\r\nMAIL " \
    "FROM:<alice@local.example>\r\n"                                   \
    "RCPT TO:<x@other.example>\r\nDATA\r\n"

TEST_FIBER(submission_hides_where_people_sit_and_completes_their_messages)
{
    struct world world;
    world_init_submission(&world);
    world_say(&world, STR(SUBMIT "Subject: x\r\n\r\n.\r\nQUIT\r\n"));
    world_say(&world, STR(SUBMIT "DATE: x\r\nmessage-id : y\r\n\r\n.\r\nQUIT\r\n"));
    world.service.received_full = true;
    world_say(&world, STR(SUBMIT "\r\n.\r\nQUIT\r\n"));
    REQUIRE(world.message_count == 3);

    struct str content = world_content(&world, 0);
    CHECK(str_search(content, STR("198.51.100.7")) == SIZE_MAX);
    CHECK(str_search(content, STR("secret.home")) == SIZE_MAX);
    CHECK(str_search(content, STR("testuser")) == SIZE_MAX);
    CHECK(str_search(content, STR("with ESMTPA id")) != SIZE_MAX);
    CHECK(str_search(content, STR("\r\nDate: ")) != SIZE_MAX);
    struct spool_id_text id = spool_id_print(world.messages[0].id);
    struct str message_id = arena_printf(
        &world.arena, "\r\nMessage-ID: <%s@mx.local.example>\r\nSubject: x\r\n", id.at);
    CHECK(str_search(content, message_id) != SIZE_MAX);

    content = world_content(&world, 1);
    CHECK(str_search(content, STR("\r\nDate: ")) == SIZE_MAX);
    CHECK(str_search(content, STR("\r\nMessage-ID: ")) == SIZE_MAX);

    content = world_content(&world, 2);
    CHECK(str_starts(content, STR("Received: from secret.home ([198.51.100.7]) by ")));
    world_done(&world);
}

TEST_FIBER(the_envelope_keeps_what_reports_will_need)
{
    struct world world;
    world_init(&world);
    world_say(&world,
              STR("EHLO me\r\nMAIL FROM:<a@b.example> RET=HDRS ENVID=a+2Bb BODY=8BITMIME\r\n"
                  "RCPT TO:<bob@local.example> NOTIFY=FAILURE,DELAY "
                  "ORCPT=rfc822;b+2Bc@x.example\r\n"
                  "RCPT TO:<list@local.example>\r\nDATA\r\n\r\n.\r\nQUIT\r\n"));
    REQUIRE(world.message_count == 1);
    struct spool_envelope envelope = world_envelope(&world, 0);
    CHECK_STR(envelope.envelope_id, STR("a+b"));
    CHECK_INT(envelope.returns, SPOOL_RETURN_HEADERS);
    CHECK(envelope.body_8bit);
    REQUIRE(envelope.recipient_count == 3);
    CHECK_STR(envelope.recipients[0].address, STR("bob@local.example"));
    CHECK_STR(envelope.recipients[0].original, STR("rfc822;b+c@x.example"));
    CHECK_INT(envelope.recipients[0].notify, SPOOL_NOTIFY_FAILURE | SPOOL_NOTIFY_DELAY);
    CHECK_STR(envelope.recipients[1].original, STR("rfc822;list@local.example"));
    CHECK_STR(envelope.recipients[2].address, STR("far@away.example"));
    world_done(&world);
}

TEST_FIBER(a_story_has_the_connection_and_its_own_transaction)
{
    struct world world;
    world_init(&world);
    world_say(&world,
              STR("EHLO me\r\nMAIL FROM:<first@b.example>\r\nRCPT TO:<alice@local.example>\r\n"
                  "DATA\r\n\r\n.\r\nMAIL FROM:<second@b.example>\r\n"
                  "RCPT TO:<bob@local.example>\r\nDATA\r\n\r\n.\r\nQUIT\r\n"));
    REQUIRE(world.message_count == 2);
    struct str first = world_story(&world, 0), second = world_story(&world, 1);
    CHECK(str_search(first, STR("EHLO me")) != SIZE_MAX);
    CHECK(str_search(first, STR("first@b.example")) != SIZE_MAX);
    CHECK(str_search(first, STR("second@b.example")) == SIZE_MAX);
    CHECK(str_search(second, STR("EHLO me")) != SIZE_MAX);
    CHECK(str_search(second, STR("first@b.example")) == SIZE_MAX);
    CHECK(str_search(second, STR("second@b.example")) != SIZE_MAX);
    world_done(&world);
}

int main(void)
{
    RUN(a_silent_client_is_told_and_let_go);
    RUN(a_slow_client_cannot_stay);
    RUN(idle_clients_are_let_go_sooner_when_connections_are_scarce);
    RUN(a_draining_server_ends_sessions_between_commands);
    RUN(a_cancelled_session_says_goodbye_and_forgets_its_message);
    RUN(a_disk_that_refuses_is_a_reason_to_try_again);
    RUN(content_that_finds_no_room_is_read_to_its_end_and_then_refused);
    RUN(a_connection_may_break_at_every_byte);
    RUN(a_client_may_go_after_every_byte);
    RUN(tls_that_ends_within_a_chunk_ends_the_session);
    RUN(mx_says_from_whom_and_for_whom);
    RUN(several_recipients_do_not_learn_of_each_other);
    RUN(submission_hides_where_people_sit_and_completes_their_messages);
    RUN(the_envelope_keeps_what_reports_will_need);
    RUN(a_story_has_the_connection_and_its_own_transaction);
    return test_summary();
}
