/* The trace as a whole, on a disk in memory: what is written is told, whatever happens to files. */
#include "trace/trace.h"

#include "base/mem.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>

#define START_US 1700000000000000

static struct disk *disk;
static struct clock test_clock;
static struct arena arena;
static struct trace *trace;

static spool_id id_at(int64_t us) { return (spool_id)us << 8 | 1; }
static spool_id id_of(unsigned n) { return id_at(START_US + n); }

static void open_with(struct trace_options options)
{
    options.disk = disk;
    options.clock = &test_clock;
    options.directory = "trace";
    REQUIRE(trace_open(&options, &trace) == OK);
}

static void open_inline(void) { open_with((struct trace_options){.inline_writes = true}); }

static void begin(void)
{
    test_clock = clock_virtual(START_US);
    disk = disk_memory_new((uint64_t)1 << 30);
    REQUIRE(disk_mkdir(disk, "trace", 0700) == OK);
    arena = arena_make();
}

static void end(void)
{
    trace_close(trace);
    disk_memory_free(disk);
    arena_reset(&arena);
}

static void write_text(spool_id id, enum trace_kind kind, struct str text)
{
    struct trace_event event = {.id = id,
                                .kind = kind,
                                .wall_us = clock_wall_us(&test_clock),
                                .text = text,
                                .transcript = STR_EMPTY};
    trace_write(trace, &event);
}

static size_t count_of(spool_id id)
{
    struct trace_event *events;
    size_t count;
    enum err err = trace_read(trace, id, &arena, &events, &count);
    CHECK(err == OK || err == ERR_NOT_FOUND);
    return err ? 0 : count;
}

/* An event of so many bytes. */
static void write_large(spool_id id, size_t bytes)
{
    char *text = mem_alloc(bytes);
    memset(text, 'x', bytes);
    write_text(id, TRACE_ATTEMPT, str_make(text, bytes));
    mem_free(text);
}

static void count_name(void *context, const char *name)
{
    UNUSED(name);
    ++*(size_t *)context;
}

static size_t file_count(void)
{
    size_t count = 0;
    CHECK(disk_list(disk, "trace", count_name, &count) == OK);
    return count;
}

static void change_file(const char *path, uint64_t offset, struct str bytes)
{
    struct disk_file *file;
    REQUIRE(disk_open(disk, path, DISK_WRITE, 0, &file) == OK);
    struct iovec part = {(void *)(uintptr_t)bytes.at, bytes.len};
    CHECK(disk_write(file, offset, &part, 1) == OK);
    disk_close(file);
}

static void cut_file(const char *path, uint64_t off_end)
{
    struct disk_file *file;
    uint64_t size;
    REQUIRE(disk_open(disk, path, DISK_WRITE, 0, &file) == OK);
    CHECK(disk_size(file, &size) == OK);
    CHECK(disk_truncate(file, size - off_end) == OK);
    disk_close(file);
}

TEST(events_are_told_oldest_first)
{
    begin();
    open_inline();
    write_text(id_of(1), TRACE_RECEIVED, STR("one"));
    write_text(id_of(2), TRACE_RECEIVED, STR("other"));
    write_text(id_of(1), TRACE_DONE, STR("two"));
    struct trace_event *events;
    size_t count;
    REQUIRE(trace_read(trace, id_of(1), &arena, &events, &count) == OK);
    REQUIRE(count == 2);
    CHECK_STR(events[0].text, STR("one"));
    CHECK_STR(events[1].text, STR("two"));
    CHECK_INT(events[1].kind, TRACE_DONE);
    CHECK_INT(trace_read(trace, id_of(3), &arena, &events, &count), ERR_NOT_FOUND);
    end();
}

TEST(a_story_spans_files_and_starts)
{
    begin();
    open_with((struct trace_options){.inline_writes = true, .max_size_bytes = 1 << 20});
    write_text(id_of(1), TRACE_RECEIVED, STR("first"));
    for (unsigned i = 0; i < 40; i++)
        write_large(id_of(100 + i), 8000);
    write_text(id_of(1), TRACE_DONE, STR("last"));
    CHECK(file_count() > 3);
    CHECK_INT(count_of(id_of(1)), 2);
    trace_close(trace);
    open_inline();
    CHECK_INT(count_of(id_of(1)), 2);
    CHECK_INT(count_of(id_of(120)), 1);
    end();
}

