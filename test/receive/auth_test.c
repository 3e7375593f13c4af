/* Logging in: RFC 4954, and what guessers get. */
#include "base/log.h"
#include "script.h"

#include <sys/mman.h>
#include <unistd.h>

#define HELLO  "EHLO me\r\n"
#define GOOD   "AHRlc3R1c2VyAHRlc3RwYXNz"     /* NUL testuser NUL testpass */
#define BAD    "AHRlc3R1c2VyAHdyb25n"         /* NUL testuser NUL wrong */
#define NOBODY "AG5vYm9keQB0ZXN0cGFzcw=="     /* NUL nobody NUL testpass */
#define OTHER  "Y2VvAHRlc3R1c2VyAHRlc3RwYXNz" /* ceo NUL testuser NUL testpass */
#define USER   "dGVzdHVzZXI="
#define PASS   "dGVzdHBhc3M="

TEST_FIBER(logins_succeed_and_fail_as_the_rfc_says)
{
    static const struct script scripts[] = {
        {"PLAIN at once",
         {S(HELLO "AUTH PLAIN " GOOD "\r\nQUIT\r\n")},
         "220, 250, 235 2.7.0, 221 2.0.0, closed",
         0},
        {"PLAIN after a challenge",
         {S(HELLO "auth plain\r\n"), S(GOOD "\r\nQUIT\r\n")},
         "220, 250, 334, 235 2.7.0, 221 2.0.0, closed",
         0},
        {"LOGIN",
         {S(HELLO "AUTH LOGIN\r\n"), S(USER "\r\n"), S(PASS "\r\nQUIT\r\n")},
         "220, 250, 334, 334, 235 2.7.0, 221 2.0.0, closed",
         0},
        {"LOGIN with the name at once",
         {S(HELLO "AUTH LOGIN " USER "\r\n"), S(PASS "\r\nQUIT\r\n")},
         "220, 250, 334, 235 2.7.0, 221 2.0.0, closed",
         0},
        {"a wrong password",
         {S(HELLO "AUTH PLAIN " BAD "\r\nQUIT\r\n")},
         "220, 250, 535 5.7.8, 221 2.0.0, closed",
         0},
        {"nobody",
         {S(HELLO "AUTH PLAIN " NOBODY "\r\nQUIT\r\n")},
         "220, 250, 535 5.7.8, 221 2.0.0, closed",
         0},
        {"in the name of another",
         {S(HELLO "AUTH PLAIN " OTHER "\r\nQUIT\r\n")},
         "220, 250, 535 5.7.8, 221 2.0.0, closed",
         0},
        {"no base64",
         {S(HELLO "AUTH PLAIN ?\r\nAUTH PLAIN " GOOD "=\r\nAUTH LOGIN\r\nx\r\nQUIT\r\n")},
         "220, 250, 501 5.5.2, 501 5.5.2, 334, 501 5.5.2, 221 2.0.0, closed",
         0},
        {"base64 of no credentials",
         {S(HELLO "AUTH PLAIN dGVzdA==\r\nAUTH PLAIN =\r\nQUIT\r\n")},
         "220, 250, 501 5.5.2, 501 5.5.2, 221 2.0.0, closed",
         0},
        {"the client gives up",
         {S(HELLO "AUTH PLAIN\r\n*\r\nAUTH LOGIN\r\n" USER "\r\n*\r\nQUIT\r\n")},
         "220, 250, 334, 501 5.7.0, 334, 334, 501 5.7.0, 221 2.0.0, closed",
         0},
        {"an unknown mechanism",
         {S(HELLO "AUTH CRAM-MD5\r\nAUTH X\r\nQUIT\r\n")},
         "220, 250, 504 5.5.4, 504 5.5.4, 221 2.0.0, closed",
         0},
        {"no mechanism at all",
         {S(HELLO "AUTH\r\nAUTH \x01\r\nQUIT\r\n")},
         "220, 250, 501 5.5.4, 500 5.5.2, 221 2.0.0, closed",
         0},
        {"twice",
         {S(HELLO "AUTH PLAIN " GOOD "\r\nAUTH PLAIN " GOOD "\r\nQUIT\r\n")},
         "220, 250, 235 2.7.0, 503 5.5.1, 221 2.0.0, closed",
         0},
        {"within a transaction",
         {S(HELLO "AUTH PLAIN " GOOD "\r\nMAIL FROM:<alice@local.example>\r\nAUTH PLAIN " GOOD
                  "\r\nQUIT\r\n")},
         "220, 250, 235 2.7.0, 250 2.1.0, 503 5.5.1, 221 2.0.0, closed",
         0},
        {"before EHLO",
         {S("AUTH PLAIN " GOOD "\r\nQUIT\r\n")},
         "220, 503 5.5.1, 221 2.0.0, closed",
         0},
    };
    scripts_run_new(world_init_submission, scripts, ARRAY_LEN(scripts));
}

