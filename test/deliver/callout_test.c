#include "deliver/callout.h"

#include "base/log.h"
#include "scene.h"

#define ADDRESS     "a@b.example"
#define PATIENCE_MS 30000
#define HOUR_MS     (3600 * 1000)

struct asking {
    struct callout *callout;
    struct scene *scene;
    struct arena arena;
    struct str address;
    uint64_t patience_ms;
    enum err err;
    struct callout_answer answer;
};

static void ask(void *argument)
{
    struct asking *asking = argument;
    asking->err = callout_ask(asking->callout, &asking->scene->slot.way, asking->address,
                              loop_now_ms() + asking->patience_ms, &asking->arena, &asking->answer);
}

static struct callout_answer ask_for(struct scene *scene, struct callout *callout,
                                     const char *address, struct arena *arena)
{
    struct callout_answer answer = {.words = STR_EMPTY};
    CHECK_INT(callout_ask(callout, &scene->slot.way, str_of(address), loop_now_ms() + PATIENCE_MS,
                          arena, &answer),
              OK);
    return answer;
}

/* The verdict alone. */
static enum callout_verdict verdict_on(struct scene *scene, struct callout *callout,
                                       const char *address)
{
    struct arena arena = arena_make();
    enum callout_verdict verdict = ask_for(scene, callout, address, &arena).verdict;
    arena_reset(&arena);
    return verdict;
}

/* Each test begins with nothing. */
static struct callout_memory *memory;

