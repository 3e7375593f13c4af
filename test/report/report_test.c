/* What senders are told of, to whom it goes, and what both stories say. */
#include "report/dsn.h"
#include "verify/dkim_verify.h"
#include "world.h"

static struct queue_outcome refused(const char *words)
{
    return (struct queue_outcome){.kind = QUEUE_FAILED,
                                  .reason = SPOOL_REASON_REPLY,
                                  .words = str_of(words),
                                  .remote = STR("mx.remote.test")};
}

static struct queue_outcome deferred(void)
{
    return (struct queue_outcome){.kind = QUEUE_DEFERRED,
                                  .reason = SPOOL_REASON_REPLY,
                                  .words = STR("450 4.2.0 later"),
                                  .remote = STR("mx.remote.test")};
}

static size_t count_of(struct str text, const char *part)
{
    size_t count = 0, at;
    for (; (at = str_search(text, str_of(part))) != SIZE_MAX; count++)
        text = str_from(text, at + strlen(part));
    return count;
}

/* ---- failures ---- */

static void reports_a_refusal(void)
{
    spool_id id = world_send_simple(1, 0);
    struct queue_outcome outcome = refused("550 5.1.1 who?");
    world_finish(&outcome, 1, true);
    REQUIRE(world_report_count() == 1);
    struct seen *report = world_report(0);
    CHECK_INT(report->envelope.recipient_count, 1);
    CHECK_STR(report->envelope.recipients[0].address, STR("alice@sender.test"));
    CHECK_INT(report->envelope.recipients[0].notify, SPOOL_NOTIFY_NEVER);
    struct str text = world_read(report);
    CHECK(world_holds(text, "To: <alice@sender.test>\r\n"));
    CHECK(world_holds(text, "Final-Recipient: rfc822;a@remote.test\r\n"));
    CHECK(world_holds(text, "Remote-MTA: dns; mx.remote.test\r\n"));
    CHECK(world_holds(text, "Diagnostic-Code: smtp; 550 5.1.1 who?\r\n"));
    CHECK(world_holds(text, "message/rfc822"));
    CHECK(world_holds(text, "Received: by us\r\nSubject: x\r\n\r\nbody\r\n"));
    CHECK(world_holds(world_story(id), spool_id_print(report->id).at));
    CHECK(world_holds(world_story(report->id), spool_id_print(id).at));
    CHECK_INT(queue_statistics(world.queue).messages, 1);
}

TEST(a_refusal_is_reported_and_both_stories_name_each_other) { world_run(reports_a_refusal); }

static void reports_together(void)
{
    world_send_simple(3, 0);
    struct queue_outcome outcomes[] = {
        refused("550 5.1.1 a?"), {.kind = QUEUE_DELIVERED}, refused("552 5.2.2 full")};
    world_finish(outcomes, 3, true);
    REQUIRE(world_report_count() == 1);
    struct str text = world_read(world_report(0));
    CHECK_INT(count_of(text, "Final-Recipient:"), 2);
    CHECK_INT(count_of(text, "rfc822;b@remote.test"), 0);
    CHECK(world_holds(text, "Status: 5.1.1\r\n") && world_holds(text, "Status: 5.2.2\r\n"));
}

TEST(recipients_that_failed_together_share_a_report) { world_run(reports_together); }

static void asks_notify(void)
{
    static const struct {
        const char *sentence;
        uint8_t notify;
        bool is_told;
    } rows[] = {
        {"nothing said", 0, true},
        {"NEVER", SPOOL_NOTIFY_NEVER, false},
        {"SUCCESS", SPOOL_NOTIFY_SUCCESS, false},
        {"DELAY,FAILURE", SPOOL_NOTIFY_DELAY | SPOOL_NOTIFY_FAILURE, true},
    };
    size_t told = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world_send_simple(1, rows[i].notify);
        struct queue_outcome outcome = refused("550 no");
        world_finish(&outcome, 1, true);
        told += rows[i].is_told;
        CHECK_ROW(rows[i].sentence, world_report_count() == told);
    }
}

TEST(notify_is_honoured) { world_run(asks_notify); }

static void drops_reports_on_reports(void)
{
    struct spool_recipient to = {.address = STR("a@remote.test")};
    struct spool_envelope envelope = {.sender = STR_EMPTY, .recipients = &to, .recipient_count = 1};
    spool_id id = world_send(&envelope, STR_EMPTY);
    struct queue_outcome outcome = refused("550 5.1.1 who?");
    world_finish(&outcome, 1, true);
    CHECK_INT(world_report_count(), 1); /* itself */
    CHECK(world_holds(world_story(id), "nobody is told of <a@remote.test>: it has no sender"));
    CHECK_INT(queue_statistics(world.queue).messages, 0);
}

