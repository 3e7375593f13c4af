#include "trace/record.h"

#include "base/mem.h"
#include "test.h"

static struct trace_event event_of(struct str text, struct str transcript)
{
    return (struct trace_event){.id = 0x0123456789abcdef,
                                .kind = TRACE_ATTEMPT,
                                .wall_us = 1700000000123456,
                                .text = text,
                                .transcript = transcript};
}

/* In memory of its own, so that reading beyond it is seen. */
static char *encode(const struct trace_event *event, size_t *out_len)
{
    *out_len = trace_record_size(event);
    char *bytes = mem_alloc(*out_len);
    trace_record_write(event, bytes);
    trace_record_seal(bytes);
    return bytes;
}

TEST(a_record_reads_as_what_was_written)
{
    struct trace_event event = event_of(STR("deferred\ntry again in 5 min"), STR("S: 451 later\n")),
                       got;
    size_t len, used;
    char *bytes = encode(&event, &len);
    CHECK_INT(trace_record_len(bytes), len);
    REQUIRE(trace_record_read(str_make(bytes, len), &got, &used) == OK);
    CHECK_INT(used, len);
    CHECK(got.id == event.id && got.kind == event.kind && got.wall_us == event.wall_us);
    CHECK_STR(got.text, event.text);
    CHECK_STR(got.transcript, event.transcript);
    mem_free(bytes);
}

TEST(a_record_cut_anywhere_wants_more)
{
    struct trace_event event = event_of(STR("text"), STR("transcript")), got;
    size_t len, used;
    char *bytes = encode(&event, &len);
    for (size_t cut = 0; cut < len; cut++) {
        char *part = mem_alloc(cut);
        memcpy(part, bytes, cut);
        CHECK_INT(trace_record_read(str_make(part, cut), &got, &used), ERR_MORE);
        mem_free(part);
    }
    mem_free(bytes);
}

TEST(any_flipped_bit_is_seen)
{
    struct trace_event event = event_of(STR("text"), STR("transcript")), got;
    size_t len, used;
    char *bytes = encode(&event, &len);
    for (size_t bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        CHECK(trace_record_read(str_make(bytes, len), &got, &used) != OK);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    mem_free(bytes);
}

TEST(too_much_is_cut_the_transcript_first)
{
    size_t large = (size_t)200 * 1024;
    char *much = mem_zalloc(large);
    memset(much, 'x', large);
    struct trace_event event = event_of(STR("text"), str_make(much, large)), got;
    size_t len, used;
    char *bytes = encode(&event, &len);
    CHECK_INT(len, TRACE_RECORD_MAX_BYTES);
    REQUIRE(trace_record_read(str_make(bytes, len), &got, &used) == OK);
    CHECK_STR(got.text, STR("text"));
    mem_free(bytes);

    event = event_of(str_make(much, large), STR("transcript"));
    bytes = encode(&event, &len);
    REQUIRE(trace_record_read(str_make(bytes, len), &got, &used) == OK);
    CHECK_INT(got.transcript.len, 0);
    mem_free(bytes);
    mem_free(much);
}

TEST(a_scan_finds_the_next_record)
{
    struct trace_event event = event_of(STR("a"), STR_EMPTY);
    size_t len;
    char *bytes = encode(&event, &len);
    char *damaged = mem_zalloc(10 + len);
    memcpy(damaged + 10, bytes, len);
    CHECK_INT(trace_record_find(str_make(damaged, 10 + len), 0), 10);
    CHECK_INT(trace_record_find(str_make(damaged, 10 + len), 10), 10);
    CHECK_INT(trace_record_find(str_make(damaged, 10 + len), 11), 10 + len);
    mem_free(damaged);
    mem_free(bytes);
}

int main(void)
{
    RUN(a_record_reads_as_what_was_written);
    RUN(a_record_cut_anywhere_wants_more);
    RUN(any_flipped_bit_is_seen);
    RUN(too_much_is_cut_the_transcript_first);
    RUN(a_scan_finds_the_next_record);
    return test_summary();
}
