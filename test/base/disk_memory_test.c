/* What only the disk in memory does: crash, run full, fail on demand. */
#include "base/arena.h"
#include "base/disk.h"
#include "test.h"

static struct disk *disk;

static void begin(uint64_t capacity_bytes) { disk = disk_memory_new(capacity_bytes); }
static void end(void) { disk_memory_free(disk); }

static struct disk_file *open_file(const char *path)
{
    struct disk_file *file = NULL;
    CHECK_INT(disk_open(disk, path, DISK_WRITE | DISK_CREATE, 0600, &file), OK);
    return file;
}

static enum err write_at(struct disk_file *file, uint64_t offset, struct str bytes)
{
    struct iovec piece = {.iov_base = (char *)bytes.at, .iov_len = bytes.len};
    return disk_write(file, offset, &piece, 1);
}

static enum err fill(struct disk_file *file, uint64_t offset, size_t len, char with)
{
    char bytes[20000];
    assert(len <= sizeof bytes);
    memset(bytes, with, len);
    return write_at(file, offset, str_make(bytes, len));
}

/* What the file holds, in memory that the next call overwrites; "(gone)" when it is not there. */
static struct str content_of(const char *path)
{
    static char bytes[20000];
    size_t len = 0;
    struct disk_file *file;
    if (disk_open(disk, path, DISK_READ, 0, &file))
        return STR("(gone)");
    CHECK_INT(disk_read(file, 0, bytes, sizeof bytes, &len), OK);
    disk_close(file);
    return str_make(bytes, len);
}

static bool exists(const char *path)
{
    bool is_there = false;
    CHECK_INT(disk_exists(disk, path, &is_there), OK);
    return is_there;
}

/* A file whose content and name are durable. */
static void make_durable(const char *path, struct str bytes)
{
    struct disk_file *file = open_file(path);
    CHECK_INT(write_at(file, 0, bytes), OK);
    CHECK_INT(disk_sync(file), OK);
    CHECK_INT(disk_sync_directory(disk, "/"), OK);
    disk_close(file);
}

static void make_directories(void)
{
    CHECK_INT(disk_mkdir(disk, "/tmp", 0700), OK);
    CHECK_INT(disk_mkdir(disk, "/new", 0700), OK);
    CHECK_INT(disk_sync_directory(disk, "/"), OK);
}

TEST(what_was_synced_survives)
{
    begin(1 << 20);
    make_durable("/a", STR("kept"));
    for (uint64_t seed = 0; seed < 20; seed++) {
        disk_memory_crash(disk, seed);
        CHECK_STR(content_of("/a"), STR("kept"));
    }
    end();
}

TEST(an_unsynced_write_is_forgotten)
{
    begin(1 << 20);
    make_durable("/a", STR("kept"));
    struct disk_file *file = open_file("/a");
    CHECK_INT(write_at(file, 2, STR("LOST AND MORE")), OK);
    CHECK_STR(content_of("/a"), STR("keLOST AND MORE"));
    disk_memory_crash(disk, 0);
    CHECK_STR(content_of("/a"), STR("kept"));
    disk_close(file);
    end();
}

TEST(a_synced_file_without_a_synced_name_is_lost)
{
    begin(1 << 20);
    struct disk_file *file = open_file("/a");
    CHECK_INT(write_at(file, 0, STR("text")), OK);
    CHECK_INT(disk_sync(file), OK);
    disk_memory_crash(disk, 0);
    CHECK(!exists("/a"));
    disk_close(file);
    end();
}

TEST(a_name_without_synced_content_is_an_empty_file)
{
    begin(1 << 20);
    struct disk_file *file = open_file("/a");
    CHECK_INT(write_at(file, 0, STR("text")), OK);
    CHECK_INT(disk_sync_directory(disk, "/"), OK);
    disk_memory_crash(disk, 0);
    CHECK_STR(content_of("/a"), STR(""));
    disk_close(file);
    end();
}

TEST(open_files_are_invalid_after_a_crash)
{
    begin(1 << 20);
    make_durable("/a", STR("kept"));
    char bytes[4];
    size_t len = 99;
    uint64_t size = 99;
    struct disk_file *file = open_file("/a");
    disk_memory_crash(disk, 0);
    CHECK_INT(disk_read(file, 0, bytes, 4, &len), ERR_IO);
    CHECK_INT(disk_read_cached(file, 0, bytes, 4, &len), ERR_IO);
    CHECK_INT(write_at(file, 0, STR("x")), ERR_IO);
    CHECK_INT(disk_sync(file), ERR_IO);
    CHECK_INT(disk_allocate(file, 100), ERR_IO);
    CHECK_INT(disk_truncate(file, 0), ERR_IO);
    CHECK_INT(disk_size(file, &size), ERR_IO);
    CHECK(len == 99 && size == 99);
    disk_close(file);
    CHECK_STR(content_of("/a"), STR("kept"));
    end();
}

