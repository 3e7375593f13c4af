/* Who may send what: no open relay by any trick, and nobody in the name of another. */
#include "script.h"

#define HELLO  "EHLO me\r\n"
#define MAIL   HELLO "MAIL FROM:<a@b.example>\r\n"
#define LOGIN  HELLO "AUTH PLAIN AHRlc3R1c2VyAHRlc3RwYXNz\r\n" /* testuser, testpass */
#define OPENED "220, 250, 250 2.1.0, "
#define LOGGED "220, 250, 235 2.7.0, "
#define END    "221 2.0.0, closed"

TEST_FIBER(mx_relays_for_nobody)
{
    static const struct script scripts[] = {
        {"a foreign recipient",
         {S(MAIL "RCPT TO:<x@other.example>\r\nQUIT\r\n")},
         OPENED "554 5.7.1, " END,
         0},
        {"the percent hack",
         {S(MAIL "RCPT TO:<x%other.example@local.example>\r\nQUIT\r\n")},
         OPENED "550 5.1.1, " END,
         0},
        {"a bang path",
         {S(MAIL "RCPT TO:<other.example!x@local.example>\r\nQUIT\r\n")},
         OPENED "550 5.1.1, " END,
         0},
        {"a bang path without a domain",
         {S(MAIL "RCPT TO:<other.example!x>\r\nQUIT\r\n")},
         OPENED "501 5.1.3, " END,
         0},
        {"a source route",
         {S(MAIL "RCPT TO:<@local.example:x@other.example>\r\nQUIT\r\n")},
         OPENED "554 5.7.1, " END,
         0},
        {"a source route that ends here is ignored, as RFC 5321 says",
         {S(MAIL "RCPT TO:<@other.example:alice@local.example>\r\nQUIT\r\n")},
         OPENED "250 2.1.5, " END,
         0},
        {"an address quoted into a local part",
         {S(MAIL "RCPT TO:<\"x@other.example\"@local.example>\r\nQUIT\r\n")},
         OPENED "550 5.1.1, " END,
         0},
        {"two at signs",
         {S(MAIL "RCPT TO:<x@local.example@other.example>\r\nQUIT\r\n")},
         OPENED "501 5.1.3, " END,
         0},
        {"two addresses in one path",
         {S(MAIL "RCPT TO:<alice@local.example,x@other.example>\r\nQUIT\r\n")},
         OPENED "501 5.1.3, " END,
         0},
        {"two paths",
         {S(MAIL "RCPT TO:<alice@local.example><x@other.example>\r\nQUIT\r\n")},
         OPENED "501 5.5.4, " END,
         0},
        {"an address literal",
         {S(MAIL "RCPT TO:<x@[192.0.2.1]>\r\nQUIT\r\n")},
         OPENED "554 5.7.1, " END,
         0},
        {"an address literal of IPv6",
         {S(MAIL "RCPT TO:<x@[IPv6:2001:db8::1]>\r\nQUIT\r\n")},
         OPENED "554 5.7.1, " END,
         0},
        {"our own loopback",
         {S(MAIL "RCPT TO:<x@[127.0.0.1]>\r\nQUIT\r\n")},
         OPENED "554 5.7.1, " END,
         0},
        {"a domain that ends like ours",
         {S(MAIL "RCPT TO:<x@evil-local.example>\r\nQUIT\r\n")},
         OPENED "554 5.7.1, " END,
         0},
        {"a subdomain of ours",
         {S(MAIL "RCPT TO:<alice@x.local.example>\r\nQUIT\r\n")},
         OPENED "554 5.7.1, " END,
         0},
        {"a port behind the domain",
         {S(MAIL "RCPT TO:<alice@local.example:25>\r\nQUIT\r\n")},
         OPENED "501 5.1.3, " END,
         0},
        {"a local sender opens nothing",
         {S(HELLO "MAIL FROM:<alice@local.example>\r\nRCPT TO:<x@other.example>\r\nQUIT\r\n")},
         OPENED "554 5.7.1, " END,
         0},
        {"our own name in EHLO opens nothing",
         {S("EHLO mx.local.example\r\nMAIL FROM:<>\r\nRCPT TO:<x@other.example>\r\nQUIT\r\n")},
         OPENED "554 5.7.1, " END,
         0},
        {"an alias may lead elsewhere, for its owner said so",
         {S(MAIL "RCPT TO:<list@local.example>\r\nQUIT\r\n")},
         OPENED "250 2.1.5, " END,
         0},
        {"an unknown user",
         {S(MAIL "RCPT TO:<nobody@local.example>\r\nQUIT\r\n")},
         OPENED "550 5.1.1, " END,
         0},
    };
    scripts_run_new(world_init, scripts, ARRAY_LEN(scripts));
}

