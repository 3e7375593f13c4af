/* Recipients of whom only another server knows whether they are there. */
#include "script.h"

#define ASKED_MAX 32

/* That server. What it says stands in the local part. */
struct oracle {
    char asked[ASKED_MAX][64];
    size_t count;
    uint64_t last_deadline_ms;
};

static char chatter[16384]; /* more than fits into a reply of ours */

static const struct said {
    const char *prefix;
    struct receive_report report;
} said[] = {
    {"there", {RECEIVE_IS_THERE, {2, 1, 5}, S("250 2.1.5 ok")}},
    {"gone", {RECEIVE_IS_NOT_THERE, {5, 1, 1}, S("550 5.1.1 who?")}},
    {"moved", {RECEIVE_IS_NOT_THERE, {5, 1, 6}, S("550 5.1.6 moved away")}},
    {"full", {RECEIVE_IS_NOT_THERE, {5, 2, 2}, S("552 5.2.2 full")}},
    {"odd", {RECEIVE_IS_NOT_THERE, {5, 7, 1}, S("550 5.7.1 not you")}},
    {"chatty", {RECEIVE_IS_NOT_THERE, {5, 1, 1}, {chatter, sizeof chatter - 1}}},
    {"bare", {RECEIVE_IS_NOT_THERE, {0, 0, 0}, S("550 no\r\n250 yes")}},
    {"later", {RECEIVE_NOT_NOW, {4, 2, 2}, S("452 4.2.2 full")}},
    {"busy", {RECEIVE_NOT_NOW, {0, 0, 0}, S("450 busy")}},
    {"unknown", {RECEIVE_UNKNOWN, {0, 0, 0}, S("no connection")}},
    {"slow", {RECEIVE_UNKNOWN, {0, 0, 0}, S("no answer yet")}},
};

static enum err ask(void *context, const struct route_way *way, struct str address,
                    uint64_t deadline_ms, struct arena *arena, struct receive_report *out_report)
{
    struct oracle *oracle = context;
    CHECK(way->via == ROUTE_LMTP || way->via == ROUTE_SMTP);
    assert(oracle->count < ASKED_MAX);
    snprintf(oracle->asked[oracle->count++], sizeof oracle->asked[0], "%.*s", STR_FMT(address));
    oracle->last_deadline_ms = deadline_ms;
    if (str_starts(address, STR("slow")) || str_starts(address, STR("stuck"))) {
        bool is_slow = str_starts(address, STR("slow"));
        enum err err = fiber_sleep_until(is_slow ? deadline_ms : DEADLINE_NEVER);
        if (err)
            return err;
    }
    for (size_t i = 0; i < ARRAY_LEN(said); i++)
        if (str_starts(address, str_of(said[i].prefix))) {
            *out_report = said[i].report;
            out_report->words = arena_copy(arena, said[i].report.words);
            return OK;
        }
    CHECK_ROW("an address that nobody should ask for", false);
    return ERR_CANCELLED;
}

static struct oracle oracle;

static void add_domain(struct world *world, const char *name, enum route_via via,
                       enum route_users users)
{
    static const struct str names[] = {S("alice")};
    struct route_domain_options options = {
        .name = str_of(name),
        .way = {.via = via, .name = str_of(name), .host = STR("127.0.0.1"), .port = 24},
        .users = users,
        .user_names = names,
        .user_count = users == ROUTE_USERS_LISTED,
        .separator = '+',
    };
    CHECK_INT(route_table_add_domain(world->routes, &options), OK);
}

static void add_alias(struct world *world, const char *name, struct str one, struct str other)
{
    struct str targets[] = {one, other};
    CHECK_INT(route_table_add_alias(world->routes, STR("lmtp.example"), str_of(name), targets, 2),
              OK);
}

static void furnish(struct world *world)
{
    add_domain(world, "lmtp.example", ROUTE_LMTP, ROUTE_USERS_ANY);
    add_domain(world, "gate.example", ROUTE_SMTP, ROUTE_USERS_ANY);
    add_domain(world, "listed.example", ROUTE_LMTP, ROUTE_USERS_LISTED);
    add_alias(world, "team", STR("gone"), STR("there"));
    add_alias(world, "ghosts", STR("gone1"), STR("gone2"));
    add_alias(world, "hope", STR("gone"), STR("later"));
    add_alias(world, "crowd", STR("later"), STR("there"));
    add_alias(world, "away", STR("gone"), STR("far@away.example"));
    add_alias(world, "asleep", STR("slow1"), STR("slow2"));
    oracle = (struct oracle){.count = 0};
    memset(chatter, 'x', sizeof chatter - 1);
    world->service.verifier = (struct receive_verifier){ask, &oracle};
}

