/* What remote servers do, and what becomes of the mail. */
#include "mail/text.h"
#include "scene.h"

#include <unistd.h>

/* Each recipient's fate: D delivered, Q deferred, F refused for good, H held, - never finished; and
 * the copies the server took. */
static const char *fates(const struct scene *scene, char out[32])
{
    const struct fake_message *message = &scene->slot.messages[0];
    char *to = out;
    for (size_t i = 0; i < message->count; i++) {
        const struct fake_recipient *recipient = &message->recipients[i];
        *to++ = recipient->finished ? "DQFH"[recipient->kind] : '-';
    }
    *to++ = ' ';
    for (size_t i = 0; i < message->count; i++)
        *to++ = (char)('0' + scene->peer.copies[i]);
    *to = '\0';
    return out;
}

struct row {
    const char *sentence;
    const char *extensions;
    const char *script;
    const char *want;         /* fates of a@, b@ and c@, copies */
    enum spool_reason reason; /* of the last recipient that was not delivered */
    const char *words;        /* found in the words of that one; NULL: anything */
};

#define PLAIN   ""
#define PIPE    "PIPELINING"
#define BDAT    "PIPELINING CHUNKING"
#define NOTHING SPOOL_REASON_NONE
#define REPLY   SPOOL_REASON_REPLY
#define LOST    SPOOL_REASON_CONNECTION
#define TWICE   "may have arrived"
#define HUNDRED                                                                                    \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxxxx"
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