/* Whether some seed of many leads to a crash after which the file holds this. */
static bool some_crash_gives(void (*prepare)(void), const char *path, struct str want)
{
    bool found = false;
    for (uint64_t seed = 1; seed < 100 && !found; seed++) {
        begin(1 << 20);
        prepare();
        disk_memory_crash(disk, seed);
        found = str_eq(content_of(path), want);
        end();
    }
    return found;
}

static char sectors[3 * 512];

static struct str three_sectors(char a, char b, char c)
{
    memset(sectors, a, 512);
    memset(sectors + 512, b, 512);
    memset(sectors + 1024, c, 512);
    return str_make(sectors, sizeof sectors);
}

static void overwrite_three_sectors(void)
{
    make_durable("/a", three_sectors('o', 'o', 'o'));
    struct disk_file *file = open_file("/a");
    CHECK_INT(write_at(file, 0, three_sectors('n', 'n', 'n')), OK);
    disk_close(file);
}

TEST(each_unsynced_sector_survives_or_not)
{
    const char *outcomes[] = {"ooo", "oon", "ono", "onn", "noo", "non", "nno", "nnn"};
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        const char *o = outcomes[i];
        bool found = false;
        for (uint64_t seed = 1; seed < 200 && !found; seed++) {
            begin(1 << 20);
            overwrite_three_sectors();
            disk_memory_crash(disk, seed);
            found = str_eq(content_of("/a"), three_sectors(o[0], o[1], o[2]));
            end();
        }
        CHECK_ROW(o, found);
    }
}

static void append_a_sector(void)
{
    make_durable("/a", STR("old"));
    struct disk_file *file = open_file("/a");
    CHECK_INT(fill(file, 3, 10, 'n'), OK);
    disk_close(file);
}

TEST(an_unsynced_append_is_torn_or_not)
{
    CHECK(some_crash_gives(append_a_sector, "/a", STR("old")));
    CHECK(some_crash_gives(append_a_sector, "/a", STR("oldnnnnnnnnnn")));
}

static void truncate_a_file(void)
{
    make_durable("/a", STR("old text"));
    struct disk_file *file = open_file("/a");
    CHECK_INT(disk_truncate(file, 3), OK);
    disk_close(file);
}

TEST(an_unsynced_cut_happened_or_not)
{
    CHECK(some_crash_gives(truncate_a_file, "/a", STR("old")));
    CHECK(some_crash_gives(truncate_a_file, "/a", STR("old text")));
}

static void make_three_names(void)
{
    disk_close(open_file("/1"));
    disk_close(open_file("/2"));
    disk_close(open_file("/3"));
}

TEST(unsynced_names_survive_as_a_prefix)
{
    unsigned seen[4] = {0};
    for (uint64_t seed = 1; seed < 100; seed++) {
        begin(1 << 20);
        make_three_names();
        disk_memory_crash(disk, seed);
        bool one = exists("/1");
        bool two = exists("/2");
        bool three = exists("/3");
        CHECK(one >= two && two >= three);
        seen[one + two + three]++;
        end();
    }
    for (size_t i = 0; i < ARRAY_LEN(seen); i++)
        CHECK(seen[i] > 0);
}

TEST(the_same_seed_gives_the_same_crash)
{
    struct arena arena = arena_make();
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct str first = STR_EMPTY;
        for (int again = 0; again < 2; again++) {
            begin(1 << 20);
            overwrite_three_sectors();
            make_three_names();
            disk_memory_crash(disk, seed);
            struct str after = arena_printf(&arena, "%.*s%d%d%d", STR_FMT(content_of("/a")),
                                            exists("/1"), exists("/2"), exists("/3"));
            if (again)
                CHECK_STR(after, first);
            first = after;
            end();
        }
    }
    arena_reset(&arena);
}

TEST(a_rename_that_replaces_is_all_or_nothing)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        begin(1 << 20);
        make_durable("/config", STR("old"));
        make_durable("/config.new", STR("new"));
        CHECK_INT(disk_rename(disk, "/config.new", "/config"), OK);
        disk_memory_crash(disk, seed);
        bool renamed = str_eq(content_of("/config"), STR("new"));
        CHECK(renamed || str_eq(content_of("/config"), STR("old")));
        CHECK(exists("/config.new") == !renamed);
        end();
    }
}