TEST_FIBER(nobody_logs_in_in_clear)
{
    struct world world;
    world_init_submission(&world);
    world.service.auth_in_clear = false;
    static const struct script scripts[] = {
        {"in clear",
         {S(HELLO "AUTH PLAIN " GOOD "\r\nQUIT\r\n")},
         "220, 250, 538 5.7.11, 221 2.0.0, closed",
         0},
        {"with TLS",
         {S(HELLO "STARTTLS\r\n"), TLS, S(HELLO "AUTH PLAIN " GOOD "\r\nQUIT\r\n")},
         "220, 250, 220 2.0.0, 250, 235 2.7.0, 221 2.0.0, closed",
         0},
    };
    scripts_run(&world, scripts, ARRAY_LEN(scripts));
    world_done(&world);
}

TEST_FIBER(mx_takes_no_logins)
{
    struct world world;
    world_init(&world);
    world.service.accounts = world.accounts;
    world.service.auth_in_clear = true;
    struct str said = world_say(&world, STR(HELLO "AUTH PLAIN " GOOD "\r\nQUIT\r\n"));
    CHECK_STR(world_codes(&world, said), STR("220, 250, 502 5.5.1, 221 2.0.0, closed"));
    CHECK(str_search(said, STR("AUTH PLAIN LOGIN")) == SIZE_MAX);
    world_done(&world);
}

TEST_FIBER(a_login_of_20000_bytes_earns_one_reply)
{
    static char line[20000];
    memset(line, 'A', sizeof line);
    struct world world;
    world_init_submission(&world);
    const struct str at_once[] = {S(HELLO "AUTH PLAIN "), {line, sizeof line}, S("\r\nQUIT\r\n")};
    CHECK_STR(world_codes(&world, world_talk(&world, at_once, 3)),
              STR("220, 250, 500 5.5.2, 221 2.0.0, closed"));
    const struct str later[] = {S(HELLO "AUTH PLAIN\r\n"), {line, sizeof line}, S("\r\nQUIT\r\n")};
    CHECK_STR(world_codes(&world, world_talk(&world, later, 3)),
              STR("220, 250, 334, 500 5.5.6, 221 2.0.0, closed"));
    world_done(&world);
}

TEST_FIBER(guessing_costs_time_and_is_cut_off)
{
    struct world world;
    world_init_submission(&world);
    uint64_t began_ms = loop_now_ms();
    struct str said =
        world_say(&world, STR(HELLO "AUTH PLAIN " BAD "\r\nAUTH PLAIN " NOBODY "\r\nAUTH PLAIN " BAD
                                    "\r\nAUTH PLAIN " GOOD "\r\nQUIT\r\n"));
    CHECK_STR(world_codes(&world, said), STR("220, 250, 535 5.7.8, 535 5.7.8, 421 4.7.0, closed"));
    CHECK(loop_now_ms() - began_ms >= 1000 + 2000 + 4000);
    world_done(&world);
}

TEST_FIBER(a_full_password_pool_is_told)
{
    struct world world;
    world_init_submission(&world);
    struct blocking_pool *full = blocking_pool_new("full", 1, 0);
    world.service.password_pool = full;
    struct str said = world_say(&world, STR(HELLO "AUTH PLAIN " GOOD "\r\nQUIT\r\n"));
    CHECK_STR(world_codes(&world, said), STR("220, 250, 454 4.7.0, 221 2.0.0, closed"));
    blocking_pool_free(full);
    world_done(&world);
}