static const struct row rows[] = {
    {"all goes well, one by one", PLAIN, "", "DDD 111", NOTHING, NULL},
    {"all goes well, pipelined", PIPE, "", "DDD 111", NOTHING, NULL},
    {"all goes well, by BDAT", BDAT, "", "DDD 111", NOTHING, NULL},
    {"BDAT without pipelining", "CHUNKING", "", "DDD 111", NOTHING, NULL},
    {"every extension at once", "PIPELINING SIZE,100000 8BITMIME SMTPUTF8 DSN CHUNKING STARTTLS",
     "", "DDD 111", NOTHING, NULL},
    {"an old server knows HELO only", PLAIN, "EHLO=502 what", "DDD 111", NOTHING, NULL},
    {"replies of many lines", PIPE, "RCPT=250-yes\r\n250-and\r\n250 ok | DOT=250-a\r\n250 b",
     "DDD 111", NOTHING, NULL},
    {"replies without text, and lines that end in LF", PIPE, "MAIL=250-\n250 | RCPT=250 | DOT=250",
     "DDD 111", NOTHING, NULL},
    {"one reply too many: nobody knows what belongs to what", PIPE, "MAIL=250 ok\r\n250 ok",
     "QQQ 000", LOST, "no SMTP"},

    {"4xx in the banner", PIPE, "CONNECT=450 later", "QQQ 000", REPLY, "450 later"},
    {"5xx in the banner is about us, and may pass", PIPE, "CONNECT=554 go away", "QQQ 000", REPLY,
     "554 go away"},
    {"521 in the banner: this host takes no mail", PIPE, "CONNECT=521 never", "FFF 000", REPLY,
     "521"},
    {"421 in the banner", PIPE, "CONNECT=421 busy", "QQQ 000", REPLY, "421"},
    {"4xx to EHLO", PIPE, "EHLO=451 later", "QQQ 000", REPLY, "451"},
    {"5xx to EHLO and HELO", PIPE, "EHLO=550 no | HELO=550 no", "QQQ 000", REPLY, "550"},
    {"4xx to MAIL, pipelined", PIPE, "MAIL=451 4.3.0 later", "QQQ 000", REPLY, "451 4.3.0 later"},
    {"4xx to MAIL, one by one", PLAIN, "MAIL=451 later", "QQQ 000", REPLY, "451"},
    {"5xx to MAIL, pipelined", PIPE, "MAIL=550 5.7.1 no", "FFF 000", REPLY, "550 5.7.1 no"},
    {"5xx to MAIL, one by one", PLAIN, "MAIL=550 no", "FFF 000", REPLY, "550"},
    {"5xx to MAIL, before BDAT", BDAT, "MAIL=550 no", "FFF 000", REPLY, "550"},
    {"MAIL refused, but RCPT and DATA taken: nobody gets an empty message", PIPE,
     "MAIL=550 no | RCPT=250 ok | DATA=354 go", "FFF 000", REPLY, "550"},
    {"4xx to one RCPT", PIPE, "RCPT2=450 4.2.1 box", "DQD 101", REPLY, "450 4.2.1 box"},
    {"4xx to every RCPT", PIPE, "RCPT=450 box", "QQQ 000", REPLY, "450"},
    {"5xx to one RCPT", PIPE, "RCPT3=550 5.1.1 who", "DDF 110", REPLY, "550 5.1.1 who"},
    {"5xx to every RCPT", PIPE, "RCPT=550 who", "FFF 000", REPLY, "550"},
    {"5xx to every RCPT, one by one", PLAIN, "RCPT=550 who", "FFF 000", REPLY, "550"},
    {"5xx to every RCPT, and 354 to DATA sent ahead", PIPE, "RCPT=550 who | DATA=354 go", "FFF 000",
     REPLY, "550"},
    {"a mixture at RCPT", PIPE, "RCPT1=550 who | RCPT2=451 later", "FQD 001", REPLY, "451"},
    {"a mixture at RCPT, one by one", PLAIN, "RCPT1=550 who | RCPT2=451 later", "FQD 001", REPLY,
     "451"},
    {"a mixture at RCPT, by BDAT", BDAT, "RCPT1=550 who | RCPT2=451 later", "FQD 001", REPLY,
     "451"},
    {"251 to RCPT is a yes", PIPE, "RCPT2=251 will forward", "DDD 111", NOTHING, NULL},
    {"4xx to DATA", PIPE, "DATA=451 later", "QQQ 000", REPLY, "451"},
    {"5xx to DATA", PLAIN, "DATA=554 no", "FFF 000", REPLY, "554"},
    {"5xx to DATA, where one was refused already", PIPE, "RCPT1=450 box | DATA=554 no", "QFF 000",
     REPLY, "554"},
    {"250 to DATA is no answer", PIPE, "DATA=250 ok", "QQQ 000", LOST, "no SMTP"},
    {"4xx to the content", PIPE, "DOT=451 4.7.1 greylisted", "QQQ 000", REPLY, "4.7.1"},
    {"5xx to the content", PIPE, "DOT=550 5.6.0 spam", "FFF 000", REPLY, "550 5.6.0 spam"},
    {"5xx to the content, where one was refused already", PIPE, "RCPT2=450 box | DOT=550 spam",
     "FQF 000", REPLY, "550"},
    {"4xx to BDAT", BDAT, "BDAT=452 full", "QQQ 000", REPLY, "452"},
    {"5xx to BDAT", BDAT, "BDAT=554 no", "FFF 000", REPLY, "554"},
    {"354 to the content is no answer", PIPE, "DOT=354 more", "QQQ 000", LOST, TWICE},

    {"too many recipients: the rest follow at once", PIPE, "RCPT3=452 4.5.3 enough", "DDD 111",
     NOTHING, NULL},
    {"one recipient at a time", PIPE, "RCPT2=452 enough | RCPT3=452 enough", "DDD 111", NOTHING,
     NULL},
    {"552 for too many, one by one", PLAIN, "RCPT2=552 enough | RCPT3=552 enough", "DDD 111",
     NOTHING, NULL},
    {"too many, by BDAT", BDAT, "RCPT3=452 4.5.3 enough", "DDD 111", NOTHING, NULL},
    {"too many, though there was none: it has to wait", PIPE, "RCPT=452 4.5.3 none", "QQQ 000",
     REPLY, "452"},
    {"452 4.2.2 is a full mailbox", PIPE, "RCPT2=452 4.2.2 full", "DQD 101", REPLY, "4.2.2"},
    {"552 5.2.2 is a full mailbox", PIPE, "RCPT2=552 5.2.2 full", "DFD 101", REPLY, "5.2.2"},
    {"4.5.3 asks for another transaction, whatever the code", PIPE, "RCPT2=451 4.5.3 apart",
     "DDD 111", NOTHING, NULL},
    {"too many, and then the server is gone", PIPE, "RCPT3=452 enough | RSET=!reset | MAIL2=!reset",
     "DDQ 110", LOST, NULL},
    {"the server announces its limit", "PIPELINING LIMITS,RCPTMAX=2", "", "DDD 111", NOTHING, NULL},

    {"421 to MAIL", PIPE, "MAIL=421 4.3.2 stopping", "QQQ 000", REPLY, "421 4.3.2"},
    {"421 to a RCPT", PIPE, "RCPT2=421 stopping", "QQQ 000", REPLY, "421"},
    {"421 to a RCPT behind one refused for good", PIPE, "RCPT1=550 who | RCPT2=421 stopping",
     "FQQ 000", REPLY, "421"},
    {"421 to DATA", PIPE, "DATA=421 stopping", "QQQ 000", REPLY, "421"},
    {"421 to the content", PIPE, "DOT=421 stopping", "QQQ 000", REPLY, "421"},
    {"421 to BDAT", BDAT, "BDAT=421 stopping", "QQQ 000", REPLY, "421"},
    {"421 behind a good answer", PIPE, "DOT=250 ok\r\n421 bye!close", "DDD 111", NOTHING, NULL},

    {"closed at the banner", PIPE, "CONNECT=!close", "QQQ 000", LOST, "greeting"},
    {"closed at EHLO", PIPE, "EHLO=!close", "QQQ 000", LOST, "greeting"},
    {"closed at MAIL", PIPE, "MAIL=!close", "QQQ 000", LOST, "envelope"},
    {"closed at RCPT", PIPE, "RCPT2=!close", "QQQ 000", LOST, "envelope"},
    {"closed at DATA", PLAIN, "DATA=!close", "QQQ 000", LOST, "envelope"},
    {"closed behind 354", PIPE, "DATA=354 go!close", "QQQ 000", LOST, "content"},
    {"closed at the dot: it may have arrived", PIPE, "DOT=!close", "QQQ 111", LOST, TWICE},
    {"reset at the banner", PIPE, "CONNECT=!reset", "QQQ 000", LOST, NULL},
    {"reset at EHLO", PIPE, "EHLO=!reset", "QQQ 000", LOST, NULL},
    {"reset at MAIL", PLAIN, "MAIL=!reset", "QQQ 000", LOST, NULL},
    {"reset at RCPT", PLAIN, "RCPT3=!reset", "QQQ 000", LOST, NULL},
    {"reset at RCPT behind one refused for good", PLAIN, "RCPT1=550 no | RCPT3=!reset", "FQQ 000",
     LOST, NULL},
    {"reset at DATA", PIPE, "DATA=!reset", "QQQ 000", LOST, NULL},
    {"reset at the dot", PIPE, "DOT=!reset", "QQQ 111", LOST, TWICE},
    {"reset at the end of BDAT", BDAT, "BDAT=!reset", "QQQ 111", LOST, TWICE},
    {"reset behind the answer", PIPE, "DOT=250 ok!reset", "DDD 111", NOTHING, NULL},

    {"silence at the banner", PIPE, "CONNECT=!silent", "QQQ 000", LOST, "silent"},
    {"silence at EHLO", PIPE, "EHLO=!silent", "QQQ 000", LOST, "silent"},
    {"silence at MAIL", PIPE, "MAIL=!silent", "QQQ 000", LOST, "silent"},
    {"silence at RCPT", PIPE, "RCPT3=!silent", "QQQ 000", LOST, "silent"},
    {"silence at DATA", PIPE, "DATA=!silent", "QQQ 000", LOST, "silent"},
    {"silence at the dot", PIPE, "DOT=!silent", "QQQ 111", LOST, TWICE},
    {"silence at QUIT harms nobody", PIPE, "QUIT=!silent", "DDD 111", NOTHING, NULL},
    {"reset at QUIT harms nobody", PIPE, "QUIT=!reset", "DDD 111", NOTHING, NULL},

    {"each answer takes a minute", PIPE,
     "CONNECT=~220 hi | EHLO=~250-peer\r\n250 PIPELINING | MAIL=~250 ok | RCPT=~250 ok | "
     "DATA=~354 go | DOT=~250 ok",
     "DDD 111", NOTHING, NULL},
    {"the answer to the content takes a minute, by BDAT", BDAT, "BDAT=~250 ok", "DDD 111", NOTHING,
     NULL},
    {"silence within a reply", PIPE, "RCPT2=250-yes!silent", "QQQ 000", LOST, "silent"},
    {"silence within the answer to the dot", PIPE, "DOT=250-yes!silent", "QQQ 111", LOST, TWICE},

    {"the banner is no SMTP", PIPE, "CONNECT=!garbage", "QQQ 000", LOST, "no SMTP"},
    {"the banner is 354", PIPE, "CONNECT=354 go", "QQQ 000", LOST, "no SMTP"},
    {"a reply without a code", PIPE, "MAIL=hello", "QQQ 000", LOST, "no SMTP"},
    {"a reply with a code of 999", PIPE, "RCPT=999 ok", "QQQ 000", LOST, "no SMTP"},
    {"codes that differ within a reply", PIPE, "RCPT1=250-ok\r\n550 no", "QQQ 000", LOST,
     "no SMTP"},
    {"the content is answered by no SMTP", PIPE, "DOT=!garbage", "QQQ 111", LOST, TWICE},
    {"an endless banner", PIPE, "CONNECT=!endless", "QQQ 000", LOST, "no SMTP"},
    {"an endless answer to EHLO", PIPE, "EHLO=!endless", "QQQ 000", LOST, "no SMTP"},
    {"an endless answer to RCPT", PIPE, "RCPT2=!endless", "QQQ 000", LOST, "no SMTP"},
    {"an endless answer to the dot", PIPE, "DOT=!endless", "QQQ 111", LOST, TWICE},

    {"control characters in a refusal", PIPE,
     "RCPT1=550 5.1.1 \x1b[31mwho\x07 | RCPT2=550 5.1.1 \xff\xfe | RCPT3=450 \xc2\x9b later",
     "FFQ 000", REPLY, "450"},
    {"a refusal of a thousand bytes", PIPE, "RCPT3=550 5.1.1 " THOUSAND, "DDF 110", REPLY,
     "550 5.1.1 xxx"},

    {"the message is larger than the server takes", "PIPELINING SIZE,20", "", "FFF 000", REPLY,
     "5.3.4"},
    {"a limit of 0 is none", "PIPELINING SIZE,0", "", "DDD 111", NOTHING, NULL},
};

