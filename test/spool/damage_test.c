/* Bits flip on the disk: the start succeeds, and only what was hit is lost. */
#include "base/crc32c.h"
#include "spool/record.h"
#include "world.h"

#include <string.h>

#define FLIPS 400

static struct world world;
static struct random dice;

static void begin_with(size_t messages, uint64_t size)
{
    world_init(&world);
    CHECK_INT(world_open(&world), OK);
    for (size_t i = 0; i < messages; i++) {
        struct model *model = NULL;
        CHECK_INT(world_commit(&world, i, size, NULL, &model), OK);
        if (i % 3 == 0)
            CHECK_INT(world_status(&world, model, 1, false, false), OK);
        if (i % 3 == 1)
            CHECK_INT(world_status(&world, model, 0, true, false), OK);
    }
    world_close(&world);
    world_all_synced(&world);
}

static void flip(const char *path, uint64_t offset, size_t len)
{
    struct disk_file *file;
    char bytes[600];
    size_t got;
    if (disk_open(world.memory, path, DISK_WRITE, 0, &file))
        return;
    CHECK_INT(disk_read(file, offset, bytes, len, &got), OK);
    for (size_t i = 0; i < got; i++)
        bytes[i] ^= 0x10;
    struct iovec iov = {bytes, got};
    CHECK_INT(disk_write(file, offset, &iov, 1), OK);
    CHECK_INT(disk_sync(file), OK);
    disk_close(file);
}

/* How many promised messages are not there, or not readable, or lost a status. */
static size_t count_lost(void)
{
    size_t lost = 0;
    for (size_t i = 0; i < world.count; i++) {
        struct model *model = world.models[i];
        bool wanted = model->promised && !model->done_written;
        bool there = model->announced && world_read(&world, model) == OK;
        lost += wanted != there;
    }
    return lost;
}

/* A status that is lost lets an older one stand: the model must not complain. */
static void accept_older_statuses(void)
{
    for (size_t i = 0; i < world.count; i++)
        memset(world.models[i]->attempts_sure, 0, sizeof world.models[i]->attempts_sure);
}

/* Flips one byte of a fresh spool and starts it. */
static void flip_and_open(const char *path, uint64_t offset)
{
    begin_with(60, 9000);
    flip(path, offset, 1);
    accept_older_statuses();
    CHECK_INT(world_open(&world), OK);
    size_t lost = count_lost();
    if (lost > 1)
        printf("# %s at %llu lost %zu\n", path, (unsigned long long)offset, lost);
    CHECK(lost <= 1);
    CHECK_INT(world.strangers, 0);
    world_done(&world);
}

TEST(a_flipped_byte_anywhere_loses_one_record_at_most)
{
    dice = random_seeded(11);
    for (size_t i = 0; i < FLIPS; i++) {
        char path[60];
        snprintf(path, sizeof path, "spool/segments/%06u.seg", (unsigned)random_below(&dice, 5));
        flip_and_open(path, random_below(&dice, WORLD_SEGMENT_BYTES));
    }
}

TEST(a_flipped_byte_in_any_header_loses_one_record_at_most)
{
    struct spool_place places[60];
    begin_with(60, 9000);
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        places[i] = world.models[i]->place;
    world_done(&world);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        char path[60];
        snprintf(path, sizeof path, "spool/segments/%06u.seg", places[i].segment);
        flip_and_open(path, places[i].unit * SPOOL_ALIGN_BYTES + i % SPOOL_ALIGN_BYTES);
    }
}

/* A record that somebody mails us: it is right in all but the salt. */
TEST(a_record_within_a_message_is_not_one_of_ours)
{
    char forged[SPOOL_ALIGN_BYTES], content[4096];
    struct record_header header = {.type = RECORD_MESSAGE, .generation = 1, .id = 77};
    struct spool_draft *draft;
    struct spool_envelope envelope = world_envelope();
    record_header_write(&header, forged);
    begin_with(0, 0);
    CHECK_INT(world_open(&world), OK);
    for (size_t shift = 0; shift < SPOOL_ALIGN_BYTES; shift++) {
        REQUIRE(spool_draft_begin(world.spool, &draft) == OK);
        memset(content, 'x', sizeof content);
        for (size_t at = shift; at + sizeof forged <= sizeof content; at += sizeof forged)
            memcpy(content + at, forged, sizeof forged);
        CHECK_INT(spool_draft_write(draft, str_make(content, sizeof content)), OK);
        CHECK_INT(spool_draft_commit(draft, &envelope, STR_EMPTY, NULL), OK);
    }
    world_close(&world);
    world.strangers = 0;
    for (uint64_t unit = 64; unit < 64 * 75; unit += 75)
        for (uint32_t slot = 0; slot < 4; slot++) {
            char path[60];
            snprintf(path, sizeof path, "spool/segments/%06u.seg", slot);
            flip(path, unit * SPOOL_ALIGN_BYTES, 1);
        }
    CHECK_INT(world_open(&world), OK);
    CHECK(world.recovery.damaged_records > 0);
    CHECK(world.strangers <= SPOOL_ALIGN_BYTES);
    CHECK_INT(world.strangers, world.recovery.messages);
    world_done(&world);
}

TEST(a_sector_lost_in_a_header_of_a_segment_loses_nothing)
{
    static const uint64_t offsets[] = {0, 2048};
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        begin_with(60, 9000);
        for (uint32_t slot = 0; slot < 5; slot++) {
            char path[60];
            snprintf(path, sizeof path, "spool/segments/%06u.seg", slot);
            flip(path, offsets[i], 512);
        }
        CHECK_INT(world_open(&world), OK);
        CHECK_INT(count_lost(), 0);
        world_check(&world);
        world_done(&world);
    }
}