/* Where every local part is a user, the tricks are names of mailboxes and nothing else. */
TEST_FIBER(tricks_in_a_local_part_are_taken_literally)
{
    static const struct {
        const char *path, *address;
    } rows[] = {
        {"x%other.example@open.example", "x%other.example@open.example"},
        {"other.example!x@open.example", "other.example!x@open.example"},
        {"\"x@other.example\"@open.example", "\"x@other.example\"@open.example"},
        {"@other.example:x@open.example", "x@open.example"},
    };
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str envelope = arena_printf(
            &world.arena, MAIL "RCPT TO:<%s>\r\nDATA\r\n\r\n.\r\nQUIT\r\n", rows[i].path);
        world_say(&world, envelope);
        REQUIRE(world.message_count == i + 1);
        struct spool_envelope taken = world_envelope(&world, i);
        CHECK_INT(taken.recipient_count, 1);
        CHECK_STR(taken.recipients[0].address, str_of(rows[i].address));
    }
    world_done(&world);
}

/* The address that a message of `sender` left with by an alias of local.example. */
static struct str rewritten(struct world *world, struct mail_address sender, int64_t wall_us)
{
    struct mail_address ours;
    CHECK(
        srs_rewrite(&world->srs_key, wall_us, &sender, STR("local.example"), &world->arena, &ours));
    return mail_address_text(&world->arena, &ours);
}

TEST_FIBER(what_is_said_to_a_sender_of_forwarded_mail_goes_to_whose_it_is)
{
    struct world world;
    world_init(&world);
    struct mail_address joe = {STR("Joe"), STR("other.example"), false};
    struct str ours = rewritten(&world, joe, clock_wall_us(world.clock));
    world_say(&world, arena_printf(&world.arena,
                                   HELLO "MAIL FROM:<>\r\nRCPT TO:<%.*s>\r\nDATA\r\n\r\n.\r\n"
                                         "QUIT\r\n",
                                   STR_FMT(ours)));
    REQUIRE(world.message_count == 1);
    struct spool_envelope taken = world_envelope(&world, 0);
    CHECK_INT(taken.recipient_count, 1);
    CHECK_STR(taken.recipients[0].address, STR("Joe@other.example"));
    CHECK_STR(taken.recipients[0].original,
              arena_printf(&world.arena, "rfc822;%.*s", STR_FMT(ours)));
    world_done(&world);
}

