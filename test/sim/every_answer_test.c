/* A next host answers wrongly, once, at each step of a delivery to three recipients: nobody is
 * lost, and nobody gets a second copy but behind content whose answer could not be understood. */
#include "fiber/loop.h"
#include "test.h"
#include "world.h"

#include <stdio.h>

#define S(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }
#define STEPS_MAX 40 /* more than any of these conversations has */

static char endless_line[70000], endless_reply[200000];

static const struct slip {
    const char *sentence;
    struct str words;
    bool ends;
    bool tells_nothing; /* as an answer to content */
} slips[] = {
    {"yes, where that may not be the question", S("250 2.0.0 ok\r\n"), false, false},
    {"go ahead, where that may not be the question", S("354 go on\r\n"), false, true},
    {"no", S("550 5.7.1 no\r\n"), false, false},
    {"no, and closed", S("554 5.7.1 no\r\n"), true, false},
    {"later", S("451 4.3.0 later\r\n"), false, false},
    {"farewell", S("421 4.3.2 bye\r\n"), true, false},
    {"one reply too many", S("250 2.0.0 ok\r\n250 2.0.0 ok\r\n"), false, false},
    {"a code that is none", S("999 what\r\n"), false, true},
    {"another that is none", S("099 what\r\n"), false, true},
    {"a preliminary code, which SMTP has not", S("150 wait\r\n"), false, true},
    {"words without a code", S("hello\r\n"), false, true},
    {"an empty line", S("\r\n"), false, true},
    {"controls and a NUL", S("\0\1\2\377\r\n"), false, true},
    {"two codes in one reply", S("250-yes\r\n550 no\r\n"), false, true},
    {"half a line, and closed", S("25"), true, true},
    {"half a reply, and closed", S("250-yes\r\n"), true, true},
    {"another protocol", S("HTTP/1.1 400 Bad Request\r\n\r\n"), true, true},
    {"a line without end", {endless_line, sizeof endless_line}, false, true},
    {"a reply without end", {endless_reply, sizeof endless_reply}, false, true},
};

static void make_endless(void)
{
    memset(endless_line, '2', sizeof endless_line);
    for (size_t i = 0; i < sizeof endless_reply; i++)
        endless_reply[i] = "250-more\r\n"[i % 10];
}

/* One mailing over a connection of its own, on which the sink says that at its reply number `at`.
 * False when the conversation had no such reply. */
static bool deliver_with(struct world *world, struct sender *sender, struct sink *sink,
                         const struct slip *slip, unsigned at)
{
    world_send_to_shut(world, sender, sink);
    sink->slip = (struct sink_slip){.at = at, .words = slip->words, .ends = slip->ends};
    sink_open(sink);
    unsigned problems = world->ledger.problems;
    EXPECT(world, server_await_empty(&world->server, DAY));
    world_sleep(10 * SECOND);
    if (world->ledger.problems != problems)
        printf("# \"%s\" as reply %u\n", slip->sentence, at);
    bool was_said = !sink->slip.words.at;
    sink->slip = (struct sink_slip){.words = {NULL, 0}};
    return was_said;
}

static void deliver(struct world *world, size_t index)
{
    struct sink *sink = &world->sinks[index];
    struct sender sender = world_sender(world);
    sender.is_steady = true;
    unsigned in_doubt = 0; /* the sink took the content, and nobody can know it */
    server_start(&world->server);
    for (size_t i = 0; i < ARRAY_LEN(slips); i++) {
        unsigned at = 0;
        in_doubt += slips[i].tells_nothing;
        while (at < STEPS_MAX && deliver_with(world, &sender, sink, &slips[i], at))
            at++;
        EXPECT(world, at >= 7 && at < STEPS_MAX);
    }
    EXPECT(world, world->ledger.repeated == 3 * in_doubt);
}

static void one_by_one(struct world *world) { deliver(world, SINK_0); }
static void pipelined_in_tls(struct world *world) { deliver(world, SINK_1); }
static void by_bdat(struct world *world) { deliver(world, SINK_2); }

TEST(a_wrong_answer_at_any_step_loses_nobody)
{
    make_endless();
    CHECK_INT(world_play_seeds(one_by_one, 1), 0);
    CHECK_INT(world_play_seeds(pipelined_in_tls, 1), 0);
    CHECK_INT(world_play_seeds(by_bdat, 1), 0);
}

int main(void)
{
    RUN(a_wrong_answer_at_any_step_loses_nobody);
    return test_summary();
}
