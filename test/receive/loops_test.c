/* Mail that comes back: known by the Delivered-To that it left with. */
#include "script.h"

#define BEGIN "EHLO me\r\nMAIL FROM:<a@b.example>\r\n"
#define ALICE "RCPT TO:<alice@local.example>\r\n"
#define BOB   "RCPT TO:<bob@local.example>\r\n"
#define LIST  "RCPT TO:<list@local.example>\r\n" /* alice, and outside */

TEST_FIBER(a_message_that_was_here_before_is_refused)
{
    static const struct script scripts[] = {
        {"for its mailbox",
         {S(BEGIN ALICE "DATA\r\n"), S("Delivered-To: alice@local.example\r\n\r\n.\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 354, 554 5.4.6, 221 2.0.0, closed",
         0},
        {"in another case, in brackets, below others",
         {S(BEGIN ALICE "DATA\r\n"),
          S("Delivered-To: x@b.example\r\nSubject: y\r\ndelivered-to:\r\n <ALICE@Local.example> "
            "\r\n\r\n.\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 354, 554 5.4.6, 221 2.0.0, closed",
         0},
        {"by BDAT",
         {S(BEGIN ALICE "BDAT 37 LAST\r\nDelivered-To: alice@local.example\r\n\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 554 5.4.6, 221 2.0.0, closed",
         0},
        {"for another mailbox it is not",
         {S(BEGIN BOB "DATA\r\n"), S("Delivered-To: alice@local.example\r\n\r\n.\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0, 221 2.0.0, closed",
         1},
        {"nor for a longer name",
         {S(BEGIN ALICE "DATA\r\n"),
          S("Delivered-To: xalice@local.example\r\nDelivered-To:\r\n\r\n.\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0, 221 2.0.0, closed",
         1},
        {"nor by a line of the body",
         {S(BEGIN ALICE "DATA\r\n"), S("\r\nDelivered-To: alice@local.example\r\n.\r\nQUIT\r\n")},
         "220, 250, 250 2.1.0, 250 2.1.5, 354, 250 2.0.0, 221 2.0.0, closed",
         1},
    };
    scripts_run_new(world_init, scripts, ARRAY_LEN(scripts));
}

/* Which of the recipients loop, one letter each. */
static struct str loops_of(struct world *world, const char *recipients, const char *header)
{
    world_say(world, arena_printf(&world->arena, BEGIN "%sDATA\r\n%s\r\n.\r\nQUIT\r\n", recipients,
                                  header));
    if (world->message_count == 0)
        return STR("refused");
    struct spool_envelope envelope = world_envelope(world, world->message_count - 1);
    struct str all = STR_EMPTY;
    for (uint32_t i = 0; i < envelope.recipient_count; i++)
        all = arena_printf(&world->arena, "%.*s%c", STR_FMT(all),
                           envelope.recipients[i].loops ? 'L' : '-');
    return all;
}

TEST_FIBER(recipients_loop_each_for_itself)
{
    static const struct {
        const char *about, *recipients, *header, *loops;
    } rows[] = {
        {"nobody", ALICE BOB, "Subject: x\r\n", "--"},
        {"one of two", ALICE BOB, "Delivered-To: bob@local.example\r\n", "-L"},
        {"an alias that led outside, and its mailbox", LIST BOB,
         "Delivered-To: list@local.example\r\n", "-L-"},
        {"the mailbox behind an alias", LIST BOB, "Delivered-To: alice@local.example\r\n", "L--"},
        {"all of an alias", LIST,
         "Delivered-To: alice@local.example\r\nDelivered-To: list@local.example\r\n", "refused"},
        {"the foreign address does not count: it is delivered elsewhere", LIST,
         "Delivered-To: far@away.example\r\n", "--"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world world;
        world_init(&world);
        struct str loops = loops_of(&world, rows[i].recipients, rows[i].header);
        CHECK_STR(loops, str_of(rows[i].loops));
        CHECK_ROW(rows[i].about, str_eq(loops, str_of(rows[i].loops)));
        world_done(&world);
    }
}

TEST_FIBER(an_alias_that_leads_outside_is_remembered)
{
    static const struct {
        const char *recipient, *forwarded_by; /* of those that lie elsewhere */
    } rows[] = {
        {"list@local.example", "list@local.example"},
        {"List+x@LOCAL.example", "List+x@LOCAL.example"},
        {"postmaster", "postmaster@local.example"},
        {"postmaster@local.example", "postmaster@local.example"},
    };
    static const struct str far[] = {{"far@away.example", 16}};
    struct world world;
    world_init(&world);
    CHECK_INT(route_table_add_alias(world.routes, STR("local.example"), STR("postmaster"), far, 1),
              OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world_say(&world,
                  arena_printf(&world.arena, BEGIN "RCPT TO:<%s>\r\nDATA\r\n\r\n.\r\nQUIT\r\n",
                               rows[i].recipient));
        REQUIRE(world.message_count == i + 1);
        struct spool_envelope envelope = world_envelope(&world, i);
        const struct spool_recipient *last = &envelope.recipients[envelope.recipient_count - 1];
        CHECK_STR(last->address, far[0]);
        CHECK_STR(last->forwarded_by, str_of(rows[i].forwarded_by));
        if (envelope.recipient_count > 1)
            CHECK_STR(envelope.recipients[0].forwarded_by, STR_EMPTY);
    }
    world_done(&world);
}

/* A header of nothing else costs no more than this. */
TEST_FIBER(a_hundred_fields_are_looked_at)
{
    for (int count = 99; count <= 100; count++) {
        struct world world;
        world_init(&world);
        struct str header = STR_EMPTY;
        for (int i = 0; i < count; i++)
            header = arena_printf(&world.arena, "%.*sDelivered-To: x%d@b.example\r\n",
                                  STR_FMT(header), i);
        header = arena_printf(&world.arena, "%.*sDelivered-To: alice@local.example\r\n",
                              STR_FMT(header));
        CHECK_STR(loops_of(&world, ALICE, header.at), count < 100 ? STR("refused") : STR("-"));
        world_done(&world);
    }
}

int main(void)
{
    RUN(a_message_that_was_here_before_is_refused);
    RUN(recipients_loop_each_for_itself);
    RUN(an_alias_that_leads_outside_is_remembered);
    RUN(a_hundred_fields_are_looked_at);
    return test_summary();
}