/* Of all sessions of an address, also with the right password; and not for ever. */
TEST_FIBER(an_address_that_guesses_is_shut_out_for_a_while)
{
    struct world world;
    world_init_submission(&world);
    struct str guess = STR(HELLO "AUTH PLAIN " BAD "\r\nAUTH PLAIN " BAD "\r\nQUIT\r\n");
    struct str right = STR(HELLO "AUTH PLAIN " GOOD "\r\nQUIT\r\n");
    for (int i = 0; i < 10; i++)
        CHECK_STR(world_codes(&world, world_say(&world, guess)),
                  STR("220, 250, 535 5.7.8, 535 5.7.8, 221 2.0.0, closed"));
    CHECK_STR(world_codes(&world, world_say(&world, right)), STR("220, 250, 421 4.7.0, closed"));
    CHECK_INT(net_address_parse(STR("198.51.100.8:1"), 0, &world.client_address), OK);
    CHECK_STR(world_codes(&world, world_say(&world, right)),
              STR("220, 250, 235 2.7.0, 221 2.0.0, closed"));
    CHECK_INT(net_address_parse(STR("198.51.100.7:2"), 0, &world.client_address), OK);
    CHECK_INT(fiber_sleep_until(loop_now_ms() + 10 * 60 * 1000), OK);
    CHECK_STR(world_codes(&world, world_say(&world, right)),
              STR("220, 250, 235 2.7.0, 221 2.0.0, closed"));
    world_done(&world);
}

/* What the server wrote to its log while `run` ran. */
static struct str log_of(struct world *world, struct str (*run)(struct world *))
{
    static char text[65536];
    int fd = memfd_create("log", 0);
    log_init(LOG_DEBUG, fd);
    run(world);
    log_init(LOG_ERROR, 2);
    ssize_t len = pread(fd, text, sizeof text, 0);
    close(fd);
    CHECK(len >= 0);
    return str_make(text, (size_t)len);
}

static struct str log_in_all_ways(struct world *world)
{
    return world_say(world,
                     STR(HELLO "AUTH PLAIN " BAD "\r\nAUTH LOGIN\r\n" USER "\r\n*\r\n"
                               "AUTH NTLM " BAD "\r\n" GOOD "\r\n"
                               "AUTH LOGIN\r\n" USER "\r\n" PASS "\r\n"
                               "MAIL FROM:<alice@local.example>\r\n"
                               "RCPT TO:<nobody@local.example>\r\n"
                               "RCPT TO:<x@other.example>\r\nDATA\r\n\r\nsecret text\r\n.\r\n"
                               "QUIT\r\n"));
}

TEST_FIBER(secrets_reach_neither_log_nor_trace)
{
    static const struct str secrets[] = {S(GOOD), S(BAD),        S(USER),
                                         S(PASS), S("testpass"), S("secret text")};
    struct world world;
    world_init_submission(&world);
    struct str log = log_of(&world, log_in_all_ways);
    REQUIRE(world.message_count == 1);
    struct str story = world_story(&world, 0);
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        CHECK(str_search(log, secrets[i]) == SIZE_MAX);
        CHECK(str_search(story, secrets[i]) == SIZE_MAX);
    }
    CHECK(str_search(log, STR("login failed")) != SIZE_MAX);
    CHECK(str_search(log, STR("to=<nobody@local.example> client=198.51.100.7 helo=me "
                              "account=testuser: 550 5.1.1")) != SIZE_MAX);
    CHECK(str_search(story, STR("account testuser")) != SIZE_MAX);
    CHECK(str_search(story, STR("AUTH LOGIN")) != SIZE_MAX);
    CHECK(str_search(story, STR("<redacted>")) != SIZE_MAX);
    CHECK(str_search(story, STR("235 2.7.0")) != SIZE_MAX);
    CHECK(str_search(story, STR("250 2.0.0 Ok: queued as")) != SIZE_MAX);
    world_done(&world);
}

int main(void)
{
    RUN(logins_succeed_and_fail_as_the_rfc_says);
    RUN(nobody_logs_in_in_clear);
    RUN(mx_takes_no_logins);
    RUN(a_login_of_20000_bytes_earns_one_reply);
    RUN(guessing_costs_time_and_is_cut_off);
    RUN(a_full_password_pool_is_told);
    RUN(an_address_that_guesses_is_shut_out_for_a_while);
    RUN(secrets_reach_neither_log_nor_trace);
    return test_summary();
}