static void init_mx(struct world *world)
{
    world_init(world);
    furnish(world);
}

static void init_submission(struct world *world)
{
    world_init_submission(world);
    furnish(world);
}

#define HELLO "EHLO me\r\n"
#define MAIL  HELLO "MAIL FROM:<a@b.example>\r\n"
#define RCPT(address)                               \
    {                                               \
        S(MAIL "RCPT TO:<" address ">\r\nQUIT\r\n") \
    }
#define CODES(code) "220, 250, 250 2.1.0, " code ", 221 2.0.0, closed"

TEST_FIBER(on_mx_only_who_is_there_is_taken)
{
    static const struct script scripts[] = {
        {"who is there", RCPT("there@lmtp.example"), CODES("250 2.1.5"), 0},
        {"a subaddress", RCPT("there+tag@lmtp.example"), CODES("250 2.1.5"), 0},
        {"who is not", RCPT("gone@lmtp.example"), CODES("550 5.1.1"), 0},
        {"the server's own status of the address", RCPT("moved@lmtp.example"), CODES("550 5.1.6"),
         0},
        {"a mailbox full for good", RCPT("full@lmtp.example"), CODES("550 5.2.2"), 0},
        {"refused for another reason", RCPT("odd@lmtp.example"), CODES("550 5.1.1"), 0},
        {"more words than fit", RCPT("chatty@lmtp.example"), CODES("550 5.1.1"), 0},
        {"words that would be a reply of their own", RCPT("bare@lmtp.example"), CODES("550 5.1.1"),
         0},
        {"a mailbox full for now", RCPT("later@lmtp.example"), CODES("451 4.2.2"), 0},
        {"not now, without a status", RCPT("busy@lmtp.example"), CODES("451 4.2.0"), 0},
        {"an LMTP server that cannot be asked", RCPT("unknown@lmtp.example"), CODES("451 4.4.1"),
         0},
        {"an alias for nobody who is there", RCPT("ghosts@lmtp.example"), CODES("550 5.1.1"), 0},
        {"an alias for somebody who may be there", RCPT("hope@lmtp.example"), CODES("451 4.2.2"),
         0},
        {"a gateway's nobody", RCPT("gone@gate.example"), CODES("550 5.1.1"), 0},
        {"a gateway that wants it later", RCPT("later@gate.example"), CODES("451 4.2.2"), 0},
        {"a gateway that cannot be asked", RCPT("unknown@gate.example"), CODES("250 2.1.5"), 0},
    };
    scripts_run_new(init_mx, scripts, ARRAY_LEN(scripts));
}

TEST_FIBER(where_we_know_who_sends_only_a_no_counts)
{
#define LOGGED_IN(address)                                                                   \
    {                                                                                        \
        S(HELLO "AUTH PLAIN AHRlc3R1c2VyAHRlc3RwYXNz\r\nMAIL FROM:<alice@local.example>\r\n" \
                "RCPT TO:<" address ">\r\nQUIT\r\n")                                         \
    }
#define LOGGED_IN_CODES(code) "220, 250, 235 2.7.0, 250 2.1.0, " code ", 221 2.0.0, closed"
    static const struct script scripts[] = {
        {"who is there", LOGGED_IN("there@lmtp.example"), LOGGED_IN_CODES("250 2.1.5"), 0},
        {"who is not", LOGGED_IN("gone@lmtp.example"), LOGGED_IN_CODES("550 5.1.1"), 0},
        {"not now", LOGGED_IN("later@lmtp.example"), LOGGED_IN_CODES("250 2.1.5"), 0},
        {"not known", LOGGED_IN("unknown@lmtp.example"), LOGGED_IN_CODES("250 2.1.5"), 0},
    };
    scripts_run_new(init_submission, scripts, ARRAY_LEN(scripts));
}

TEST_FIBER(what_the_table_knows_is_not_asked)
{
    static const struct script scripts[] = {
        {"a listed user", RCPT("alice@listed.example"), CODES("250 2.1.5"), 0},
        {"nobody on the list", RCPT("gone@listed.example"), CODES("550 5.1.1"), 0},
        {"a Maildir for everybody", RCPT("any@open.example"), CODES("250 2.1.5"), 0},
        {"the postmaster", RCPT("Postmaster@lmtp.example"), CODES("250 2.1.5"), 0},
        {"a foreign domain", RCPT("gone@away.example"), CODES("554 5.7.1"), 0},
    };
    scripts_run_new(init_mx, scripts, ARRAY_LEN(scripts));
    CHECK_INT(oracle.count, 0);
}

