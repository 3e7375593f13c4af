/* Layouts: ids, headers, heads, segment headers, indexes, cuts. Print and read are inverse; what
 * is damaged is refused. */
#include "base/arena.h"
#include "spool/format.h"
#include "test.h"

TEST(ids_print_and_parse)
{
    static const spool_id ids[] = {0, 1, 31, 32, 0x5f5e0ff00ull << 8, (1ull << 60) - 1};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        spool_id back;
        struct spool_id_text text = spool_id_print(ids[i]);
        CHECK(spool_id_parse(str_of(text.at), &back) && back == ids[i]);
        for (char *at = text.at; *at; at++)
            *at = char_lower(*at);
        CHECK(spool_id_parse(str_of(text.at), &back) && back == ids[i]);
    }
}

TEST(ids_sort_as_text_like_as_numbers)
{
    spool_id before = 0;
    for (spool_id id = 1; id < 1ull << 59; id = id * 3 + 7) {
        CHECK(strcmp(spool_id_print(before).at, spool_id_print(id).at) < 0);
        before = id;
    }
}

static const struct {
    const char *what;
    const char *text;
} no_ids[] = {
    {"nothing is no id", ""},
    {"eleven characters are too few", "00000000000"},
    {"thirteen are too many", "0000000000000"},
    {"I is not used", "00000000000I"},
    {"L is not used", "L00000000000"},
    {"O is not used", "00000O000000"},
    {"U is not used", "00000U000000"},
    {"a blank is no digit", " 00000000000"},
    {"a slash is no digit", "0000/0000000"},
};

TEST(what_is_no_id_is_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(no_ids); i++) {
        spool_id id;
        CHECK_ROW(no_ids[i].what, !spool_id_parse(str_of(no_ids[i].text), &id));
    }
}

static struct record_header some_header(void)
{
    return (struct record_header){
        .type = RECORD_STATUS,
        .flags = RECORD_DONE,
        .group_index = 3,
        .body_len = 1000,
        .head_len = 900,
        .head_crc = 0xdeadbeef,
        .proven_unit = 77,
        .sequence = 1ull << 40,
        .generation = 9,
        .salt = ~0ull,
        .id = 12345678,
    };
}

TEST(a_record_header_comes_back)
{
    char bytes[RECORD_HEADER_BYTES], again[RECORD_HEADER_BYTES];
    struct record_header want = some_header(), got;
    record_header_write(&want, bytes);
    REQUIRE(record_header_read(str_make(bytes, sizeof bytes), &got) == OK);
    record_header_write(&got, again);
    CHECK(memcmp(bytes, again, sizeof bytes) == 0);
    CHECK_INT(got.sequence, want.sequence);
    CHECK_INT(got.id, want.id);
    CHECK_INT(record_units(&got), 17);
}

TEST(a_record_header_with_any_bit_flipped_is_refused)
{
    char bytes[RECORD_HEADER_BYTES];
    struct record_header want = some_header(), got;
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        record_header_write(&want, bytes);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        CHECK_INT(record_header_read(str_make(bytes, sizeof bytes), &got), ERR_CORRUPT);
    }
    CHECK_INT(record_header_read(str_make(bytes, 63), &got), ERR_MORE);
}

TEST(a_message_head_comes_back_with_its_statuses)
{
    struct spool_recipient recipients[] = {
        {.address = STR("a@x"),
         .original = STR("rfc822;o"),
         .notify = 1,
         .junk = true,
         .forwarded_by = STR("f@x")},
        {.address = STR(""), .loops = true},
    };
    struct spool_status statuses[] = {
        {SPOOL_QUEUED, SPOOL_REASON_TLS, true, false, 3, -1},
        {SPOOL_BOUNCED, SPOOL_REASON_NONE, false, true, 65535, INT64_MAX}};
    struct message_head head = {
        .envelope = {.sender = STR("s@x"), .recipients = recipients, .recipient_count = 2},
        .statuses = statuses,
        .prefix = STR("Received: x\r\n"),
        .content_size = 1ull << 40,
        .content_crc = 5,
    };
    struct message_head got;
    struct arena arena = arena_make();
    struct buf bytes = buf_make(10000);
    REQUIRE(message_head_write(&bytes, &head) == OK);
    REQUIRE(message_head_read(buf_str(&bytes), &arena, &got) == OK);
    CHECK_STR(got.envelope.sender, head.envelope.sender);
    CHECK_STR(got.envelope.recipients[0].original, recipients[0].original);
    CHECK_INT(got.envelope.recipients[0].notify, 1);
    CHECK(got.envelope.recipients[0].junk && !got.envelope.recipients[0].loops);
    CHECK_STR(got.envelope.recipients[0].forwarded_by, recipients[0].forwarded_by);
    CHECK(got.envelope.recipients[1].loops && !got.envelope.recipients[1].junk);
    CHECK_INT(got.envelope.recipients[1].forwarded_by.len, 0);
    CHECK_STR(got.envelope.account, STR(""));
    CHECK_STR(got.prefix, head.prefix);
    CHECK_INT(got.content_size, head.content_size);
    CHECK_INT(got.statuses[0].reason, SPOOL_REASON_TLS);
    CHECK(got.statuses[0].held && !got.statuses[0].warned);
    CHECK_INT(got.statuses[0].due_s, -1);
    CHECK_INT(got.statuses[1].state, SPOOL_BOUNCED);
    CHECK_INT(got.statuses[1].attempts, 65535);
    for (size_t len = 0; len < bytes.len; len++) {
        struct message_head cut;
        enum err err = message_head_read(str_first(buf_str(&bytes), len), &arena, &cut);
        CHECK(err == OK || err == ERR_CORRUPT);
    }
    arena_reset(&arena);
    buf_free(&bytes);
}