TEST(a_segment_without_any_header_is_read_by_its_records)
{
    begin_with(60, 9000);
    for (uint32_t slot = 0; slot < 8; slot++) {
        char path[60];
        snprintf(path, sizeof path, "spool/segments/%06u.seg", slot);
        flip(path, 0, 100);
        flip(path, 2048, 100);
    }
    CHECK_INT(world_open(&world), OK);
    CHECK_INT(count_lost(), 0);
    world_check(&world);
    CHECK_INT(world_commit(&world, 1, 1000, NULL, NULL), OK);
    world_close(&world);
    CHECK_INT(world_open(&world), OK);
    CHECK_INT(count_lost(), 0);
    world_done(&world);
}

TEST(a_damaged_content_file_is_told_when_it_was_read)
{
    struct model *model = NULL;
    char path[60];
    begin_with(0, 0);
    CHECK_INT(world_open(&world), OK);
    REQUIRE(world_commit(&world, 5, 100000, NULL, &model) == OK);
    snprintf(path, sizeof path, "spool/content/%02x/%s", (unsigned)(model->id >> 8) & 0xff,
             spool_id_print(model->id).at);
    flip(path, 50000, 1);
    CHECK_INT(world_read(&world, model), ERR_CORRUPT);
    world_done(&world);
}

TEST(a_message_whose_content_file_is_gone_is_damage)
{
    struct model *model = NULL;
    char path[60];
    begin_with(3, 1000);
    CHECK_INT(world_open(&world), OK);
    REQUIRE(world_commit(&world, 5, 100000, NULL, &model) == OK);
    snprintf(path, sizeof path, "spool/content/%02x/%s", (unsigned)(model->id >> 8) & 0xff,
             spool_id_print(model->id).at);
    world_close(&world);
    CHECK_INT(disk_unlink(world.memory, path), OK);
    CHECK_INT(world_open(&world), OK);
    CHECK_INT(world.recovery.damaged_records, 1);
    CHECK(!model->announced);
    CHECK_INT(count_lost(), 1);
    world_done(&world);
}

static void count_name(void *context, const char *name)
{
    UNUSED(name);
    ++*(size_t *)context;
}

TEST(what_is_damaged_is_set_aside_and_counted)
{
    struct model *model = NULL;
    begin_with(5, 1000);
    model = world.models[2];
    char path[60];
    size_t copies = 0;
    snprintf(path, sizeof path, "spool/segments/%06u.seg", model->place.segment);
    flip(path, (uint64_t)model->place.unit * SPOOL_ALIGN_BYTES + 200, 1);
    CHECK_INT(world_open(&world), OK);
    CHECK_INT(world.recovery.damaged_records, 1);
    CHECK_INT(count_lost(), 1);
    CHECK(!model->announced);
    CHECK_INT(disk_list(world.memory, "spool/damaged", count_name, &copies), OK);
    CHECK_INT(copies, 1);
    world_done(&world);
}

TEST(rubbish_in_the_directories_is_left_alone)
{
    static const char *const names[] = {
        "spool/segments/readme",      "spool/segments/.seg",
        "spool/segments/-1.seg",      "spool/segments/99999999999999999999.seg",
        "spool/segments/5000000.seg", "spool/content/00/readme",
    };
    begin_with(3, 1000);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct disk_file *file;
        CHECK_INT(disk_open(world.memory, names[i], DISK_WRITE | DISK_CREATE, 0600, &file), OK);
        disk_close(file);
    }
    CHECK_INT(world_open(&world), OK);
    world_check(&world);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        bool exists;
        CHECK_ROW(names[i], disk_exists(world.memory, names[i], &exists) == OK && exists);
    }
    world_done(&world);
}

TEST(a_segment_of_another_version_is_not_touched)
{
    struct disk_file *file;
    char page[4096];
    size_t got;
    begin_with(3, 1000);
    CHECK_INT(disk_open(world.memory, "spool/segments/000000.seg", DISK_WRITE, 0, &file), OK);
    CHECK_INT(disk_read(file, 0, page, sizeof page, &got), OK);
    page[8]++;
    uint32_t crc = crc32c(0, str_make(page, 60));
    memcpy(page + 60, &crc, sizeof crc); /* on a little-endian machine */
    struct iovec iov = {page, 64};
    CHECK_INT(disk_write(file, 0, &iov, 1), OK);
    disk_close(file);
    CHECK_INT(world_open(&world), ERR_UNSUPPORTED);
    world_done(&world);
}

int main(void)
{
    RUN(a_flipped_byte_anywhere_loses_one_record_at_most);
    RUN(a_flipped_byte_in_any_header_loses_one_record_at_most);
    RUN(a_record_within_a_message_is_not_one_of_ours);
    RUN(a_sector_lost_in_a_header_of_a_segment_loses_nothing);
    RUN(a_segment_without_any_header_is_read_by_its_records);
    RUN(a_damaged_content_file_is_told_when_it_was_read);
    RUN(a_message_whose_content_file_is_gone_is_damage);
    RUN(what_is_damaged_is_set_aside_and_counted);
    RUN(rubbish_in_the_directories_is_left_alone);
    RUN(a_segment_of_another_version_is_not_touched);
    return test_summary();
}