#define TEST_CALLOUT(name)                           \
    static void callout_##name(struct scene *scene); \
    TEST(name)                                       \
    {                                                \
        memory = callout_memory_new();               \
        scene_play(callout_##name, NULL);            \
        callout_memory_free(memory);                 \
    }                                                \
    static void callout_##name(struct scene *scene)

static void pass(uint64_t ms) { CHECK_INT(fiber_sleep_until(loop_now_ms() + ms), OK); }

/* ---- what servers say ---- */
#define X50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG X50 X50 X50 X50 X50 X50 X50 X50

struct row {
    const char *sentence;
    const char *extensions;
    const char *script;
    const char *address;
    enum callout_verdict verdict;
    const char *words; /* found in those of the answer */
};

static const struct row rows[] = {
    {"it would take the mail", "PIPELINING", "", ADDRESS, CALLOUT_YES, "250"},
    {"251 is a yes", "", "RCPT=251 will forward", ADDRESS, CALLOUT_YES, "251"},
    {"nobody", "PIPELINING", "RCPT=550 5.1.1 who", ADDRESS, CALLOUT_NO, "550 5.1.1 who"},
    {"any 5xx is a no", "", "RCPT=553 no", ADDRESS, CALLOUT_NO, "553 no"},
    {"a full mailbox", "", "RCPT=452 4.2.2 full", ADDRESS, CALLOUT_LATER, "452 4.2.2 full"},
    {"stopping at RCPT", "", "RCPT=421 4.3.2 bye", ADDRESS, CALLOUT_LATER, "421"},
    {"MAIL refused says nothing of the recipient", "", "MAIL=550 5.7.1 no null sender", ADDRESS,
     CALLOUT_UNKNOWN, "550 5.7.1"},
    {"4xx to MAIL", "", "MAIL=451 later", ADDRESS, CALLOUT_UNKNOWN, "451"},
    {"a greeting that refuses", "", "CONNECT=554 go away", ADDRESS, CALLOUT_UNKNOWN, "554"},
    {"521 in the greeting", "", "CONNECT=521 never", ADDRESS, CALLOUT_UNKNOWN, "521"},
    {"EHLO refused", "", "EHLO=550 no | HELO=550 no", ADDRESS, CALLOUT_UNKNOWN, "550"},
    {"closed at once", "", "CONNECT=!close", ADDRESS, CALLOUT_UNKNOWN, "greeting"},
    {"reset at RCPT", "", "RCPT=!reset", ADDRESS, CALLOUT_UNKNOWN, "envelope"},
    {"silent at the greeting", "", "CONNECT=!silent", ADDRESS, CALLOUT_UNKNOWN, "silent"},
    {"silent at RCPT", "", "RCPT=!silent", ADDRESS, CALLOUT_UNKNOWN, "silent"},
    {"rubbish for a greeting", "", "CONNECT=!garbage", ADDRESS, CALLOUT_UNKNOWN, "no SMTP"},
    {"rubbish at RCPT", "", "RCPT=!garbage", ADDRESS, CALLOUT_UNKNOWN, "no SMTP"},
    {"a reply without end", "", "RCPT=!endless", ADDRESS, CALLOUT_UNKNOWN, "no SMTP"},
    {"a long story", "", "RCPT=550 5.1.1 " LONG, ADDRESS, CALLOUT_NO, "550 5.1.1 xxxx"},
    {"354 to RCPT is no answer", "", "RCPT=354 go", ADDRESS, CALLOUT_UNKNOWN, "no SMTP"},
    {"an address in UTF-8, where that is offered", "SMTPUTF8", "", "a\xc3\xa9@b.example",
     CALLOUT_YES, "250"},
    {"an address in UTF-8 elsewhere", "", "", "a\xc3\xa9@b.example", CALLOUT_NO, "SMTPUTF8"},
    {"an address that would break out of the line", "", "", "a\r\nQUIT@b.example", CALLOUT_NO,
     "cannot be sent"},
};

static void play_row(struct scene *scene)
{
    const struct row *row = scene->row;
    struct arena arena = arena_make();
    struct callout *callout = callout_new(&scene->options, memory);
    scene->peer.extensions = row->extensions;
    scene->peer.script = row->script;
    struct callout_answer answer = ask_for(scene, callout, row->address, &arena);
    CHECK_ROW(row->sentence, answer.verdict == row->verdict);
    CHECK_ROW(row->sentence, str_search(answer.words, str_of(row->words)) != SIZE_MAX);
    CHECK_ROW(row->sentence, answer.words.len <= 300);
    CHECK_ROW(row->sentence, peer_heard(&scene->peer, "DATA") == 0);
    callout_free(callout);
    arena_reset(&arena);
}

static void play_lmtp_row(struct scene *scene)
{
    const struct row *row = scene->row;
    bool is_hello = strstr(row->script, "HELO") != NULL;
    scene->slot.way.via = ROUTE_LMTP;
    scene->peer.is_lmtp = true;
    play_row(scene);
    CHECK_ROW(row->sentence, !is_hello || peer_heard(&scene->peer, "HELO") == 0);
}

static void run_row(const void *row)
{
    void (*const plays[])(struct scene *) = {play_row, play_lmtp_row};
    for (size_t i = 0; i < ARRAY_LEN(plays); i++) {
        memory = callout_memory_new();
        scene_play(plays[i], row);
        callout_memory_free(memory);
    }
}

TEST_CALLOUT(the_status_is_the_servers)
{
    struct arena arena = arena_make();
    struct callout *callout = callout_new(&scene->options, memory);
    scene->peer.script = "RCPT=550-5.2.1 the box\r\n550 5.2.1 is closed";
    struct callout_answer answer = ask_for(scene, callout, ADDRESS, &arena);
    CHECK(mail_status_eq(answer.status, MAIL_STATUS(5, 2, 1)));
    callout_free(callout);
    arena_reset(&arena);
}

/* ---- what is remembered ---- */
TEST_CALLOUT(a_yes_holds_for_an_hour_and_a_no_for_five_minutes)
{
    struct callout *callout = callout_new(&scene->options, memory);
    scene->peer.script = "RCPT2=550 5.1.1 who | RCPT4=451 later";
    CHECK_INT(verdict_on(scene, callout, ADDRESS), CALLOUT_YES);
    CHECK_INT(verdict_on(scene, callout, "b@b.example"), CALLOUT_NO);
    CHECK_INT(verdict_on(scene, callout, ADDRESS), CALLOUT_YES);
    CHECK_INT(verdict_on(scene, callout, "b@b.example"), CALLOUT_NO);
    CHECK_INT(peer_heard(&scene->peer, "RCPT"), 2);
    pass(299 * 1000);
    CHECK_INT(verdict_on(scene, callout, "b@b.example"), CALLOUT_NO);
    CHECK_INT(peer_heard(&scene->peer, "RCPT"), 2);
    pass(10 * 1000);
    CHECK_INT(verdict_on(scene, callout, "b@b.example"), CALLOUT_YES);
    CHECK_INT(peer_heard(&scene->peer, "RCPT"), 3);
    pass(HOUR_MS - 400 * 1000);
    CHECK_INT(verdict_on(scene, callout, ADDRESS), CALLOUT_YES);
    CHECK_INT(peer_heard(&scene->peer, "RCPT"), 3);
    pass(400 * 1000);
    CHECK_INT(verdict_on(scene, callout, ADDRESS), CALLOUT_LATER);
    pass(11 * 1000);
    CHECK_INT(verdict_on(scene, callout, ADDRESS), CALLOUT_YES);
    callout_free(callout);
}

TEST_CALLOUT(the_same_address_on_another_way_is_another_question)
{
    struct callout *callout = callout_new(&scene->options, memory);
    CHECK_INT(verdict_on(scene, callout, ADDRESS), CALLOUT_YES);
    scene->slot.way.name = STR("smtp:localhost:2526");
    scene->peer.script = "RCPT=550 no";
    CHECK_INT(verdict_on(scene, callout, ADDRESS), CALLOUT_NO);
    callout_free(callout);
}

TEST_CALLOUT(a_server_that_cannot_be_asked_is_left_alone_for_a_while)
{
    struct callout *callout = callout_new(&scene->options, memory);
    CHECK_INT(verdict_on(scene, callout, "c@b.example"), CALLOUT_YES);
    scene->peer.script = "CONNECT2=554 no";
    CHECK_INT(verdict_on(scene, callout, ADDRESS), CALLOUT_UNKNOWN);
    CHECK_INT(verdict_on(scene, callout, "b@b.example"), CALLOUT_UNKNOWN);
    CHECK_INT(verdict_on(scene, callout, "c@b.example"), CALLOUT_YES);
    CHECK_INT(scene->peer.connections, 2);
    pass(11 * 1000);
    CHECK_INT(verdict_on(scene, callout, "b@b.example"), CALLOUT_YES);
    CHECK_INT(verdict_on(scene, callout, ADDRESS), CALLOUT_YES);
    callout_free(callout);
}

TEST_CALLOUT(the_oldest_answers_make_room_for_new_ones)
{
    char address[40];
    struct callout *callout = callout_new(&scene->options, memory);
    for (unsigned i = 0; i <= 5000; i++) {
        snprintf(address, sizeof address, "a%u@b.example", i);
        CHECK_INT(verdict_on(scene, callout, address), CALLOUT_YES);
    }
    CHECK_INT(verdict_on(scene, callout, "a1@b.example"), CALLOUT_YES);
    CHECK_INT(peer_heard(&scene->peer, "RCPT"), 5001);
    CHECK_INT(verdict_on(scene, callout, "a0@b.example"), CALLOUT_YES);
    CHECK_INT(peer_heard(&scene->peer, "RCPT"), 5002);
    callout_free(callout);
}

/* ---- many at once ---- */
#define CROWD 20

static void start_crowd(struct scene *scene, struct callout *callout, struct asking *crowd,
                        size_t count, bool same_address)
{
    char address[20];
    for (size_t i = 0; i < count; i++) {
        crowd[i] = (struct asking){.callout = callout, .scene = scene, .patience_ms = PATIENCE_MS};
        crowd[i].arena = arena_make();
        snprintf(address, sizeof address, "a%zu@b.example", same_address ? 0 : i);
        crowd[i].address = arena_copy(&crowd[i].arena, str_of(address));
        fiber_spawn(&scene->deliveries, "asking", ask, &crowd[i]);
    }
}

/* How many were told that there are too many questions. */
static size_t end_crowd(struct scene *scene, struct asking *crowd, size_t count,
                        enum callout_verdict verdict)
{
    size_t turned_away = 0;
    CHECK(fiber_group_join(&scene->deliveries, loop_now_ms() + HOUR_MS) == OK);
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(crowd[i].err, OK);
        CHECK_INT(crowd[i].answer.verdict, verdict);
        turned_away += str_search(crowd[i].answer.words, STR("too many questions")) != SIZE_MAX;
        arena_reset(&crowd[i].arena);
    }
    return turned_away;
}