static void check_words(const struct row *row, const struct fake_message *message)
{
    const struct fake_recipient *last = NULL;
    for (size_t i = 0; i < message->count; i++)
        if (message->recipients[i].kind != QUEUE_DELIVERED)
            last = &message->recipients[i];
    CHECK_ROW(row->sentence, (last ? last->reason : SPOOL_REASON_NONE) == row->reason);
    if (row->words && last)
        CHECK_ROW(row->sentence, strstr(last->words, row->words));
    for (size_t i = 0; i < message->count; i++)
        CHECK_ROW(row->sentence, mail_text_is_clean(str_of(message->recipients[i].words)));
}

static void play_row(struct scene *scene)
{
    const struct row *row = scene->row;
    char got[32];
    int failed = test_failed_checks;
    scene->peer.extensions = row->extensions;
    scene->peer.script = row->script;
    scene_add(scene, 3);
    scene_deliver(scene);
    CHECK_STR(str_of(fates(scene, got)), str_of(row->want));
    CHECK_ROW(row->sentence, scene->peer.wrong_contents == 0);
    check_words(row, &scene->slot.messages[0]);
    if (test_failed_checks != failed) {
        struct arena arena = arena_make();
        printf("# in: %s\n%.*s\n", row->sentence, STR_FMT(scene_story(scene, &arena)));
        arena_reset(&arena);
    }
}