/* The message that is sent to one address: its recipients, joined. */
static struct str recipients_behind(struct world *world, const char *address)
{
    struct str step =
        arena_printf(&world->arena,
                     MAIL "RCPT TO:<%s>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n", address);
    size_t before = world->message_count;
    struct str heard = world_say(world, step), joined = STR_EMPTY;
    if (world->message_count == before)
        return heard;
    struct spool_envelope envelope = world_envelope(world, before);
    for (uint32_t i = 0; i < envelope.recipient_count; i++)
        joined = arena_printf(&world->arena, "%.*s%s%.*s", STR_FMT(joined), i ? " " : "",
                              STR_FMT(envelope.recipients[i].address));
    return joined;
}

TEST_FIBER(behind_an_alias_who_is_not_there_is_left_out)
{
    struct world world;
    init_mx(&world);
    CHECK_STR(recipients_behind(&world, "team@lmtp.example"), STR("there@lmtp.example"));
    CHECK_STR(recipients_behind(&world, "crowd@lmtp.example"),
              STR("later@lmtp.example there@lmtp.example"));
    CHECK_STR(recipients_behind(&world, "away@lmtp.example"), STR("far@away.example"));
    CHECK_STR(recipients_behind(&world, "there+x@lmtp.example"), STR("there+x@lmtp.example"));
    CHECK_STR(str_of(oracle.asked[0]), STR("gone@lmtp.example"));
    CHECK_STR(str_of(oracle.asked[5]), STR("there+x@lmtp.example"));
    world_done(&world);
}

TEST_FIBER(what_the_server_said_is_told)
{
    struct world world;
    init_mx(&world);
    struct str heard = world_say(&world, STR(MAIL "RCPT TO:<gone@lmtp.example>\r\n"
                                                  "RCPT TO:<bare@lmtp.example>\r\nQUIT\r\n"));
    CHECK(str_search(heard, STR("550 5.1.1 No such user here (550 5.1.1 who?)\r\n")) != SIZE_MAX);
    CHECK(str_search(heard, STR("\n250 yes")) == SIZE_MAX);
    /* How our own network looks is nobody's business. */
    heard = world_say(&world, STR(MAIL "RCPT TO:<unknown@lmtp.example>\r\nQUIT\r\n"));
    CHECK(str_search(heard, STR("no connection")) == SIZE_MAX);
    CHECK_STR(recipients_behind(&world, "there@lmtp.example"), STR("there@lmtp.example"));
    CHECK(str_search(world_story(&world, 0), STR("<there@lmtp.example> is there: 250 2.1.5 ok")) !=
          SIZE_MAX);
    world_done(&world);
}

TEST_FIBER(all_questions_of_a_recipient_share_half_a_minute)
{
    static const struct str steps[] = {S(MAIL "RCPT TO:<asleep@lmtp.example>\r\n"), S("QUIT\r\n")};
    struct world world;
    init_mx(&world);
    uint64_t began_ms = loop_now_ms();
    struct str heard = world_talk(&world, steps, ARRAY_LEN(steps));
    CHECK_STR(world_codes(&world, heard), STR(CODES("451 4.4.1")));
    CHECK_INT(oracle.count, 2);
    CHECK_INT(oracle.last_deadline_ms - began_ms, 30000);
    world_done(&world);
}

TEST_FIBER(a_session_that_is_cancelled_while_it_asks_says_goodbye)
{
    struct world world;
    init_mx(&world);
    struct stream *client = world_connect(&world);
    struct str said_all = STR(MAIL "RCPT TO:<stuck@lmtp.example>\r\n");
    CHECK_INT(stream_write(client, said_all, loop_now_ms() + 1000), OK);
    CHECK_INT(stream_flush(client, loop_now_ms() + 1000), OK);
    CHECK_INT(fiber_sleep_until(loop_now_ms() + 1000), OK);
    CHECK_INT(oracle.count, 1);
    fiber_group_cancel(&world.servers);
    while (stream_fill(client, loop_now_ms() + 1000) == OK)
        continue;
    CHECK(str_search(stream_input(client), STR("\r\n421 4.3.2 ")) != SIZE_MAX);
    stream_close(client);
    world_done(&world);
}

int main(void)
{
    RUN(on_mx_only_who_is_there_is_taken);
    RUN(where_we_know_who_sends_only_a_no_counts);
    RUN(what_the_table_knows_is_not_asked);
    RUN(behind_an_alias_who_is_not_there_is_left_out);
    RUN(what_the_server_said_is_told);
    RUN(all_questions_of_a_recipient_share_half_a_minute);
    RUN(a_session_that_is_cancelled_while_it_asks_says_goodbye);
    return test_summary();
}
