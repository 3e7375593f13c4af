/* What both disks must do alike. Each test runs on the system's disk, in a temporary directory,
 * and on the disk in memory. */
#include "base/arena.h"
#include "base/disk.h"
#include "base/mem.h"
#include "test.h"

#include <unistd.h>

static struct disk *disk;
static const char *top; /* an empty directory on it */
static struct arena arena;

static const char *path(const char *name) { return arena_printf(&arena, "%s/%s", top, name).at; }

static struct disk_file *open_file(const char *name, unsigned flags)
{
    struct disk_file *file = NULL;
    enum err err = disk_open(disk, path(name), flags, 0600, &file);
    CHECK_INT(err, OK);
    return file;
}

static enum err write_at(struct disk_file *file, uint64_t offset, struct str bytes)
{
    struct iovec piece = {.iov_base = (char *)bytes.at, .iov_len = bytes.len};
    return disk_write(file, offset, &piece, 1);
}

static void write_file(const char *name, struct str bytes)
{
    struct disk_file *file = open_file(name, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE);
    CHECK_INT(write_at(file, 0, bytes), OK);
    disk_close(file);
}

/* Up to 10,000 bytes of it. */
static struct str content_of(const char *name)
{
    char *bytes = arena_alloc(&arena, 10000);
    size_t len = 0;
    struct disk_file *file = open_file(name, DISK_READ);
    CHECK_INT(disk_read(file, 0, bytes, 10000, &len), OK);
    disk_close(file);
    return str_make(bytes, len);
}

static bool exists(const char *name)
{
    bool is_there = false;
    CHECK_INT(disk_exists(disk, path(name), &is_there), OK);
    return is_there;
}

TEST(what_was_written_is_read)
{
    write_file("a", STR("hello"));
    CHECK_STR(content_of("a"), STR("hello"));
}

TEST(a_read_is_short_only_at_the_end)
{
    char bytes[10];
    size_t len = 99;
    write_file("a", STR("0123456789"));
    struct disk_file *file = open_file("a", DISK_READ);
    CHECK(disk_read(file, 3, bytes, 4, &len) == OK && len == 4 && memcmp(bytes, "3456", 4) == 0);
    CHECK(disk_read(file, 8, bytes, 4, &len) == OK && len == 2);
    CHECK(disk_read(file, 10, bytes, 4, &len) == OK && len == 0);
    CHECK(disk_read(file, 1000, bytes, 4, &len) == OK && len == 0);
    disk_close(file);
}

TEST(a_cached_read_gives_the_same_or_busy)
{
    char bytes[5];
    size_t len = 99;
    write_file("a", STR("hello"));
    struct disk_file *file = open_file("a", DISK_READ);
    enum err err = disk_read_cached(file, 0, bytes, 5, &len);
    CHECK(err == ERR_BUSY || (err == OK && len == 5 && memcmp(bytes, "hello", 5) == 0));
    disk_close(file);
}

TEST(pieces_are_written_in_order_even_when_some_are_empty)
{
    struct iovec pieces[2000];
    char texts[2][4] = {"abc", "xy"};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        pieces[i] = (struct iovec){.iov_base = texts[i % 2], .iov_len = i % 5 ? 1 + i % 2 : 0};
    size_t want = 0;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        want += pieces[i].iov_len;
    struct disk_file *file = open_file("a", DISK_WRITE | DISK_CREATE);
    CHECK_INT(disk_write(file, 0, pieces, ARRAY_LEN(pieces)), OK);
    CHECK_INT(disk_write(file, 0, pieces, 0), OK);
    disk_close(file);
    CHECK_INT(content_of("a").len, want);
    CHECK(str_starts(content_of("a"), STR("xyaxyaaxya")));
}

TEST(a_hole_reads_as_zeros)
{
    struct disk_file *file = open_file("a", DISK_WRITE | DISK_CREATE);
    CHECK_INT(write_at(file, 9000, STR("x")), OK);
    disk_close(file);
    struct str got = content_of("a");
    REQUIRE(got.len == 9001);
    for (size_t i = 0; i < 9000; i++)
        REQUIRE(got.at[i] == 0);
    CHECK(got.at[9000] == 'x');
}