TEST(a_message_without_a_sender_is_never_reported) { world_run(drops_reports_on_reports); }

/* ---- to whom ---- */

static void addresses_by_aliases(void)
{
    static const struct {
        const char *sender;
        const char *to[2];
    } rows[] = {
        {"alice@here.test", {"alice@here.test", NULL}},
        {"alice+list@here.test", {"alice+list@here.test", NULL}},
        {"info@here.test", {"alice@here.test", "bob@sender.test"}},
        {"nobody@here.test", {NULL, NULL}},
        {"not an address", {NULL, NULL}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct spool_recipient to = {.address = STR("a@remote.test")};
        struct spool_envelope envelope = {
            .sender = str_of(rows[i].sender), .recipients = &to, .recipient_count = 1};
        size_t before = world_report_count();
        spool_id id = world_send(&envelope, STR_EMPTY);
        struct queue_outcome outcome = refused("550 5.1.1 who?");
        world_finish(&outcome, 1, true);
        struct seen *report = world_report(before);
        if (!rows[i].to[0]) {
            CHECK_ROW(rows[i].sender, !report);
            CHECK_ROW(rows[i].sender, world_holds(world_story(id), "nobody is told of"));
            continue;
        }
        REQUIRE(report != NULL);
        uint32_t count = rows[i].to[1] ? 2 : 1;
        CHECK_INT(report->envelope.recipient_count, count);
        for (uint32_t j = 0; j < count && j < report->envelope.recipient_count; j++)
            CHECK_STR(report->envelope.recipients[j].address, str_of(rows[i].to[j]));
    }
}

TEST(a_report_goes_where_the_aliases_of_the_sender_lead) { world_run(addresses_by_aliases); }

/* ---- what the sender asked for ---- */

static void honours_parameters(void)
{
    struct spool_recipient to = {.address = STR("a@remote.test"),
                                 .original = STR("rfc822;z@list.test"),
                                 .notify = SPOOL_NOTIFY_FAILURE};
    struct spool_envelope envelope = {
        .sender = STR("alice@sender.test"),
        .recipients = &to,
        .recipient_count = 1,
        .envelope_id = STR("id with blanks"),
        .returns = SPOOL_RETURN_HEADERS,
    };
    world_send(&envelope, STR("Subject: y\r\n\r\nsecret\r\n"));
    struct queue_outcome outcome = refused("550 5.1.1 who?");
    world_finish(&outcome, 1, true);
    REQUIRE(world_report_count() == 1);
    struct str text = world_read(world_report(0));
    CHECK(world_holds(text, "Original-Envelope-Id: id with blanks\r\n"));
    CHECK(world_holds(text, "Original-Recipient: rfc822;z@list.test\r\n"));
    CHECK(world_holds(text, "text/rfc822-headers"));
    CHECK(world_holds(text, "Subject: y\r\n") && !world_holds(text, "secret"));
}

TEST(ret_envid_and_orcpt_are_honoured) { world_run(honours_parameters); }

static void returns_by_size(void)
{
    static char body[80 * 1024];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'b';
    struct spool_recipient to = {.address = STR("a@remote.test")};
    struct spool_envelope envelope = {
        .sender = STR("alice@sender.test"), .recipients = &to, .recipient_count = 1};
    size_t header = strlen("Received: by us\r\n") + strlen("Subject: z\r\n\r\n");
    size_t sizes[] = {DSN_ORIGINAL_MAX_BYTES - header, DSN_ORIGINAL_MAX_BYTES - header + 1};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct str content =
            arena_printf(&world.arena, "Subject: z\r\n\r\n%.*s", (int)sizes[i], body);
        world_send(&envelope, content);
        struct queue_outcome outcome = refused("550 no");
        world_finish(&outcome, 1, true);
        struct seen *report = world_report(i);
        REQUIRE(report != NULL);
        struct str text = world_read(report);
        CHECK_INT(world_holds(text, "message/rfc822"), i == 0);
        CHECK_INT(world_holds(text, "bbbbbbbb"), i == 0);
        CHECK(world_holds(text, "Received: by us\r\nSubject: z\r\n"));
    }
}

TEST(a_large_message_is_returned_without_its_body) { world_run(returns_by_size); }

