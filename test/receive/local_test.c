/* The submit socket: who connects is known by the kernel, and may send what programs of the host
 * send. */
#include "script.h"

#include <unistd.h>

#define HELLO  "EHLO host\r\n"
#define OPENED "220, 250, "
#define END    "221 2.0.0, closed"

TEST_FIBER(programs_of_this_host_need_no_login)
{
    static const struct script scripts[] = {
        {"to a local user and to anybody elsewhere, as anybody",
         {S(HELLO "MAIL FROM:<x@bank.example>\r\nRCPT TO:<alice@local.example>\r\n"
                  "RCPT TO:<x@other.example>\r\nDATA\r\n"),
          S("From: x@bank.example, y@other.example\r\n\r\n.\r\nQUIT\r\n")},
         OPENED "250 2.1.0, 250 2.1.5, 250 2.1.5, 354, 250 2.0.0, " END,
         1},
        {"as nobody",
         {S(HELLO "MAIL FROM:<>\r\nRCPT TO:<alice@local.example>\r\nQUIT\r\n")},
         OPENED "250 2.1.0, 250 2.1.5, " END,
         0},
        {"local users are checked, and no literals",
         {S(HELLO "MAIL FROM:<>\r\nRCPT TO:<nobody@local.example>\r\nRCPT TO:<x@[127.0.0.1]>\r\n"
                  "QUIT\r\n")},
         OPENED "250 2.1.0, 550 5.1.1, 550 5.1.2, " END,
         0},
        {"neither AUTH nor STARTTLS",
         {S(HELLO "AUTH PLAIN AHRlc3R1c2VyAHRlc3RwYXNz\r\nSTARTTLS\r\nQUIT\r\n")},
         OPENED "502 5.5.1, 502 5.5.1, " END,
         0},
    };
    scripts_run_new(world_init_local, scripts, ARRAY_LEN(scripts));
}

TEST_FIBER(the_uid_is_kept_and_not_sent_on)
{
    struct world world;
    world_init_local(&world);
    world.service.received_full = true;
    world_say(&world, STR(HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@local.example>\r\n"
                                "DATA\r\nFrom: a@b.example\r\n\r\n.\r\nQUIT\r\n"));
    REQUIRE(world.message_count == 1);
    struct str uid = arena_printf(&world.arena, "uid %u", (unsigned)getuid());
    struct spool_envelope envelope = world_envelope(&world, 0);
    CHECK_STR(envelope.account, uid);
    CHECK_STR(envelope.service, STR("test"));
    struct str content = world_content(&world, 0);
    CHECK(str_starts(content, STR("Received: by mx.local.example with ESMTPA id ")));
    CHECK(str_search(content, uid) == SIZE_MAX);
    CHECK(str_search(content, STR("Message-ID: <")) != SIZE_MAX);
    CHECK(str_search(content, STR("Date: ")) != SIZE_MAX);
    CHECK(str_search(world_story(&world, 0), uid) != SIZE_MAX);
    world_done(&world);
}

TEST_FIBER(the_domain_for_short_addresses_is_announced_there_alone)
{
    struct world world;
    world_init_local(&world);
    CHECK(str_search(world_say(&world, STR(HELLO "QUIT\r\n")), STR("XDOMAIN local.example\r\n")) !=
          SIZE_MAX);
    world_done(&world);
    world_init(&world);
    CHECK(str_search(world_say(&world, STR(HELLO "QUIT\r\n")), STR("XDOMAIN")) == SIZE_MAX);
    world_done(&world);
}

TEST_FIBER(who_is_not_known_may_nothing)
{
    struct world world;
    world_init(&world);
    world.service.kind = RECEIVE_LOCAL;
    world.service.senders = RECEIVE_SENDERS_ANY;
    static const struct script scripts[] = {
        {"not through a UNIX socket",
         {S(HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@local.example>\r\nQUIT\r\n")},
         OPENED "530 5.7.0, 503 5.5.1, " END,
         0},
    };
    scripts_run(&world, scripts, ARRAY_LEN(scripts));
    world_done(&world);
}

int main(void)
{
    RUN(programs_of_this_host_need_no_login);
    RUN(the_uid_is_kept_and_not_sent_on);
    RUN(the_domain_for_short_addresses_is_announced_there_alone);
    RUN(who_is_not_known_may_nothing);
    return test_summary();
}