TEST(writing_inside_keeps_the_rest)
{
    write_file("a", STR("0123456789"));
    struct disk_file *file = open_file("a", DISK_WRITE);
    CHECK_INT(write_at(file, 3, STR("xyz")), OK);
    disk_close(file);
    CHECK_STR(content_of("a"), STR("012xyz6789"));
}

TEST(allocating_gives_size_and_zeros)
{
    uint64_t size = 0;
    write_file("a", STR("abc"));
    struct disk_file *file = open_file("a", DISK_WRITE);
    CHECK_INT(disk_allocate(file, 5000), OK);
    CHECK(disk_size(file, &size) == OK && size == 5000);
    CHECK_INT(disk_allocate(file, 100), OK);
    CHECK(disk_size(file, &size) == OK && size == 5000);
    disk_close(file);
    struct str got = content_of("a");
    CHECK(str_starts(got, STR("abc\0\0")) && got.at[4999] == 0);
}

TEST(what_was_cut_off_does_not_come_back)
{
    write_file("a", STR("0123456789"));
    struct disk_file *file = open_file("a", DISK_WRITE);
    CHECK_INT(disk_truncate(file, 4), OK);
    CHECK_INT(disk_truncate(file, 8), OK);
    disk_close(file);
    CHECK_STR(content_of("a"), STR("0123\0\0\0\0"));
}

TEST(opening_creates_or_finds_or_refuses)
{
    struct disk_file *file = NULL;
    CHECK_INT(disk_open(disk, path("a"), DISK_READ, 0600, &file), ERR_NOT_FOUND);
    CHECK_INT(disk_open(disk, path("no/a"), DISK_WRITE | DISK_CREATE, 0600, &file), ERR_NOT_FOUND);
    CHECK(file == NULL);
    unsigned create = DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE;
    disk_close(open_file("a", create));
    CHECK_INT(disk_open(disk, path("a"), create, 0600, &file), ERR_EXISTS);
    write_file("a", STR("long text"));
    disk_close(open_file("a", DISK_WRITE | DISK_CREATE));
    CHECK_STR(content_of("a"), STR("long text"));
    disk_close(open_file("a", DISK_WRITE | DISK_TRUNCATE));
    CHECK_STR(content_of("a"), STR(""));
}

TEST(a_file_opened_for_reading_is_not_written)
{
    write_file("a", STR("abc"));
    struct disk_file *file = open_file("a", DISK_READ);
    CHECK(write_at(file, 0, STR("x")) != OK);
    disk_close(file);
    CHECK_STR(content_of("a"), STR("abc"));
}

TEST(renaming_replaces_the_target)
{
    write_file("a", STR("new"));
    write_file("b", STR("old"));
    CHECK_INT(disk_rename(disk, path("a"), path("b")), OK);
    CHECK(!exists("a"));
    CHECK_STR(content_of("b"), STR("new"));
    CHECK_INT(disk_rename(disk, path("a"), path("b")), ERR_NOT_FOUND);
    CHECK_INT(disk_rename(disk, path("b"), path("b")), OK);
    CHECK_INT(disk_rename(disk, path("b"), path("no/b")), ERR_NOT_FOUND);
    CHECK_STR(content_of("b"), STR("new"));
}

TEST(an_open_file_outlives_its_name)
{
    char bytes[3];
    size_t len = 0;
    write_file("a", STR("abc"));
    struct disk_file *file = open_file("a", DISK_WRITE);
    CHECK_INT(disk_unlink(disk, path("a")), OK);
    CHECK(!exists("a"));
    CHECK_INT(disk_unlink(disk, path("a")), ERR_NOT_FOUND);
    CHECK(disk_read(file, 0, bytes, 3, &len) == OK && len == 3);
    CHECK_INT(write_at(file, 0, STR("xyz")), OK);
    CHECK_INT(disk_sync(file), OK);
    disk_close(file);
}