static void reports_success(void)
{
    static const struct {
        enum queue_receipt receipt;
        const char *action; /* NULL: no report */
    } rows[] = {
        {QUEUE_RECEIPT_NONE, NULL},
        {QUEUE_RECEIPT_RELAYED, "Action: relayed\r\n"},
        {QUEUE_RECEIPT_DELIVERED, "Action: delivered\r\n"},
    };
    size_t told = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world_send_simple(1, SPOOL_NOTIFY_SUCCESS);
        struct queue_outcome outcome = {.kind = QUEUE_DELIVERED, .receipt = rows[i].receipt};
        world_finish(&outcome, 1, true);
        if (!rows[i].action) {
            CHECK_INT(world_report_count(), told);
            continue;
        }
        struct seen *report = world_report(told++);
        REQUIRE(report != NULL);
        struct str text = world_read(report);
        CHECK(world_holds(text, rows[i].action));
        CHECK(world_holds(text, "text/rfc822-headers"));
    }
}

TEST(success_is_reported_to_who_asked) { world_run(reports_success); }

/* ---- time ---- */

static void tells_time(void)
{
    spool_id id = world_send_simple(1, 0);
    size_t reports = 0;
    int64_t warned_s = 0;
    for (unsigned i = 0; i < 1000 && queue_statistics(world.queue).bounced == 0; i++) {
        struct queue_outcome outcome = deferred();
        struct queue_slot *slot = world_slot_of("smtp:r");
        if (slot) {
            if (queue_slot_take(slot, 100))
                queue_job_finish(slot, &outcome, true);
            queue_slot_end(slot);
        }
        if (world_report_count() > reports) {
            reports = world_report_count();
            if (reports == 1)
                warned_s = clock_wall_us(&world.clock) / 1000000 - WORLD_START_S;
        }
        world_sleep_s(300);
    }
    REQUIRE(reports == 2);
    CHECK(warned_s >= WORLD_WARN_S && warned_s < WORLD_WARN_S + 2 * 3600);
    struct str warning = world_read(world_report(0));
    CHECK(world_holds(warning, "Action: delayed\r\n"));
    CHECK(world_holds(warning, "Status: 4.2.0\r\n"));
    CHECK(world_holds(warning, "Will-Retry-Until: Wed, 15 Nov 2023 22:13:20 +0000\r\n"));
    CHECK(world_holds(warning, "text/rfc822-headers"));
    struct str failure = world_read(world_report(1));
    CHECK(world_holds(failure, "Action: failed\r\n"));
    CHECK(world_holds(failure, "Status: 4.2.0\r\n"));
    CHECK(world_holds(failure, "It was tried for 1 day, in vain."));
    CHECK(world_holds(world_story(id), spool_id_print(world_report(0)->id).at));
}

TEST(a_delay_is_told_once_and_the_end_too) { world_run(tells_time); }

static void warns_behind_a_dead_destination(void)
{
    for (unsigned i = 0; i < 5; i++)
        world_send_simple(1, 0);
    for (unsigned i = 0; i < 100; i++) {
        struct queue_outcome outcome = deferred();
        outcome.reason = SPOOL_REASON_CONNECTION;
        outcome.words = STR("no connection");
        struct queue_slot *slot = world_slot_of("smtp:r");
        if (slot) {
            while (queue_slot_take(slot, 100))
                queue_job_finish(slot, &outcome, false);
            queue_slot_end(slot);
        }
        world_sleep_s(300);
    }
    CHECK_INT(world_report_count(), 5);
    CHECK_INT(queue_statistics(world.queue).bounced, 0);
}

TEST(senders_behind_a_dead_destination_are_warned_too)
{
    world_run(warns_behind_a_dead_destination);
}

/* ---- by hand ---- */

static void bounces_by_hand(void)
{
    spool_id id = world_send_simple(2, 0);
    struct queue_filter filter = {.by_id = true, .id = id, .state = -1};
    uint64_t changed, busy;
    REQUIRE(queue_act(world.queue, QUEUE_BOUNCE, &filter, STR("root"), &changed, &busy) == OK);
    CHECK_INT(changed, 2);
    REQUIRE(world_report_count() == 1);
    struct str text = world_read(world_report(0));
    CHECK_INT(count_of(text, "Action: failed\r\n"), 2);
    CHECK(world_holds(text, "returned to you by an administrator"));
    CHECK(world_holds(world_story(id), "returned to the sender by hand"));
    CHECK_INT(queue_statistics(world.queue).messages, 1);
    CHECK_INT(queue_statistics(world.queue).bounced, 2);
}

TEST(an_administrator_returns_mail_to_its_sender) { world_run(bounces_by_hand); }

/* ---- trouble ---- */

static void waits_for_the_disk(void)
{
    spool_id id = world_send_simple(1, 0);
    struct queue_outcome outcome = refused("550 no");
    disk_memory_fail(world.memory, 1, ERR_IO);
    world_finish(&outcome, 1, true);
    CHECK_INT(world_report_count(), 1);
    CHECK(!world_holds(world_story(id), "nobody"));
    world_crash_and_open(0);
    CHECK_INT(world_report_count(), 1);
    CHECK(!world_seen(id) || world_seen(id)->statuses[0].state == SPOOL_BOUNCED);
}

