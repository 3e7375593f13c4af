/* What a user of the spool sees, one fiber at a time. */
#include "world.h"

static struct world world;

static void begin(void)
{
    world_init(&world);
    CHECK_INT(world_open(&world), OK);
}

static void reopen_and_check(void)
{
    world_close(&world);
    CHECK_INT(world_open(&world), OK);
    world_check(&world);
}

TEST(a_committed_message_is_announced_and_found_again)
{
    struct model *model = NULL;
    begin();
    REQUIRE(world_commit(&world, 1, 100, NULL, &model) == OK);
    CHECK_INT(world_read(&world, model), OK);
    reopen_and_check();
    CHECK_INT(world.recovery.messages, 1);
    CHECK_INT(world.recovery.torn_bytes, 0);
    CHECK_INT(world.recovery.damaged_records, 0);
    world_done(&world);
}

static const struct {
    const char *what;
    uint64_t size;
    bool in_file;
} sizes[] = {
    {"an empty message lies in the segment", 0, false},
    {"one byte lies in the segment", 1, false},
    {"one chunk", 4096, false},
    {"one chunk and a byte", 4097, false},
    {"64 KiB less one lie in the segment", 65535, false},
    {"64 KiB lie in the segment", 65536, false},
    {"64 KiB and one lie in a file", 65537, true},
    {"twice 64 KiB lie in a file", 131072, true},
    {"a megabyte lies in a file", 1 << 20, true},
};

TEST(content_of_every_size_comes_back)
{
    begin();
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct model *model = NULL;
        CHECK_ROW(sizes[i].what, world_commit(&world, i, sizes[i].size, NULL, &model) == OK);
        REQUIRE(model);
        bool in_file = model->place.unit & SPOOL_PLACE_IN_FILE;
        CHECK_ROW(sizes[i].what, in_file == sizes[i].in_file);
        CHECK_ROW(sizes[i].what, world_read(&world, model) == OK);
    }
    CHECK_INT(spool_statistics(world.spool).draft_bytes, 0);
    reopen_and_check();
    CHECK_INT(world.recovery.messages, ARRAY_LEN(sizes));
    world_done(&world);
}

TEST(a_large_draft_holds_64_KiB_of_memory_at_most)
{
    struct spool_draft *draft;
    struct model *model = NULL;
    begin();
    REQUIRE(world_fill_draft(&world, 3, 10 << 20, &draft, &model) == OK);
    CHECK(spool_statistics(world.spool).draft_bytes <= 65536);
    spool_draft_abort(draft);
    CHECK_INT(spool_statistics(world.spool).draft_bytes, 0);
    world_done(&world);
}

TEST(an_aborted_draft_leaves_nothing)
{
    struct spool_draft *draft;
    struct model *model = NULL;
    begin();
    REQUIRE(world_fill_draft(&world, 3, 200000, &draft, &model) == OK);
    spool_draft_abort(draft);
    reopen_and_check();
    CHECK(!model->announced);
    CHECK_INT(spool_statistics(world.spool).live_messages, 0);
    world_done(&world);
}

TEST(drafts_beyond_the_budget_spill_early_and_then_are_refused)
{
    struct spool_draft *first, *second, *third;
    struct model *model = NULL;
    world_init(&world);
    world.memory_budget_bytes = 20480;
    REQUIRE(world_open(&world) == OK);
    REQUIRE(world_fill_draft(&world, 1, 12000, &first, &model) == OK);  /* 4 + 12 KiB */
    REQUIRE(world_fill_draft(&world, 2, 60000, &second, &model) == OK); /* through 4 KiB */
    CHECK_INT(spool_statistics(world.spool).draft_bytes, 20480);
    CHECK_INT(spool_draft_begin(world.spool, &third), ERR_BUSY);
    struct spool_envelope envelope = world_envelope();
    CHECK_INT(spool_draft_commit(second, &envelope, STR("p\n"), NULL), OK);
    CHECK(model->place.unit & SPOOL_PLACE_IN_FILE);
    CHECK_INT(world_read(&world, model), OK);
    spool_draft_abort(first);
    CHECK_INT(spool_statistics(world.spool).draft_bytes, 0);
    world_done(&world);
}

TEST(statuses_come_back_and_a_done_message_does_not)
{
    struct model *kept, *gone;
    begin();
    REQUIRE(world_commit(&world, 1, 100, NULL, &kept) == OK);
    REQUIRE(world_commit(&world, 2, 100, NULL, &gone) == OK);
    CHECK_INT(world_status(&world, kept, 1, false, false), OK);
    CHECK_INT(world_status(&world, kept, 1, false, false), OK);
    CHECK_INT(world_status(&world, kept, 2, false, true), OK);
    CHECK_INT(world_status(&world, gone, 0, true, false), OK);
    world_all_synced(&world); /* by spool_close */
    reopen_and_check();
    CHECK_INT(kept->attempts_sure[1], 2);
    CHECK(!gone->announced);
    world_done(&world);
}