TEST_CALLOUT(the_same_question_of_many_is_asked_once)
{
    struct asking crowd[CROWD];
    struct callout *callout = callout_new(&scene->options, memory);
    scene->peer.script = "RCPT=550 5.1.1 who";
    start_crowd(scene, callout, crowd, CROWD, true);
    CHECK_INT(end_crowd(scene, crowd, CROWD, CALLOUT_NO), 0);
    CHECK_INT(scene->peer.connections, 1);
    callout_free(callout);
}

TEST_CALLOUT(many_questions_are_all_answered)
{
    struct asking crowd[CROWD];
    struct callout *callout = callout_new(&scene->options, memory);
    start_crowd(scene, callout, crowd, CROWD, false);
    CHECK_INT(end_crowd(scene, crowd, CROWD, CALLOUT_YES), 0);
    CHECK_INT(scene->peer.connections, CROWD);
    callout_free(callout);
}

/* Those behind the first eight do not wait for the same silence again. */
TEST_CALLOUT(a_silent_server_gets_eight_connections_and_no_more)
{
    struct asking crowd[CROWD];
    struct callout *callout = callout_new(&scene->options, memory);
    scene->peer.script = "RCPT=!silent";
    start_crowd(scene, callout, crowd, CROWD, false);
    CHECK_INT(end_crowd(scene, crowd, CROWD, CALLOUT_UNKNOWN), 0);
    CHECK_INT(scene->peer.connections, 8);
    callout_free(callout);
}