static void run_row(const void *row) { scene_play(play_row, row); }

/* ---- whose connection it was ---- */
struct blame {
    const char *sentence;
    const char *script;
    bool blocks; /* the queue is told that the destination is at fault */
};

static const struct blame blames[] = {
    {"no greeting", "CONNECT=!close", true},
    {"a greeting that is a refusal", "CONNECT=554 no", true},
    {"no answer to EHLO", "EHLO=!reset", true},
    {"a greeting, and nothing behind it", "MAIL=!close", true},
    {"a greeting, and 421 behind it", "MAIL=421 too busy", true},
    {"MAIL refused", "MAIL=451 later", false},
    {"lost behind an answer", "RCPT2=!close", false},
    {"everybody refused", "RCPT=550 no", false},
};

static void play_blame(struct scene *scene)
{
    const struct blame *row = scene->row;
    scene->peer.script = row->script;
    scene_add(scene, 2);
    scene_add(scene, 2);
    scene_deliver(scene);
    CHECK_ROW(row->sentence, scene->slot.blocked == row->blocks);
    /* Not every job of a dead destination is tried. */
    if (row->blocks)
        CHECK_ROW(row->sentence, scene->slot.jobs == 1);
}

TEST(a_destination_that_cannot_be_used_ends_the_slot)
{
    for (size_t i = 0; i < ARRAY_LEN(blames); i++)
        scene_play(play_blame, &blames[i]);
}