/* One byte changed, cut off or added anywhere, in any domain: nothing is opened. */
TEST_FIBER(no_sender_of_forwarded_mail_can_be_made_up)
{
    struct world world;
    world_init(&world);
    int64_t now_us = clock_wall_us(world.clock), day_us = (int64_t)86400 * 1000000;
    struct mail_address joe = {STR("joe"), STR("other.example"), false};
    struct str ours = rewritten(&world, joe, now_us);
    struct str local = str_first(ours, str_find_last(ours, '@'));
    struct str old = rewritten(&world, joe, now_us - (SRS_VALID_DAYS + 1) * day_us);
    const struct {
        const char *about;
        struct str path;
        const char *code;
    } rows[] = {
        {"another victim",
         arena_printf(&world.arena, "%.*svictim@local.example", STR_FMT(str_first(local, 29))),
         "550 5.1.1"},
        {"a longer one", arena_printf(&world.arena, "%.*sx@local.example", STR_FMT(local)),
         "550 5.1.1"},
        {"a shorter code",
         arena_printf(&world.arena, "SRS0=%.*s@local.example", STR_FMT(str_from(local, 6))),
         "550 5.1.1"},
        {"another domain of ours", arena_printf(&world.arena, "%.*s@open.example", STR_FMT(local)),
         "550 5.1.1"},
        {"another domain", arena_printf(&world.arena, "%.*s@other.example", STR_FMT(local)),
         "554 5.7.1"},
        {"a quoted address behind it",
         arena_printf(&world.arena, "\"%.*s@other.example\"@local.example", STR_FMT(local)),
         "550 5.1.1"},
        {"as the other kind",
         arena_printf(&world.arena, "SRS1%.*s@local.example", STR_FMT(str_from(local, 4))),
         "550 5.1.1"},
        {"a guess", STR("SRS0=AAAAAA=AA=other.example=joe@local.example"), "550 5.1.1"},
        {"a guess of the other kind", STR("SRS1=AAAAAAAA=other.example==x@local.example"),
         "550 5.1.1"},
        {"where everybody is a user", STR("SRS0=AAAAAA=AA=other.example=joe@open.example"),
         "550 5.1.1"},
        {"one that has expired", old, "550 5.1.1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str said =
            world_say(&world, arena_printf(&world.arena, MAIL "RCPT TO:<%.*s>\r\nQUIT\r\n",
                                           STR_FMT(rows[i].path)));
        struct str want = arena_printf(&world.arena, OPENED "%s, " END, rows[i].code);
        CHECK_STR(world_codes(&world, said), want);
        CHECK_ROW(rows[i].about, str_eq(world_codes(&world, said), want));
    }
    world_done(&world);
}

TEST_FIBER(relay_from_opens_mx_for_its_clients_alone)
{
    static const struct {
        const char *client, *codes;
    } rows[] = {
        {"192.0.2.15:1", OPENED "250 2.1.5, 550 5.1.1, 550 5.1.2, " END},
        {"192.0.2.16:1", OPENED "554 5.7.1, 550 5.1.1, 554 5.7.1, " END},
        {"[2001:db8::7]:1", OPENED "250 2.1.5, 550 5.1.1, 550 5.1.2, " END},
        {"[2001:db9::7]:1", OPENED "554 5.7.1, 550 5.1.1, 554 5.7.1, " END},
    };
    struct net_range ranges[2];
    struct world world;
    world_init(&world);
    CHECK_INT(net_range_parse(STR("192.0.2.0/28"), &ranges[0]), OK);
    CHECK_INT(net_range_parse(STR("2001:db8::/32"), &ranges[1]), OK);
    world.service.relay_from = ranges;
    world.service.relay_from_count = ARRAY_LEN(ranges);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(net_address_parse(str_of(rows[i].client), 0, &world.client_address), OK);
        struct str said = world_say(&world, STR(MAIL "RCPT TO:<x@other.example>\r\n"
                                                     "RCPT TO:<nobody@local.example>\r\n"
                                                     "RCPT TO:<x@[192.0.2.1]>\r\nQUIT\r\n"));
        CHECK_STR(world_codes(&world, said), str_of(rows[i].codes));
    }
    world_done(&world);
}

/* ---- submission ---- */

TEST_FIBER(submission_is_for_who_is_logged_in)
{
    static const struct script scripts[] = {
        {"not logged in",
         {S(HELLO "MAIL FROM:<alice@local.example>\r\nRCPT TO:<alice@local.example>\r\nQUIT\r\n")},
         "220, 250, 530 5.7.0, 503 5.5.1, " END,
         0},
        {"logged in, to anybody",
         {S(LOGIN "MAIL FROM:<alice@local.example>\r\nRCPT TO:<x@other.example>\r\nDATA\r\n"),
          S("From: alice@local.example\r\n\r\n.\r\nQUIT\r\n")},
         LOGGED "250 2.1.0, 250 2.1.5, 354, 250 2.0.0, " END,
         1},
        {"logged in, but local users are checked",
         {S(LOGIN "MAIL FROM:<alice@local.example>\r\nRCPT TO:<nobody@local.example>\r\nQUIT\r\n")},
         LOGGED "250 2.1.0, 550 5.1.1, " END,
         0},
        {"logged in, but no address literals",
         {S(LOGIN "MAIL FROM:<alice@local.example>\r\nRCPT TO:<x@[127.0.0.1]>\r\nQUIT\r\n")},
         LOGGED "250 2.1.0, 550 5.1.2, " END,
         0},
    };
    scripts_run_new(world_init_submission, scripts, ARRAY_LEN(scripts));
}

static struct str try_to_send(struct world *world, const char *sender, const char *header)
{
    struct str first = arena_printf(
        &world->arena, LOGIN "MAIL FROM:<%s>\r\nRCPT TO:<x@other.example>\r\nDATA\r\n", sender);
    struct str second = arena_printf(&world->arena, "%s\r\ntext\r\n.\r\nQUIT\r\n", header);
    struct str said = world_talk(world, (struct str[]){first, second}, 2);
    struct str codes = world_codes(world, said);
    struct str rest = str_from(codes, strlen(LOGGED));
    if (str_starts(rest, STR("553 5.7.1")))
        return STR("553 5.7.1");
    size_t at = str_search(rest, STR("354, "));
    return at == SIZE_MAX ? rest : str_first(str_from(rest, at + 5), strlen("550 5.7.1"));
}