TEST(every_field_of_envelope_and_status_survives)
{
    struct spool_recipient recipients[] = {{STR("a\0b@x"), STR("rfc822;y"), 7}};
    struct spool_envelope want = {
        .sender = STR(""),
        .recipients = recipients,
        .recipient_count = 1,
        .envelope_id = STR("ENV"),
        .returns = SPOOL_RETURN_HEADERS,
        .smtputf8 = true,
        .require_tls = true,
        .client_address = STR("192.0.2.1"),
        .client_helo = STR("helo"),
        .account = STR("alice"),
        .service = STR("mx"),
        .received_us = -5,
    };
    struct spool_draft *draft;
    struct spool_message got;
    struct arena arena = arena_make();
    begin();
    REQUIRE(spool_draft_begin(world.spool, &draft) == OK);
    struct model *model = model_new(&world, spool_draft_id(draft), 0, 0);
    spool_draft_abort(draft); /* its id is free for a message that is not of the model's kind */
    CHECK(model != NULL);
    REQUIRE(spool_draft_begin(world.spool, &draft) == OK);
    spool_id id = spool_draft_id(draft);
    CHECK(id > model->id);
    REQUIRE(spool_draft_commit(draft, &want, STR(""), NULL) == OK);
    CHECK_INT(world.strangers, 1);
    struct spool_place place = {0, 64}; /* the first record of the first segment */
    if (spool_message_open(world.spool, id, place, &arena, &got))
        place.segment = 1;
    else
        spool_message_close(&got);
    REQUIRE(spool_message_open(world.spool, id, place, &arena, &got) == OK);
    CHECK_STR(got.envelope.sender, want.sender);
    CHECK_STR(got.envelope.recipients[0].address, recipients[0].address);
    CHECK_STR(got.envelope.recipients[0].original, recipients[0].original);
    CHECK_INT(got.envelope.recipients[0].notify, 7);
    CHECK_STR(got.envelope.envelope_id, want.envelope_id);
    CHECK_INT(got.envelope.returns, want.returns);
    CHECK(got.envelope.smtputf8 && got.envelope.require_tls && !got.envelope.body_8bit);
    CHECK_STR(got.envelope.client_address, want.client_address);
    CHECK_STR(got.envelope.client_helo, want.client_helo);
    CHECK_STR(got.envelope.account, want.account);
    CHECK_STR(got.envelope.service, want.service);
    CHECK_INT(got.envelope.received_us, -5);
    CHECK_INT(got.size_bytes, 0);
    spool_message_close(&got);
    arena_reset(&arena);
    world_done(&world);
}

TEST(a_bounce_and_the_outcomes_it_reports_come_together)
{
    struct model *original, *bounce;
    begin();
    REQUIRE(world_commit(&world, 1, 100, NULL, &original) == OK);
    REQUIRE(world_commit(&world, 2, 100, original, &bounce) == OK);
    reopen_and_check();
    CHECK_INT(original->attempts_sure[0], 1);
    CHECK(bounce->announced);
    world_done(&world);
}

TEST(ids_grow_even_when_the_clock_goes_back)
{
    struct model *model = NULL;
    spool_id last = 0;
    begin();
    for (int i = 0; i < 20; i++) {
        REQUIRE(world_commit(&world, 1, 10, NULL, &model) == OK);
        CHECK(model->id > last);
        last = model->id;
        world.clock.virtual_epoch_us -= 1000000;
        if (i % 3 == 0) {
            CHECK_INT(world_status(&world, model, 0, true, true), OK);
            reopen_and_check();
        }
    }
    world_done(&world);
}

TEST(the_disk_used_is_bounded_by_what_lives)
{
    struct model *kept[8], *model;
    begin();
    for (size_t i = 0; i < 2000; i++) {
        REQUIRE(world_commit(&world, i, 3000, NULL, &model) == OK);
        if (i >= ARRAY_LEN(kept))
            CHECK_INT(world_status(&world, kept[i % ARRAY_LEN(kept)], 0, true, false), OK);
        kept[i % ARRAY_LEN(kept)] = model;
    }
    CHECK(spool_statistics(world.spool).segments <= 8); /* 6 MB went through 256 KiB each */
    world_all_synced(&world);
    reopen_and_check();
    CHECK_INT(world.recovery.messages, ARRAY_LEN(kept));
    world_done(&world);
}

