#include "trace/index.h"

#include "base/mem.h"
#include "test.h"

static struct trace_index index_of_four(void)
{
    struct trace_index index;
    trace_index_init(&index);
    trace_index_add(&index, 70, 3000, 0);
    trace_index_add(&index, 50, 1000, 100);
    trace_index_add(&index, 0, 2500, 200);
    trace_index_add(&index, 50, 2000, 300);
    index.summary.file_bytes = 400;
    trace_index_sort(&index);
    return index;
}

static char *encode(const struct trace_index *index, size_t *out_len)
{
    *out_len = TRACE_INDEX_HEADER_BYTES + index->count * TRACE_INDEX_ENTRY_BYTES;
    char *bytes = mem_alloc(*out_len);
    trace_index_encode(index, bytes);
    return bytes;
}

TEST(entries_of_an_id_stand_together_in_order_of_writing)
{
    struct trace_index index = index_of_four();
    size_t at = trace_index_find(&index, 50);
    REQUIRE(at + 1 < index.count);
    CHECK_INT(index.entries[at].offset, 100);
    CHECK_INT(index.entries[at + 1].offset, 300);
    CHECK_INT(trace_index_find(&index, 60), index.count);
    CHECK_INT(trace_index_find(&index, 71), index.count);
    trace_index_done(&index);
}

TEST(the_summary_covers_messages_and_lost_events)
{
    struct trace_index index = index_of_four();
    CHECK_INT(index.summary.id_min, 50);
    CHECK_INT(index.summary.id_max, 70);
    CHECK_INT(index.summary.first_us, 1000);
    CHECK_INT(index.summary.last_us, 3000);
    CHECK(index.summary.has_lost);
    trace_index_done(&index);
}

TEST(an_index_reads_as_what_was_written)
{
    struct trace_index index = index_of_four(), got;
    size_t len;
    char *bytes = encode(&index, &len);
    REQUIRE(trace_index_decode(str_make(bytes, len), &got) == OK);
    CHECK_INT(got.count, index.count);
    for (size_t i = 0; i < index.count; i++)
        CHECK(got.entries[i].id == index.entries[i].id &&
              got.entries[i].offset == index.entries[i].offset);
    CHECK(got.summary.file_bytes == 400 && got.summary.id_min == 50 && got.summary.last_us == 3000);
    trace_index_done(&got);
    trace_index_done(&index);
    mem_free(bytes);
}

TEST(an_index_without_entries_reads_back)
{
    struct trace_index index, got;
    trace_index_init(&index);
    size_t len;
    char *bytes = encode(&index, &len);
    REQUIRE(trace_index_decode(str_make(bytes, len), &got) == OK);
    CHECK(got.summary.id_min > got.summary.id_max);
    CHECK_INT(trace_index_find(&got, 1), 0);
    trace_index_done(&got);
    mem_free(bytes);
}

TEST(damage_and_cuts_are_seen)
{
    struct trace_index index = index_of_four(), got;
    size_t len;
    char *bytes = encode(&index, &len);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)(bytes[i] ^ 0x10);
        CHECK_INT(trace_index_decode(str_make(bytes, len), &got), ERR_CORRUPT);
        bytes[i] = (char)(bytes[i] ^ 0x10);
        CHECK_INT(trace_index_decode(str_make(bytes, i), &got), ERR_CORRUPT);
    }
    trace_index_done(&index);
    mem_free(bytes);
}

int main(void)
{
    RUN(entries_of_an_id_stand_together_in_order_of_writing);
    RUN(the_summary_covers_messages_and_lost_events);
    RUN(an_index_reads_as_what_was_written);
    RUN(an_index_without_entries_reads_back);
    RUN(damage_and_cuts_are_seen);
    return test_summary();
}