TEST(a_report_that_cannot_be_written_is_tried_again) { world_run(waits_for_the_disk); }

/* ---- signatures ---- */

#define KEY                                                              \
    "-----BEGIN PRIVATE KEY-----\n"                                      \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n" \
    "-----END PRIVATE KEY-----\n" /* RFC 8463 section A.2 */
#define RECORD "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static void check_signature(struct str text)
{
    struct resolver *resolver = resolver_scripted_new();
    resolver_script(resolver, "s._domainkey.here.test", DNS_TXT, RECORD);
    struct dkim_keys keys = dkim_keys_make(resolver, DEADLINE_NEVER, &world.arena);
    struct verify_message *message = verify_message_new();
    struct dkim_verifier *verifier = dkim_verifier_new(message);
    struct dkim_verified_list list = {0};
    verify_message_add(message, text);
    verify_message_end(message);
    CHECK_INT(dkim_verifier_finish(verifier, &keys, 0, &world.arena, &list), OK);
    REQUIRE(list.count == 1);
    CHECK_STR(dkim_result_text(list.items[0].verdict.result), STR("pass"));
    dkim_keys_done(&keys);
    verify_message_free(message);
    resolver_free(resolver);
}

/* A while later. */
static void make_room(void *pool)
{
    CHECK_INT(world_report_count(), 0);
    CHECK_INT(fiber_sleep_until(loop_now_ms() + 10000), OK);
    CHECK_INT(world_report_count(), 0);
    world.report.signing_pool = pool;
}

static struct keyring *make_keyring(void)
{
    struct keyring *keyring = keyring_new();
    CHECK_INT(keyring_add(keyring, STR("here.test"), STR("s"), STR(KEY)), OK);
    return keyring;
}

static void returns_8bit_unsigned(void)
{
    struct keyring *keyring = make_keyring();
    struct blocking_pool *pool = blocking_pool_new("signing", 0, 1);
    struct spool_recipient to = {.address = STR("a@remote.test")};
    struct spool_envelope envelope = {
        .sender = STR("alice@sender.test"), .recipients = &to, .recipient_count = 1};
    world.report.keyring = keyring;
    world.report.signing_pool = pool;
    world_send(&envelope, STR("Subject: x\r\n\r\n\xc3\xbc\r\n"));
    struct queue_outcome outcome = refused("550 5.1.1 who?");
    world_finish(&outcome, 1, true);
    REQUIRE(world_report_count() == 1);
    struct str text = world_read(world_report(0));
    CHECK(world_holds(text, "\xc3\xbc") && !world_holds(text, "DKIM-Signature"));
    world.report.keyring = NULL;
    keyring_free(keyring);
    blocking_pool_free(pool);
}

TEST(a_report_that_may_have_to_be_converted_is_not_signed) { world_run(returns_8bit_unsigned); }

static void signs_reports(void)
{
    struct keyring *keyring = make_keyring();
    struct blocking_pool *pool = blocking_pool_new("signing", 0, 1);
    struct blocking_pool *full = blocking_pool_new("full", 1, 0);
    world.report.keyring = keyring;
    world.report.signing_pool = full;
    world_send_simple(1, 0);
    fiber_spawn(&world.deliveries, "room", make_room, pool);
    struct queue_outcome outcome = refused("550 5.1.1 who?");
    world_finish(&outcome, 1, true);
    REQUIRE(world_report_count() == 1);
    check_signature(world_read(world_report(0)));
    world.report.keyring = NULL;
    keyring_free(keyring);
    blocking_pool_free(pool);
    blocking_pool_free(full);
}

TEST(a_report_is_signed_once_there_is_room_for_it) { world_run(signs_reports); }

int main(void)
{
    RUN(a_refusal_is_reported_and_both_stories_name_each_other);
    RUN(recipients_that_failed_together_share_a_report);
    RUN(notify_is_honoured);
    RUN(a_message_without_a_sender_is_never_reported);
    RUN(a_report_goes_where_the_aliases_of_the_sender_lead);
    RUN(ret_envid_and_orcpt_are_honoured);
    RUN(a_large_message_is_returned_without_its_body);
    RUN(success_is_reported_to_who_asked);
    RUN(a_delay_is_told_once_and_the_end_too);
    RUN(senders_behind_a_dead_destination_are_warned_too);
    RUN(an_administrator_returns_mail_to_its_sender);
    RUN(a_report_that_cannot_be_written_is_tried_again);
    RUN(a_report_is_signed_once_there_is_room_for_it);
    RUN(a_report_that_may_have_to_be_converted_is_not_signed);
    return test_summary();
}