TEST_SCENE(nobody_listens)
{
    scene->slot.way.port = 2527;
    scene_add(scene, 1);
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_INT(scene->slot.jobs, 1);
    CHECK(scene->slot.blocked);
    CHECK_INT(scene->slot.messages[0].recipients[0].reason, SPOOL_REASON_CONNECTION);
    CHECK(strstr(scene->slot.messages[0].recipients[0].words, "refused"));
}

TEST_SCENE(jobs_that_expired_meanwhile_are_finished_without_another_try)
{
    scene->peer.script = "CONNECT=!close";
    scene->slot.all_expired = true;
    scene_add(scene, 1);
    scene_add(scene, 2);
    scene_deliver(scene);
    const struct fake_recipient *recipient = &scene->slot.messages[1].recipients[1];
    CHECK_INT(scene->peer.connections, 1);
    CHECK_INT(scene->slot.jobs, 2);
    CHECK_INT(recipient->kind, QUEUE_DEFERRED);
    CHECK_INT(recipient->reason, SPOOL_REASON_DNS);
    CHECK_STR(str_of(recipient->words), STR("dead for days"));
}

/* ---- kept connections ---- */
TEST_SCENE(one_connection_carries_many_messages)
{
    for (int i = 0; i < 5; i++)
        scene_add(scene, 3);
    scene_deliver(scene);
    CHECK_INT(scene->peer.connections, 1);
    CHECK_INT(scene->peer.quits, 1);
    CHECK_INT(peer_heard(&scene->peer, "RSET"), 0);
    CHECK_INT(scene->peer.copies[2], 5);
}

TEST_SCENE(after_a_failure_the_connection_is_kept_and_reset)
{
    scene->peer.script = "RCPT1=550 who";
    scene->slot.job_max = 1;
    scene_add(scene, 3);
    scene_deliver(scene);
    char got[32];
    CHECK_STR(str_of(fates(scene, got)), STR("FDD 011"));
    CHECK_INT(scene->peer.connections, 1);
    CHECK_INT(peer_heard(&scene->peer, "RSET"), 1);
}

TEST_SCENE(a_kept_connection_that_died_is_no_reason_to_wait)
{
    scene->peer.script = "MAIL2=!close";
    scene_add(scene, 1);
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_INT(scene->peer.connections, 2);
    CHECK_INT(scene->peer.copies[0], 2);
    CHECK(!scene->slot.blocked);
}

TEST_SCENE(a_connection_that_takes_one_message_only_is_replaced)
{
    scene->peer.script = "MAIL2=421 one only";
    scene_add(scene, 1);
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_INT(scene->peer.connections, 2);
    CHECK_INT(scene->peer.copies[0], 2);
}

static struct scene *waiting_scene;
static void add_while_waiting(struct queue_slot *slot)
{
    UNUSED(slot);
    CHECK(fiber_sleep_until(loop_now_ms() + 1000) == OK);
    scene_add(waiting_scene, 1);
}

TEST_SCENE(an_idle_connection_waits_for_the_next_job)
{
    waiting_scene = scene;
    scene->slot.on_wait = add_while_waiting;
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_INT(scene->peer.connections, 1);
    CHECK_INT(scene->peer.copies[0], 2);
    CHECK(loop_now_ms() >= 6000); /* a second, and then the idle time */
}

TEST_SCENE(a_server_that_closes_while_idle_is_noticed)
{
    waiting_scene = scene;
    scene->slot.on_wait = add_while_waiting;
    scene->peer.script = "DOT1=250 ok!later";
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_INT(scene->peer.copies[0], 2);
    CHECK_INT(scene->peer.connections, 2);
    CHECK_INT(scene->slot.waits, 2);
}

/* ---- the end of the server's life ---- */
static void drain_soon(void *argument)
{
    struct scene *scene = argument;
    CHECK(fiber_sleep_until(loop_now_ms() + 50) == OK);
    fiber_group_drain(&scene->deliveries);
}

static void cancel_soon(void *argument)
{
    struct scene *scene = argument;
    CHECK(fiber_sleep_until(loop_now_ms() + 50) == OK);
    fiber_group_cancel(&scene->deliveries);
}