TEST_FIBER(nobody_sends_in_the_name_of_another)
{
    static const char ok[] = "250 2.0.0", no_mail[] = "553 5.7.1", no_from[] = "550 5.7.1";
    static const struct {
        const char *about, *sender, *header;
        const char *local, *own, *any;
    } rows[] = {
        {"his own address", "alice@local.example", "From: Alice <ALICE@Local.example>\r\n", ok, ok,
         ok},
        {"an address of a domain that is his", "x@mine.example", "From: x@mine.example\r\n",
         no_mail, ok, ok},
        {"another user's of the same host", "bob@local.example", "From: bob@local.example\r\n", ok,
         no_mail, ok},
        {"a foreign one", "x@other.example", "From: x@other.example\r\n", no_mail, no_mail, ok},
        {"his own in MAIL, a foreign one in From", "alice@local.example",
         "From: Bank <x@bank.example>\r\n", no_from, no_from, ok},
        {"his own and a foreign one in From", "alice@local.example",
         "From: alice@local.example, x@bank.example\r\n", no_from, no_from, ok},
        {"a From that is read one way or the other", "alice@local.example",
         "From: x@bank.example <alice@local.example>\r\n", no_from, no_from, ok},
        {"a From that cannot be read", "alice@local.example", "From: alice@\r\n", no_from, no_from,
         ok},
        {"two From fields", "alice@local.example",
         "From: alice@local.example\r\nSubject: x\r\nFROM : x@bank.example\r\n", no_from, no_from,
         ok},
        {"a folded From", "alice@local.example", "From:\r\n Bank\r\n\t<x@bank.example>\r\n",
         no_from, no_from, ok},
        {"an empty group in From", "alice@local.example", "From: friends:;\r\n", no_from, no_from,
         ok},
        {"no From claims nothing", "alice@local.example", "Subject: x\r\n", ok, ok, ok},
        {"the null sender", "", "From: alice@local.example\r\n", no_mail, no_mail, ok},
        {"an address literal", "x@[127.0.0.1]", "From: alice@local.example\r\n", no_mail, no_mail,
         ok},
        {"a domain that ends like a local one", "x@evil-local.example", "From: a@local.example\r\n",
         no_mail, no_mail, ok},
    };
    struct world world;
    world_init_submission(&world);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const want[] = {rows[i].local, rows[i].own, rows[i].any};
        for (int senders = RECEIVE_SENDERS_LOCAL; senders <= RECEIVE_SENDERS_ANY; senders++) {
            world.service.senders = (enum receive_senders)senders;
            struct str got = try_to_send(&world, rows[i].sender, rows[i].header);
            CHECK_ROW(rows[i].about, str_eq(got, str_of(want[senders])));
        }
    }
    world_done(&world);
}

TEST_FIBER(the_sandbox_takes_everything)
{
    struct world world;
    world_init(&world);
    world.service.accept_everything = true;
    static const struct script scripts[] = {
        {"everything",
         {S(MAIL "RCPT TO:<x@other.example>\r\nRCPT TO:<nobody@local.example>\r\n"
                 "RCPT TO:<x@[192.0.2.1]>\r\nRCPT TO:<postmaster>\r\nDATA\r\n"),
          S("\r\n.\r\nQUIT\r\n")},
         OPENED "250 2.1.5, 250 2.1.5, 250 2.1.5, 250 2.1.5, 354, 250 2.0.0, " END,
         1},
    };
    scripts_run(&world, scripts, ARRAY_LEN(scripts));
    world_done(&world);
}

int main(void)
{
    RUN(mx_relays_for_nobody);
    RUN(tricks_in_a_local_part_are_taken_literally);
    RUN(what_is_said_to_a_sender_of_forwarded_mail_goes_to_whose_it_is);
    RUN(no_sender_of_forwarded_mail_can_be_made_up);
    RUN(relay_from_opens_mx_for_its_clients_alone);
    RUN(submission_is_for_who_is_logged_in);
    RUN(nobody_sends_in_the_name_of_another);
    RUN(the_sandbox_takes_everything);
    return test_summary();
}