TEST(a_torn_end_is_cut_and_written_over)
{
    begin();
    open_inline();
    write_text(id_of(1), TRACE_RECEIVED, STR("whole"));
    write_text(id_of(1), TRACE_ATTEMPT, STR("torn"));
    trace_close(trace);
    cut_file("trace/00000001.trace", 3);
    open_inline();
    CHECK_INT(count_of(id_of(1)), 1);
    write_text(id_of(1), TRACE_DONE, STR("after"));
    CHECK_INT(count_of(id_of(1)), 2);
    trace_close(trace);
    open_inline();
    CHECK_INT(count_of(id_of(1)), 2);
    end();
}

TEST(a_damaged_record_loses_itself_alone)
{
    begin();
    open_inline();
    write_text(id_of(1), TRACE_RECEIVED, STR("before"));
    write_text(id_of(2), TRACE_RECEIVED, STR("damaged"));
    write_text(id_of(3), TRACE_RECEIVED, STR("behind"));
    trace_close(trace);
    change_file("trace/00000001.trace", 33 + 6 + 8, STR("\xff\xff\xff\xff")); /* its length */
    open_inline();
    CHECK_INT(count_of(id_of(1)), 1);
    CHECK_INT(count_of(id_of(2)), 0);
    CHECK_INT(count_of(id_of(3)), 1);
    end();
}

TEST(without_its_index_a_file_is_scanned)
{
    begin();
    open_with((struct trace_options){.inline_writes = true, .max_size_bytes = 1 << 20});
    for (unsigned i = 0; i < 40; i++)
        write_large(id_of(i), 8000);
    trace_close(trace);
    REQUIRE(disk_unlink(disk, "trace/00000001.index") == OK);
    change_file("trace/00000002.index", 70, STR("damage"));
    open_inline();
    for (unsigned i = 0; i < 40; i++)
        CHECK_INT(count_of(id_of(i)), 1);
    end();
}

TEST(the_oldest_files_go_when_the_budget_is_used_up)
{
    begin();
    open_with((struct trace_options){.inline_writes = true, .max_size_bytes = 1 << 20});
    for (unsigned i = 0; i < 1000; i++)
        write_large(id_of(i), 8000);
    CHECK_INT(count_of(id_of(0)), 0);
    CHECK_INT(count_of(id_of(999)), 1);
    CHECK_INT(count_of(id_of(900)), 1);
    CHECK(file_count() <= 2 * 9);
    CHECK_INT(trace_lost(trace), 0);
    end();
}

TEST(the_oldest_files_go_when_they_are_too_old)
{
    begin();
    open_with((struct trace_options){.inline_writes = true, .keep_s = 86400});
    write_text(id_of(1), TRACE_RECEIVED, STR("old"));
    test_clock.virtual_ms += (uint64_t)20 * 3600 * 1000;
    write_text(id_at(clock_wall_us(&test_clock)), TRACE_RECEIVED, STR("a day later"));
    CHECK_INT(count_of(id_of(1)), 1);
    test_clock.virtual_ms += (uint64_t)6 * 3600 * 1000;
    write_text(id_at(clock_wall_us(&test_clock)), TRACE_RECEIVED, STR("newer"));
    CHECK_INT(count_of(id_of(1)), 0);
    CHECK_INT(count_of(id_at(clock_wall_us(&test_clock))), 1);
    end();
}

TEST(a_full_disk_loses_events_and_the_story_says_so)
{
    begin();
    open_inline();
    write_text(id_of(1), TRACE_RECEIVED, STR("before"));
    test_clock.virtual_ms += 1000;
    disk_memory_set_capacity(disk, 0);
    for (unsigned i = 0; i < 10; i++)
        write_large(id_of(1), 8000);
    CHECK_INT(trace_lost(trace), 10);
    disk_memory_set_capacity(disk, (uint64_t)1 << 30);
    write_text(id_of(1), TRACE_DONE, STR("after"));
    struct trace_event *events;
    size_t count;
    REQUIRE(trace_read(trace, id_of(1), &arena, &events, &count) == OK);
    REQUIRE(count == 3);
    CHECK_INT(events[0].kind, TRACE_RECEIVED);
    CHECK_INT(events[1].kind, TRACE_LOST);
    CHECK_STR(events[1].text, STR("10 events of all messages together"));
    CHECK_INT(events[2].kind, TRACE_DONE);
    end();
}