static const struct {
    const char *what;
    uint16_t tag;
    enum err err;
} strange_fields[] = {
    {"a field of a later version is skipped", 99, OK},
    {"a critical one is not", 99 | FIELD_CRITICAL, ERR_CORRUPT},
};

TEST(fields_of_later_versions_are_skipped_unless_critical)
{
    for (size_t i = 0; i < ARRAY_LEN(strange_fields); i++) {
        struct spool_recipient recipient = {.address = STR("a@x")};
        struct message_head head = {
            .envelope = {.sender = STR(""), .recipients = &recipient, .recipient_count = 1},
            .prefix = STR(""),
        };
        struct message_head got;
        struct spool_status status;
        struct arena arena = arena_make();
        struct buf bytes = buf_make(10000);
        REQUIRE(message_head_write(&bytes, &head) == OK);
        REQUIRE(field_add(&bytes, strange_fields[i].tag, STR("?")) == OK);
        CHECK_ROW(strange_fields[i].what,
                  message_head_read(buf_str(&bytes), &arena, &got) == strange_fields[i].err);
        buf_clear(&bytes);
        REQUIRE(field_add(&bytes, strange_fields[i].tag, STR("?")) == OK);
        CHECK_ROW(strange_fields[i].what,
                  changes_apply(buf_str(&bytes), &status, 1) == strange_fields[i].err);
        arena_reset(&arena);
        buf_free(&bytes);
    }
}

TEST(a_change_of_a_recipient_that_is_not_there_is_refused)
{
    struct spool_status statuses[2] = {0};
    struct spool_change change = {.recipient = 2};
    struct buf bytes = buf_make(1000);
    REQUIRE(changes_write(&bytes, &change, 1) == OK);
    CHECK_INT(changes_apply(buf_str(&bytes), statuses, 2), ERR_CORRUPT);
    buf_free(&bytes);
}

TEST(a_segment_header_holds_with_one_copy_left)
{
    char page[SEGMENT_PAGE_BYTES];
    struct segment_header got, header = {.lane = LANE_STATUSES,
                                         .slot = 7,
                                         .life = {8, 9},
                                         .id_mark = 10,
                                         .sequence_mark = 11,
                                         .size_bytes = 1 << 20};
    for (size_t damaged = 0; damaged < 3; damaged++) {
        segment_header_write(&header, page);
        if (damaged)
            page[damaged == 1 ? 20 : 2048 + 20] ^= 1;
        REQUIRE(segment_header_read(str_make(page, sizeof page), &got) == OK);
        CHECK_INT(got.life.salt, 9);
        CHECK_INT(got.size_bytes, 1 << 20);
        CHECK_INT(got.id_mark, 10);
    }
    page[20] ^= 1;
    CHECK_INT(segment_header_read(str_make(page, sizeof page), &got), ERR_CORRUPT);
    CHECK_INT(segment_header_read(str_make(page, 10), &got), ERR_CORRUPT);
}

TEST(the_newer_copy_of_a_segment_header_counts)
{
    char page[SEGMENT_PAGE_BYTES], newer[SEGMENT_PAGE_BYTES];
    struct segment_header got, header = {.life = {8, 9}, .size_bytes = 1 << 20};
    for (size_t copy = 0; copy < 2; copy++) {
        header.life.generation = 8;
        segment_header_write(&header, page);
        header.life.generation = 12;
        segment_header_write(&header, newer);
        memcpy(page + copy * 2048, newer + copy * 2048, 512);
        REQUIRE(segment_header_read(str_make(page, sizeof page), &got) == OK);
        CHECK_INT(got.life.generation, 12);
    }
}

TEST(trailers_indexes_and_cuts_come_back)
{
    char trailer[SEGMENT_TRAILER_BYTES], entry[INDEX_ENTRY_BYTES];
    struct segment_life life = {5, 6};
    uint32_t unit = 0;
    segment_trailer_write(life, 99, trailer);
    CHECK(segment_trailer_read(str_make(trailer, sizeof trailer), life, &unit) && unit == 99);
    life.salt++;
    CHECK(!segment_trailer_read(str_make(trailer, sizeof trailer), life, &unit));

    struct index_entry got, want = {.id = 1, .unit = 2, .type = 3, .flags = 4};
    index_entry_write(&want, entry);
    struct str rest = str_make(entry, sizeof entry);
    CHECK(index_entry_next(&rest, &got) && got.unit == 2 && got.flags == 4);
    CHECK(!index_entry_next(&rest, &got));

    struct buf bytes = buf_make(100);
    struct cut cut = {1, 2, 3, 4}, cut_got;
    REQUIRE(cut_write(&bytes, &cut) == OK);
    REQUIRE(cut_read(buf_str(&bytes), &cut_got) == OK);
    CHECK(cut_got.end_unit == 2 && cut_got.generation == 3 && cut_got.id_mark == 4);
    CHECK_INT(cut_read(STR("rubbish"), &cut_got), ERR_CORRUPT);
    buf_free(&bytes);
}

int main(void)
{
    RUN(ids_print_and_parse);
    RUN(ids_sort_as_text_like_as_numbers);
    RUN(what_is_no_id_is_refused);
    RUN(a_record_header_comes_back);
    RUN(a_record_header_with_any_bit_flipped_is_refused);
    RUN(a_message_head_comes_back_with_its_statuses);
    RUN(fields_of_later_versions_are_skipped_unless_critical);
    RUN(a_change_of_a_recipient_that_is_not_there_is_refused);
    RUN(a_segment_header_holds_with_one_copy_left);
    RUN(the_newer_copy_of_a_segment_header_counts);
    RUN(trailers_indexes_and_cuts_come_back);
    return test_summary();
}