TEST(a_rename_between_directories_never_loses_the_file)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        begin(1 << 20);
        make_directories();
        struct disk_file *file = open_file("/tmp/1");
        CHECK_INT(write_at(file, 0, STR("mail")), OK);
        CHECK_INT(disk_sync(file), OK);
        disk_close(file);
        CHECK_INT(disk_sync_directory(disk, "/tmp"), OK);
        CHECK_INT(disk_rename(disk, "/tmp/1", "/new/1"), OK);
        if (seed % 2)
            CHECK_INT(disk_sync_directory(disk, "/tmp"), OK);
        disk_memory_crash(disk, seed);
        CHECK(str_eq(content_of("/tmp/1"), STR("mail")) !=
              str_eq(content_of("/new/1"), STR("mail")));
        if (seed % 2)
            CHECK(!exists("/tmp/1"));
        end();
    }
}

TEST(syncing_the_target_directory_saves_a_delivery)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        begin(1 << 20);
        make_directories();
        struct disk_file *file = open_file("/tmp/1");
        CHECK_INT(write_at(file, 0, STR("mail")), OK);
        CHECK_INT(disk_sync(file), OK);
        disk_close(file);
        CHECK_INT(disk_rename(disk, "/tmp/1", "/new/1"), OK);
        CHECK_INT(disk_sync_directory(disk, "/new"), OK);
        disk_memory_crash(disk, seed);
        CHECK_STR(content_of("/new/1"), STR("mail"));
        CHECK(!exists("/tmp/1"));
        end();
    }
}

TEST(syncing_one_directory_does_not_save_another)
{
    begin(1 << 20);
    make_directories();
    disk_close(open_file("/tmp/1"));
    CHECK_INT(disk_sync_directory(disk, "/new"), OK);
    CHECK_INT(disk_sync_directory(disk, "/"), OK);
    disk_memory_crash(disk, 0);
    CHECK(!exists("/tmp/1"));
    end();
}

TEST(a_name_is_lost_with_its_directory)
{
    begin(1 << 20);
    CHECK_INT(disk_mkdir(disk, "/d", 0700), OK);
    CHECK_INT(disk_mkdir(disk, "/d/e", 0700), OK);
    disk_close(open_file("/d/e/1"));
    CHECK_INT(disk_sync_directory(disk, "/d/e"), OK);
    CHECK_INT(disk_sync_directory(disk, "/d"), OK);
    disk_memory_crash(disk, 0);
    CHECK(!exists("/d") && !exists("/d/e") && !exists("/d/e/1"));
    end();
}

TEST(an_unsynced_removal_is_undone)
{
    begin(1 << 20);
    make_durable("/a", STR("kept"));
    CHECK_INT(disk_unlink(disk, "/a"), OK);
    CHECK(!exists("/a"));
    disk_memory_crash(disk, 0);
    CHECK_STR(content_of("/a"), STR("kept"));
    CHECK_INT(disk_unlink(disk, "/a"), OK);
    CHECK_INT(disk_sync_directory(disk, "/"), OK);
    disk_memory_crash(disk, 0);
    CHECK(!exists("/a"));
    end();
}

TEST(a_full_disk_refuses_new_blocks_only)
{
    begin(3 * 4096);
    struct disk_file *file = open_file("/a");
    CHECK_INT(fill(file, 0, 4096, 'x'), OK);
    CHECK_INT(disk_allocate(file, 2 * 4096), OK);
    struct disk_file *other = open_file("/b");
    CHECK_INT(fill(other, 0, 4097, 'y'), ERR_FULL);
    CHECK_INT(fill(other, 0, 4096, 'y'), OK);
    CHECK_INT(disk_allocate(other, 4097), ERR_FULL);
    CHECK_INT(fill(file, 4096, 4096, 'x'), OK);
    CHECK_INT(fill(file, 8192, 1, 'x'), ERR_FULL);
    disk_memory_set_capacity(disk, 4 * 4096);
    CHECK_INT(fill(file, 8192, 1, 'x'), OK);
    disk_close(file);
    disk_close(other);
    end();
}

TEST(space_comes_back)
{
    begin(2 * 4096);
    for (int i = 0; i < 10; i++) {
        struct disk_file *file = open_file("/a");
        CHECK_INT(fill(file, 0, 8192, 'x'), OK);
        CHECK_INT(disk_truncate(file, 1), OK);
        CHECK_INT(fill(file, 4096, 4096, 'y'), OK);
        CHECK_INT(disk_rename(disk, "/a", "/b"), OK);
        CHECK_INT(disk_unlink(disk, "/b"), OK);
        struct disk_file *other = open_file("/a");
        CHECK_INT(fill(other, 0, 1, 'z'), ERR_FULL); /* still held by the open file */
        disk_close(file);
        CHECK_INT(fill(other, 0, 8192, 'z'), OK);
        disk_close(other);
        if (i == 5)
            disk_memory_crash(disk, 0);
        else
            CHECK_INT(disk_unlink(disk, "/a"), OK);
    }
    end();
}