TEST(lost_events_do_not_concern_what_ended_before_or_came_after)
{
    begin();
    open_inline();
    write_text(id_of(1), TRACE_DONE, STR("ended"));
    test_clock.virtual_ms += 1000;
    disk_memory_set_capacity(disk, 0);
    write_large(id_of(2), 8000);
    disk_memory_set_capacity(disk, (uint64_t)1 << 30);
    test_clock.virtual_ms += 1000;
    write_text(id_of(2), TRACE_ATTEMPT, STR("goes on"));
    test_clock.virtual_ms += 1000;
    spool_id late = id_at(clock_wall_us(&test_clock));
    write_text(late, TRACE_RECEIVED, STR("later"));
    CHECK_INT(count_of(id_of(1)), 1);
    CHECK_INT(count_of(id_of(2)), 2);
    CHECK_INT(count_of(late), 1);
    end();
}

TEST(a_disk_that_fails_costs_one_batch)
{
    begin();
    open_inline();
    write_text(id_of(1), TRACE_RECEIVED, STR("before"));
    test_clock.virtual_ms += 1000;
    disk_memory_fail(disk, 1, ERR_IO);
    write_text(id_of(1), TRACE_ATTEMPT, STR("refused"));
    write_text(id_of(1), TRACE_DONE, STR("after"));
    CHECK_INT(trace_lost(trace), 1);
    CHECK_INT(count_of(id_of(1)), 3); /* with the lost one */
    trace_close(trace);
    open_inline();
    CHECK_INT(count_of(id_of(1)), 3);
    end();
}

/* ---- with its thread ---- */

#define WRITERS           4
#define EVENTS_PER_WRITER 2000

static void *write_many(void *argument)
{
    unsigned writer = *(unsigned *)argument;
    for (unsigned i = 0; i < EVENTS_PER_WRITER; i++) {
        char text[64];
        snprintf(text, sizeof text, "%u %u", writer, i);
        struct trace_event event = {.id = id_of(writer),
                                    .kind = TRACE_ATTEMPT,
                                    .wall_us = START_US,
                                    .text = str_of(text),
                                    .transcript = STR("0.0 C: NOOP\n")};
        trace_write(trace, &event);
    }
    return NULL;
}

TEST(many_writers_lose_nothing_and_keep_their_order)
{
    begin();
    open_with((struct trace_options){0});
    pthread_t threads[WRITERS];
    unsigned numbers[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, write_many, &numbers[i]);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        count_of(id_of(i)); /* readers do no harm */
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < WRITERS; i++) {
        struct trace_event *events;
        size_t count;
        REQUIRE(trace_read(trace, id_of(i), &arena, &events, &count) == OK);
        REQUIRE(count == EVENTS_PER_WRITER);
        for (unsigned n = 0; n < count; n++) {
            char text[64];
            snprintf(text, sizeof text, "%u %u", i, n);
            CHECK_STR(events[n].text, str_of(text));
        }
    }
    CHECK_INT(trace_lost(trace), 0);
    end();
}

TEST(what_was_gathered_is_written_at_the_close)
{
    begin();
    open_with((struct trace_options){0});
    write_text(id_of(1), TRACE_RECEIVED, STR("kept"));
    trace_close(trace);
    open_inline();
    CHECK_INT(count_of(id_of(1)), 1);
    end();
}

TEST(writing_never_waits_for_memory)
{
    begin();
    open_with((struct trace_options){.memory_bytes = 1});
    uint64_t written = 0;
    while (trace_lost(trace) == 0 && written < 1000000) {
        write_large(id_of(1), 100000);
        written++;
    }
    CHECK(trace_lost(trace) > 0);
    size_t told = count_of(id_of(1));
    CHECK(told > 0 && told <= written + 1);
    end();
}

int main(void)
{
    RUN(events_are_told_oldest_first);
    RUN(a_story_spans_files_and_starts);
    RUN(a_torn_end_is_cut_and_written_over);
    RUN(a_damaged_record_loses_itself_alone);
    RUN(without_its_index_a_file_is_scanned);
    RUN(the_oldest_files_go_when_the_budget_is_used_up);
    RUN(the_oldest_files_go_when_they_are_too_old);
    RUN(a_full_disk_loses_events_and_the_story_says_so);
    RUN(lost_events_do_not_concern_what_ended_before_or_came_after);
    RUN(a_disk_that_fails_costs_one_batch);
    RUN(many_writers_lose_nothing_and_keep_their_order);
    RUN(what_was_gathered_is_written_at_the_close);
    RUN(writing_never_waits_for_memory);
    return test_summary();
}