TEST(content_files_go_once_done_is_synced)
{
    struct model *model = NULL;
    char path[100];
    bool exists;
    begin();
    REQUIRE(world_commit(&world, 1, 100000, NULL, &model) == OK);
    snprintf(path, sizeof path, "spool/content/%02x/%s", (unsigned)(model->id >> 8) & 0xff,
             spool_id_print(model->id).at);
    CHECK_INT(world_status(&world, model, 0, true, false), OK);
    CHECK(disk_exists(world.memory, path, &exists) == OK && exists);
    world.clock.virtual_ms += 100;
    struct model *other;
    REQUIRE(world_commit(&world, 2, 10, NULL, &other) == OK);
    CHECK(disk_exists(world.memory, path, &exists) == OK && !exists);
    world_done(&world);
}

/* Its draft was cut off before there was any message. */
TEST(a_content_file_of_no_message_goes_at_the_next_start)
{
    spool_id id = (spool_id)1700000000000000 << 8;
    char path[100];
    bool exists;
    struct disk_file *file;
    begin();
    snprintf(path, sizeof path, "spool/content/%02x/%s", (unsigned)(id >> 8) & 0xff,
             spool_id_print(id).at);
    REQUIRE(disk_open(world.memory, path, DISK_WRITE | DISK_CREATE, 0600, &file) == OK);
    disk_close(file);
    reopen_and_check();
    CHECK(disk_exists(world.memory, path, &exists) == OK && !exists);
    world_done(&world);
}

TEST(a_message_being_read_keeps_its_segment)
{
    struct model *model, *other;
    struct spool_message message;
    struct arena arena = arena_make();
    char bytes[2000];
    size_t len;
    begin();
    REQUIRE(world_commit(&world, 1, 1000, NULL, &model) == OK);
    REQUIRE(spool_message_open(world.spool, model->id, model->place, &arena, &message) == OK);
    CHECK_INT(world_status(&world, model, 0, true, true), OK);
    for (size_t i = 0; i < 100; i++) {
        REQUIRE(world_commit(&world, i, 20000, NULL, &other) == OK);
        CHECK_INT(world_status(&world, other, 0, true, true), OK);
    }
    CHECK(spool_message_read(&message, 0, bytes, sizeof bytes, &len) == OK && len == 1002);
    spool_message_close(&message);
    arena_reset(&arena);
    world_done(&world);
}

TEST(a_full_disk_refuses_new_mail_takes_outcomes_and_recovers)
{
    struct model *models[200], *model;
    size_t count = 0;
    struct spool_draft *draft;
    begin();
    disk_memory_set_capacity(world.memory, 10 * WORLD_SEGMENT_BYTES);
    while (count < ARRAY_LEN(models) && !world_commit(&world, count, 30000, NULL, &models[count]))
        count++;
    CHECK(count > 20 && count < ARRAY_LEN(models));
    CHECK_INT(spool_draft_begin(world.spool, &draft), ERR_FULL);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(world_status(&world, models[i], 1, false, false), OK);
    world_all_synced(&world);
    reopen_and_check(); /* a start on a full disk */
    CHECK_INT(world.recovery.messages, count);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(world_status(&world, models[i], 0, true, false), OK);
    CHECK_INT(world_commit(&world, 7, 30000, NULL, &model), OK);
    world_all_synced(&world);
    reopen_and_check();
    CHECK_INT(world.recovery.messages, 1);
    world_done(&world);
}

TEST(a_content_file_without_room_is_refused)
{
    begin();
    disk_memory_set_capacity(world.memory, 5 * WORLD_SEGMENT_BYTES);
    CHECK_INT(world_commit(&world, 1, 3 << 20, NULL, NULL), ERR_FULL);
    CHECK_INT(world_commit(&world, 1, 1000, NULL, NULL), OK);
    CHECK_INT(spool_statistics(world.spool).draft_bytes, 0);
    reopen_and_check();
    CHECK_INT(world.recovery.messages, 1);
    world_done(&world);
}

int main(void)
{
    RUN(a_committed_message_is_announced_and_found_again);
    RUN(content_of_every_size_comes_back);
    RUN(a_large_draft_holds_64_KiB_of_memory_at_most);
    RUN(an_aborted_draft_leaves_nothing);
    RUN(drafts_beyond_the_budget_spill_early_and_then_are_refused);
    RUN(statuses_come_back_and_a_done_message_does_not);
    RUN(every_field_of_envelope_and_status_survives);
    RUN(a_bounce_and_the_outcomes_it_reports_come_together);
    RUN(ids_grow_even_when_the_clock_goes_back);
    RUN(the_disk_used_is_bounded_by_what_lives);
    RUN(content_files_go_once_done_is_synced);
    RUN(a_content_file_of_no_message_goes_at_the_next_start);
    RUN(a_message_being_read_keeps_its_segment);
    RUN(a_full_disk_refuses_new_mail_takes_outcomes_and_recovers);
    RUN(a_content_file_without_room_is_refused);
    return test_summary();
}