TEST_SCENE(a_drain_finishes_the_transaction_and_takes_no_other)
{
    network_memory_set_faults(
        scene->network,
        (struct network_faults){.delay_max_ms = 100, .break_after_bytes = UINT64_MAX});
    scene_add(scene, 2);
    scene_add(scene, 2);
    fiber_spawn(&scene->services, "drain", drain_soon, scene);
    scene_deliver(scene);
    CHECK_INT(scene->slot.jobs, 1);
    CHECK_INT(scene->peer.copies[1], 1);
    CHECK_INT(scene->peer.quits, 1);
}

TEST_SCENE(a_cancelled_job_goes_back_untried)
{
    scene->peer.script = "RCPT2=!silent";
    scene_add(scene, 2);
    fiber_spawn(&scene->services, "cancel", cancel_soon, scene);
    scene_deliver(scene);
    CHECK_INT(scene->slot.returned, 1);
    CHECK_INT(scene->slot.messages[0].recipients[0].finished, 0);
}

TEST_SCENE(a_cancelled_connect_gives_the_job_back)
{
    scene->peer.script = "CONNECT=!silent";
    scene_add(scene, 2);
    fiber_spawn(&scene->services, "cancel", cancel_soon, scene);
    scene_deliver(scene);
    CHECK_INT(scene->slot.returned, 1);
    CHECK(!scene->slot.blocked);
}

TEST_SCENE(a_job_cancelled_at_the_answer_is_an_attempt)
{
    scene->peer.script = "DOT=!silent";
    scene_add(scene, 2);
    fiber_spawn(&scene->services, "cancel", cancel_soon, scene);
    scene_deliver(scene);
    CHECK_INT(scene->slot.returned, 0);
    CHECK_INT(scene->slot.messages[0].recipients[0].kind, QUEUE_DEFERRED);
    CHECK(strstr(scene->slot.messages[0].recipients[0].words, TWICE));
}

/* ---- LMTP ---- */
static const struct row lmtp_rows[] = {
    {"one answer for each", PIPE, "", "DDD 111", NOTHING, NULL},
    {"one answer for each, one by one", PLAIN, "", "DDD 111", NOTHING, NULL},
    {"BDAT is not used", BDAT, "BDAT=554 no", "DDD 111", NOTHING, NULL},
    {"none for who was refused at RCPT", PIPE, "RCPT2=550 5.1.1 who | DOT3=554 one too many",
     "DFD 101", REPLY, "5.1.1 who"},
    {"a mixture at RCPT and behind the content", PIPE, "RCPT1=451 later | DOT1=552 5.2.2 full",
     "QFD 001", REPLY, "552 5.2.2 full"},
    {"4xx to one", PIPE, "DOT2=452 4.2.2 full", "DQD 101", REPLY, "452 4.2.2 full"},
    {"5xx to one", PIPE, "DOT1=552 5.2.2 full", "FDD 011", REPLY, "552 5.2.2 full"},
    {"each its own", PIPE, "DOT1=550 no | DOT2=451 later", "FQD 001", REPLY, "451 later"},
    {"5xx to every RCPT", PIPE, "RCPT=550 5.1.1 who", "FFF 000", REPLY, "5.1.1"},
    {"5xx to every RCPT, and 354 to DATA against the RFC", PIPE, "RCPT=550 who | DATA=354 go",
     "FFF 000", REPLY, "550"},
    {"4xx to MAIL", PIPE, "MAIL=451 later", "QQQ 000", REPLY, "451"},
    {"5xx to DATA", PIPE, "DATA=554 no", "FFF 000", REPLY, "554"},
    {"an SMTP server knows no LHLO", PIPE, "EHLO=500 5.5.1 unknown", "QQQ 000", REPLY, "500 5.5.1"},
    {"closed between the answers", PIPE, "DOT2=!close", "DQQ 111", LOST, TWICE},
    {"reset between the answers", PIPE, "DOT3=250 ok!reset | DOT2=451 later", "DQD 101", REPLY,
     "451 later"},
    {"only one answer, as by SMTP", PIPE, "DOT2=!silent", "DQQ 111", LOST, TWICE},
    {"something that is no answer among them", PIPE, "DOT2=354 more", "DQQ 101", LOST, TWICE},
    {"421 among them", PIPE, "DOT2=421 4.3.2 stopping", "DQQ 101", REPLY, "421 4.3.2"},
    {"too many recipients: the rest follow", PIPE, "RCPT3=452 4.5.3 enough", "DDD 111", NOTHING,
     NULL},
};

static void play_lmtp_row(struct scene *scene)
{
    scene->slot.way.via = ROUTE_LMTP;
    scene->peer.is_lmtp = true;
    play_row(scene);
}