TEST(a_reservation_outlives_a_crash_once_it_is_synced)
{
    begin(4 * 4096);
    struct disk_file *file = open_file("/a");
    CHECK_INT(disk_allocate(file, 3 * 4096), OK);
    CHECK_INT(disk_sync(file), OK);
    CHECK_INT(disk_sync_directory(disk, "/"), OK);
    disk_close(file);
    disk_memory_crash(disk, 0);
    struct disk_file *other = open_file("/b");
    CHECK_INT(fill(other, 0, 8192, 'y'), ERR_FULL);
    file = open_file("/a");
    CHECK_INT(fill(file, 0, 3 * 4096, 'x'), OK);
    disk_close(file);
    disk_close(other);
    end();
}

TEST(failures_come_when_asked_for_and_once)
{
    begin(1 << 20);
    struct disk_file *file = open_file("/a");
    disk_memory_fail(disk, 2, ERR_IO);
    CHECK_INT(write_at(file, 0, STR("1")), OK);
    CHECK_INT(write_at(file, 0, STR("2")), ERR_IO);
    CHECK_INT(write_at(file, 0, STR("3")), OK);
    disk_memory_fail(disk, 1, ERR_FULL);
    CHECK_INT(disk_sync_directory(disk, "/"), ERR_FULL);
    CHECK_INT(disk_sync_directory(disk, "/"), OK);
    disk_close(file);
    CHECK_STR(content_of("/a"), STR("3"));
    end();
}

TEST(a_later_sync_does_not_heal_a_failed_one)
{
    begin(1 << 20);
    make_durable("/a", STR("old"));
    struct disk_file *file = open_file("/a");
    CHECK_INT(write_at(file, 0, STR("new")), OK);
    CHECK_INT(fill(file, 1000, 100, 'x'), OK);
    disk_memory_fail(disk, 1, ERR_IO);
    CHECK_INT(disk_sync(file), ERR_IO);
    CHECK(str_starts(content_of("/a"), STR("new")));
    CHECK_INT(fill(file, 1000, 100, 'y'), OK);
    CHECK_INT(disk_sync(file), OK);
    disk_memory_crash(disk, 0);
    CHECK(str_starts(content_of("/a"), STR("old\0")));
    CHECK(str_ends(content_of("/a"), STR("yyyy")));
    disk_close(file);
    end();
}

TEST(syncs_are_counted)
{
    begin(1 << 20);
    struct disk_file *file = open_file("/a");
    CHECK_INT(disk_memory_sync_count(disk), 0);
    CHECK_INT(disk_sync(file), OK);
    CHECK_INT(disk_sync(file), OK);
    disk_memory_fail(disk, 1, ERR_IO);
    CHECK_INT(disk_sync(file), ERR_IO);
    CHECK_INT(disk_memory_sync_count(disk), 2);
    disk_close(file);
    end();
}

int main(void)
{
    RUN(what_was_synced_survives);
    RUN(an_unsynced_write_is_forgotten);
    RUN(a_synced_file_without_a_synced_name_is_lost);
    RUN(a_name_without_synced_content_is_an_empty_file);
    RUN(open_files_are_invalid_after_a_crash);
    RUN(each_unsynced_sector_survives_or_not);
    RUN(an_unsynced_append_is_torn_or_not);
    RUN(an_unsynced_cut_happened_or_not);
    RUN(unsynced_names_survive_as_a_prefix);
    RUN(the_same_seed_gives_the_same_crash);
    RUN(a_rename_that_replaces_is_all_or_nothing);
    RUN(a_rename_between_directories_never_loses_the_file);
    RUN(syncing_the_target_directory_saves_a_delivery);
    RUN(syncing_one_directory_does_not_save_another);
    RUN(a_name_is_lost_with_its_directory);
    RUN(an_unsynced_removal_is_undone);
    RUN(a_full_disk_refuses_new_blocks_only);
    RUN(space_comes_back);
    RUN(a_reservation_outlives_a_crash_once_it_is_synced);
    RUN(failures_come_when_asked_for_and_once);
    RUN(a_later_sync_does_not_heal_a_failed_one);
    RUN(syncs_are_counted);
    return test_summary();
}