TEST(directories_are_made_once)
{
    CHECK_INT(disk_mkdir(disk, path("d"), 0700), OK);
    CHECK_INT(disk_mkdir(disk, path("d"), 0700), OK);
    CHECK_INT(disk_mkdir(disk, path("no/d"), 0700), ERR_NOT_FOUND);
    CHECK(exists("d"));
    write_file("a", STR(""));
    CHECK_INT(disk_mkdir(disk, path("a"), 0700), ERR_EXISTS);
    CHECK_INT(disk_mkdir(disk, path("a/d"), 0700), ERR_NOT_FOUND);
    CHECK_INT(disk_sync_directory(disk, path("d")), OK);
    CHECK_INT(disk_sync_directory(disk, path("no")), ERR_NOT_FOUND);
    CHECK(disk_unlink(disk, path("d")) != OK);
}

static void add_length(void *context, const char *name) { *(size_t *)context += strlen(name); }

TEST(listing_gives_each_name_once)
{
    size_t length = 0;
    CHECK_INT(disk_mkdir(disk, path("d"), 0700), OK);
    write_file("d/x", STR(""));
    write_file("d/yy", STR(""));
    CHECK_INT(disk_mkdir(disk, path("d/zzzz"), 0700), OK);
    write_file("d/zzzz/deeper", STR(""));
    CHECK_INT(disk_list(disk, path("d"), add_length, &length), OK);
    CHECK_INT(length, 7);
    CHECK_INT(disk_list(disk, path("d/"), add_length, &length), OK);
    CHECK_INT(length, 14);
    CHECK_INT(disk_list(disk, path("no"), add_length, &length), ERR_NOT_FOUND);
}

static void unlink_name(void *context, const char *name)
{
    CHECK_INT(disk_unlink(disk, path(arena_printf(&arena, "%s/%s", (char *)context, name).at)), OK);
}

TEST(files_may_be_removed_while_listing)
{
    char directory[] = "d";
    size_t length = 0;
    CHECK_INT(disk_mkdir(disk, path("d"), 0700), OK);
    write_file("d/x", STR(""));
    write_file("d/y", STR(""));
    CHECK_INT(disk_list(disk, path("d"), unlink_name, directory), OK);
    CHECK_INT(disk_list(disk, path("d"), add_length, &length), OK);
    CHECK_INT(length, 0);
}

#define ROW(name)          \
    {                      \
#name, test_##name \
    }
static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    ROW(what_was_written_is_read),
    ROW(a_read_is_short_only_at_the_end),
    ROW(a_cached_read_gives_the_same_or_busy),
    ROW(pieces_are_written_in_order_even_when_some_are_empty),
    ROW(a_hole_reads_as_zeros),
    ROW(writing_inside_keeps_the_rest),
    ROW(allocating_gives_size_and_zeros),
    ROW(what_was_cut_off_does_not_come_back),
    ROW(opening_creates_or_finds_or_refuses),
    ROW(a_file_opened_for_reading_is_not_written),
    ROW(renaming_replaces_the_target),
    ROW(an_open_file_outlives_its_name),
    ROW(directories_are_made_once),
    ROW(listing_gives_each_name_once),
    ROW(files_may_be_removed_while_listing),
};

static void run_on(const char *which, struct disk *(*make)(void), void (*remove)(struct disk *))
{
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        disk = make();
        arena = arena_make();
        test_run(arena_printf(&arena, "%s: %s", which, tests[i].name).at, tests[i].run);
        arena_reset(&arena);
        remove(disk);
    }
}

static char temporary[40];

static struct disk *make_system(void)
{
    snprintf(temporary, sizeof temporary, "/tmp/postrider-disk-test-XXXXXX");
    top = mkdtemp(temporary);
    if (!top)
        abort();
    return disk_system();
}

static void remove_system(struct disk *unused)
{
    UNUSED(unused);
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", top);
    if (system(command) != 0)
        abort();
}

static struct disk *make_memory(void)
{
    struct disk *made = disk_memory_new(1 << 20);
    top = "/top";
    if (disk_mkdir(made, top, 0700))
        abort();
    return made;
}

int main(void)
{
    run_on("system", make_system, remove_system);
    run_on("memory", make_memory, disk_memory_free);
    return test_summary();
}