static void run_lmtp_row(const void *row) { scene_play(play_lmtp_row, row); }

static void deliver_to_socket(struct scene *scene, const char *host)
{
    char want[200];
    scene->slot.way.via = ROUTE_LMTP;
    scene->slot.way.host = str_of(host);
    scene->options.network = network_system();
    scene_add(scene, 1);
    scene_deliver(scene);
    const struct fake_recipient *recipient = &scene->slot.messages[0].recipients[0];
    CHECK_INT(recipient->kind, QUEUE_DEFERRED);
    CHECK_INT(recipient->reason, SPOOL_REASON_CONNECTION);
    snprintf(want, sizeof want,
             "no connection to %s: nobody listens there (is the server running, and is this the "
             "path of its socket?)",
             host);
    CHECK_STR(str_of(recipient->words), str_of(want));
}

TEST_SCENE(a_socket_that_is_not_there_defers_and_says_what_to_do)
{
    deliver_to_socket(scene, "unix:/nowhere/lmtp");
}

TEST_SCENE(a_socket_without_a_server_defers_and_says_what_to_do)
{
    char host[100];
    struct net_address at;
    int fd;
    snprintf(host, sizeof host, "unix:/tmp/postrider-dead-%d", (int)getpid());
    REQUIRE(net_address_parse(str_of(host), 0, &at) == OK);
    REQUIRE(network_listen(&at, 0600, &fd) == OK);
    close(fd); /* the name remains */
    deliver_to_socket(scene, host);
    unlink(host + strlen("unix:"));
}

/* ---- the message ---- */
TEST_SCENE(a_large_message_arrives_whole_by_data_and_by_bdat)
{
    static char text[3 << 20];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "\r\n.x"[i % 4];
    text[0] = 'a', text[1] = 'b'; /* no bare line end at the start */
    text[sizeof text - 2] = '\r', text[sizeof text - 1] = '\n';
    text[sizeof text - 4] = text[sizeof text - 3] = 'z';
    scene->peer.message = str_make(text, sizeof text);
    scene_add(scene, 1);
    scene_deliver(scene);
    scene->peer.extensions = BDAT;
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_INT(scene->peer.copies[0], 2);
    CHECK_INT(scene->peer.wrong_contents, 0);
    CHECK_INT(peer_heard(&scene->peer, "BDAT"), 3);
}

TEST_SCENE(an_empty_message_is_one)
{
    scene->peer.message = STR_EMPTY;
    scene_add(scene, 1);
    scene_deliver(scene);
    scene->peer.extensions = BDAT;
    scene_add(scene, 1);
    scene_deliver(scene);
    CHECK_INT(scene->peer.copies[0], 2);
    CHECK_INT(scene->peer.wrong_contents, 0);
}

TEST_SCENE(a_bare_line_end_is_never_sent)
{
    scene_add_envelope(scene, (struct spool_envelope){.sender = STR("me@here.example")}, 1,
                       STR("a\n.\r\nMAIL FROM:<>\r\n"));
    scene_deliver(scene);
    scene->peer.extensions = BDAT;
    scene_add_envelope(scene, (struct spool_envelope){.sender = STR("me@here.example")}, 1,
                       STR("a\r\n.\r"));
    scene_deliver(scene);
    CHECK_INT(scene->peer.copies[0], 0);
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(scene->slot.messages[i].recipients[0].kind, QUEUE_FAILED);
        CHECK(strstr(scene->slot.messages[i].recipients[0].words, "5.6.0"));
    }
}

TEST_SCENE(smtputf8_goes_only_where_it_is_offered)
{
    struct spool_envelope envelope = {.sender = STR("m\xc3\xbc@here.example"), .smtputf8 = true};
    scene_add_envelope(scene, envelope, 1, scene->peer.message);
    scene_deliver(scene);
    CHECK_INT(scene->slot.messages[0].recipients[0].kind, QUEUE_FAILED);
    CHECK(strstr(scene->slot.messages[0].recipients[0].words, "5.6.7"));
    scene->peer.extensions = "SMTPUTF8";
    scene_add_envelope(scene, envelope, 1, scene->peer.message);
    scene_deliver(scene);
    CHECK_INT(scene->slot.messages[1].recipients[0].kind, QUEUE_DELIVERED);
}