TEST_CALLOUT(too_many_questions_for_one_server_are_not_asked)
{
    static struct asking crowd[101];
    struct callout *callout = callout_new(&scene->options, memory);
    scene->peer.script = "RCPT=!silent";
    start_crowd(scene, callout, crowd, ARRAY_LEN(crowd), false);
    CHECK_INT(end_crowd(scene, crowd, ARRAY_LEN(crowd), CALLOUT_UNKNOWN), 1);
    callout_free(callout);
}

/* The peer is silent to those who come by the one name, and answers who comes by the other. */
TEST_CALLOUT(a_slow_server_delays_no_other)
{
    struct asking crowd[CROWD];
    struct arena arena = arena_make();
    struct callout_answer answer;
    struct callout *callout = callout_new(&scene->options, memory);
    struct route_way other = scene->slot.way;
    other.name = STR("smtp:localhost:2526");
    scene->peer.script = "RCPT=!silent | RCPT9=250 ok";
    start_crowd(scene, callout, crowd, CROWD, false);
    pass(1000);
    CHECK_INT(scene->peer.connections, 8);
    CHECK_INT(callout_ask(callout, &other, STR(ADDRESS), loop_now_ms() + 1000, &arena, &answer),
              OK);
    CHECK_INT(answer.verdict, CALLOUT_YES);
    arena_reset(&arena);
    CHECK_INT(end_crowd(scene, crowd, CROWD, CALLOUT_UNKNOWN), 0);
    callout_free(callout);
}

/* ---- those who do not wait for the answer ---- */
TEST_CALLOUT(an_answer_that_comes_after_the_deadline_is_there_the_next_time)
{
    struct asking asking = {.scene = scene, .address = STR(ADDRESS), .patience_ms = 100};
    asking.callout = callout_new(&scene->options, memory);
    asking.arena = arena_make();
    scene->peer.script = "RCPT=!later";
    ask(&asking);
    CHECK_INT(asking.err, OK);
    CHECK_INT(asking.answer.verdict, CALLOUT_UNKNOWN);
    pass(1000);
    CHECK_INT(verdict_on(scene, asking.callout, ADDRESS), CALLOUT_LATER);
    CHECK_INT(peer_heard(&scene->peer, "RCPT"), 1);
    callout_free(asking.callout);
    arena_reset(&asking.arena);
}

TEST_CALLOUT(a_session_that_is_cancelled_leaves_the_question_behind)
{
    struct asking asking = {.scene = scene, .address = STR(ADDRESS), .patience_ms = PATIENCE_MS};
    asking.callout = callout_new(&scene->options, memory);
    asking.arena = arena_make();
    scene->peer.script = "RCPT=!later";
    fiber_spawn(&scene->deliveries, "asking", ask, &asking);
    pass(100);
    fiber_group_cancel(&scene->deliveries);
    CHECK(fiber_group_join(&scene->deliveries, loop_now_ms() + 1) == OK);
    CHECK_INT(asking.err, ERR_CANCELLED);
    CHECK_INT(verdict_on(scene, asking.callout, ADDRESS), CALLOUT_LATER);
    CHECK_INT(peer_heard(&scene->peer, "RCPT"), 1);
    callout_free(asking.callout);
    arena_reset(&asking.arena);
}

TEST_CALLOUT(at_the_end_those_who_wait_are_told)
{
    struct asking crowd[CROWD];
    struct callout *callout = callout_new(&scene->options, memory);
    scene->peer.script = "RCPT=!silent";
    start_crowd(scene, callout, crowd, CROWD, false);
    pass(100);
    callout_free(callout);
    CHECK_INT(end_crowd(scene, crowd, CROWD, CALLOUT_UNKNOWN), 0);
}

int main(void)
{
    log_init(LOG_ERROR, 2);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        test_run_row(rows[i].sentence, run_row, &rows[i]);
    RUN(the_status_is_the_servers);
    RUN(a_yes_holds_for_an_hour_and_a_no_for_five_minutes);
    RUN(the_same_address_on_another_way_is_another_question);
    RUN(a_server_that_cannot_be_asked_is_left_alone_for_a_while);
    RUN(the_oldest_answers_make_room_for_new_ones);
    RUN(the_same_question_of_many_is_asked_once);
    RUN(many_questions_are_all_answered);
    RUN(a_silent_server_gets_eight_connections_and_no_more);
    RUN(a_slow_server_delays_no_other);
    RUN(too_many_questions_for_one_server_are_not_asked);
    RUN(an_answer_that_comes_after_the_deadline_is_there_the_next_time);
    RUN(a_session_that_is_cancelled_leaves_the_question_behind);
    RUN(at_the_end_those_who_wait_are_told);
    return test_summary();
}