TEST_SCENE(an_address_that_would_break_out_of_its_line_is_not_sent)
{
    struct spool_recipient list[] = {
        {.address = STR("a@b.example> NOTIFY=NEVER")},
        {.address = STR("b@b.example\r\nRSET")},
        {.address = STR("c@b.example")},
    };
    struct spool_envelope envelope = {
        .sender = STR_EMPTY, .recipients = list, .recipient_count = ARRAY_LEN(list)};
    char got[32];
    scene_add_envelope(scene, envelope, 0, scene->peer.message);
    scene_deliver(scene);
    CHECK_STR(str_of(fates(scene, got)), STR("FFD 001"));
}

/* ---- the story ---- */
TEST_SCENE(the_story_is_told)
{
    scene->peer.extensions = "PIPELINING SIZE,1000 8BITMIME DSN";
    scene->peer.script = "RCPT2=550 5.1.1 who is that?";
    struct spool_recipient list[] = {
        {.address = STR("a@b.example"),
         .original = STR("rfc822;old+x@b.example"),
         .notify = SPOOL_NOTIFY_FAILURE | SPOOL_NOTIFY_DELAY},
        {.address = STR("b@b.example")},
    };
    struct spool_envelope envelope = {.sender = STR("me@here.example"),
                                      .recipients = list,
                                      .recipient_count = ARRAY_LEN(list),
                                      .body_8bit = true,
                                      .envelope_id = STR("x y"),
                                      .returns = SPOOL_RETURN_HEADERS};
    scene_add_envelope(scene, envelope, 0, scene->peer.message);
    scene_deliver(scene);
    CHECK(story_has(scene, "<a@b.example>: delivered: 250 2.0.0 taken"));
    CHECK(story_has(scene, "<b@b.example>: bounced, refused for good: 550 5.1.1 who is that?"));
    CHECK(story_has(scene, "C: MAIL FROM:<me@here.example> SIZE=71 BODY=8BITMIME RET=HDRS "
                           "ENVID=x+20y\n"));
    CHECK(story_has(scene, "C: RCPT TO:<a@b.example> NOTIFY=FAILURE,DELAY "
                           "ORCPT=rfc822;old+2Bx@b.example\n"));
    CHECK(story_has(scene, "C: RCPT TO:<b@b.example>\n"));
    CHECK(story_has(scene, "S: 220 peer ESMTP"));
}

TEST_SCENE(a_hold_way_holds)
{
    scene->slot.way.via = ROUTE_HOLD;
    scene_add(scene, 2);
    scene_deliver(scene);
    CHECK_INT(scene->slot.messages[0].recipients[1].kind, QUEUE_HELD);
    CHECK_INT(scene->slot.messages[0].recipients[1].reason, SPOOL_REASON_ROUTE);
    CHECK_INT(scene->peer.connections, 0);
    CHECK(story_has(scene, "held"));
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        test_run_row(rows[i].sentence, run_row, &rows[i]);
    RUN(a_destination_that_cannot_be_used_ends_the_slot);
    RUN(nobody_listens);
    RUN(jobs_that_expired_meanwhile_are_finished_without_another_try);
    RUN(one_connection_carries_many_messages);
    RUN(after_a_failure_the_connection_is_kept_and_reset);
    RUN(a_kept_connection_that_died_is_no_reason_to_wait);
    RUN(a_connection_that_takes_one_message_only_is_replaced);
    RUN(an_idle_connection_waits_for_the_next_job);
    RUN(a_server_that_closes_while_idle_is_noticed);
    RUN(a_drain_finishes_the_transaction_and_takes_no_other);
    RUN(a_cancelled_job_goes_back_untried);
    RUN(a_cancelled_connect_gives_the_job_back);
    RUN(a_job_cancelled_at_the_answer_is_an_attempt);
    for (size_t i = 0; i < ARRAY_LEN(lmtp_rows); i++)
        test_run_row(lmtp_rows[i].sentence, run_lmtp_row, &lmtp_rows[i]);
    RUN(a_socket_that_is_not_there_defers_and_says_what_to_do);
    RUN(a_socket_without_a_server_defers_and_says_what_to_do);
    RUN(a_large_message_arrives_whole_by_data_and_by_bdat);
    RUN(an_empty_message_is_one);
    RUN(a_bare_line_end_is_never_sent);
    RUN(smtputf8_goes_only_where_it_is_offered);
    RUN(an_address_that_would_break_out_of_its_line_is_not_sent);
    RUN(the_story_is_told);
    RUN(a_hold_way_holds);
    return test_summary();
}
