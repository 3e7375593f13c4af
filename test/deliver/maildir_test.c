#include "deliver/maildir.h"

#include "base/mem.h"
#include "fiber/loop.h"
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#define ID ((spool_id)1700000000123456 << 8)

struct stage {
    struct clock clock;
    struct loop *loop;
    struct fiber_group group;
    struct blocking_pool *pool;
    void (*play)(struct stage *stage);
    struct disk *disk;
    const char *path;
    struct str folder; /* delivered into */
    struct arena arena;
};

static void stage_main(void *argument)
{
    struct stage *stage = argument;
    stage->play(stage);
    loop_stop(stage->loop);
}

static void stage_start(void *argument)
{
    struct stage *stage = argument;
    fiber_group_init(&stage->group, stage->loop);
    fiber_spawn(&stage->group, "test", stage_main, stage);
}

static void on_stage(struct disk *disk, const char *path, bool is_virtual,
                     void (*play)(struct stage *))
{
    struct stage stage = {
        .disk = disk, .path = path, .folder = STR_EMPTY, .play = play, .arena = arena_make()};
    stage.clock = is_virtual ? clock_virtual(0) : clock_system();
    stage.loop = loop_new(&(struct loop_options){.clock = &stage.clock});
    stage.pool = blocking_pool_new("maildir", is_virtual ? 0 : 2, 100);
    CHECK_INT(loop_run(stage.loop, stage_start, &stage), OK);
    blocking_pool_free(stage.pool);
    loop_free(stage.loop);
    arena_reset(&stage.arena);
}

static enum err deliver(struct stage *stage, struct str text, uint32_t number,
                        struct str *out_problem)
{
    struct content_source content = content_of_text(&text);
    struct maildir_message message = {.content = &content,
                                      .id = ID,
                                      .recipient_number = number,
                                      .sender = STR("me@here.example"),
                                      .recipient = STR("you@there.example")};
    struct maildir_place place = {.disk = stage->disk,
                                  .pool = stage->pool,
                                  .path = str_of(stage->path),
                                  .folder = stage->folder,
                                  .hostname = STR("mx.here:example")};
    return maildir_deliver(&place, &message, &stage->arena, out_problem);
}

/* ---- looking into a mailbox ---- */
struct listing {
    char names[4][200];
    size_t count;
};

static void note_name(void *context, const char *name)
{
    struct listing *listing = context;
    if (listing->count < ARRAY_LEN(listing->names))
        snprintf(listing->names[listing->count], sizeof listing->names[0], "%s", name);
    listing->count++;
}

static struct listing list(struct stage *stage, const char *directory)
{
    struct listing listing = {.count = 0};
    const char *path = arena_printf(&stage->arena, "%s/%s", stage->path, directory).at;
    enum err err = disk_list(stage->disk, path, note_name, &listing);
    CHECK(err == OK || err == ERR_NOT_FOUND);
    return listing;
}

static struct str read_file(struct stage *stage, const char *directory, const char *name)
{
    struct disk_file *file;
    uint64_t size = 0;
    size_t len = 0;
    const char *path = arena_printf(&stage->arena, "%s/%s/%s", stage->path, directory, name).at;
    if (disk_open(stage->disk, path, DISK_READ, 0, &file) || disk_size(file, &size))
        return STR("(cannot open)");
    char *bytes = arena_alloc(&stage->arena, (size_t)size + 1);
    CHECK(disk_read(file, 0, bytes, (size_t)size, &len) == OK);
    disk_close(file);
    return str_make(bytes, len);
}

#define FIELDS "Return-Path: <me@here.example>\nDelivered-To: you@there.example\n"

/* ---- on the machine's disk ---- */
static void play_names(struct stage *stage)
{
    struct str problem;
    CHECK_INT(deliver(stage, STR("Subject: x\r\n\r\nbody\r\n"), 3, &problem), OK);
    struct listing in_new = list(stage, "new");
    CHECK_INT(in_new.count, 1);
    CHECK_INT(list(stage, "tmp").count, 0);
    CHECK_INT(list(stage, "cur").count, 0);
    struct str want = arena_printf(&stage->arena, "1700000000.M123456Q%s_3.mx.here_example,S=%zu",
                                   spool_id_print(ID).at, strlen(FIELDS "Subject: x\n\nbody\n"));
    CHECK_STR(str_of(in_new.names[0]), want);
    CHECK_STR(read_file(stage, "new", in_new.names[0]), STR(FIELDS "Subject: x\n\nbody\n"));
    /* the same again is the same file; another recipient is another */
    CHECK_INT(deliver(stage, STR("Subject: x\r\n\r\nbody\r\n"), 3, &problem), OK);
    CHECK_INT(list(stage, "new").count, 1);
    CHECK_INT(list(stage, "tmp").count, 0);
    CHECK_INT(deliver(stage, STR("Subject: x\r\n\r\nbody\r\n"), 4, &problem), OK);
    CHECK_INT(list(stage, "new").count, 2);
}

static void play_link_in_tmp(struct stage *stage)
{
    struct str problem, text = STR("x\r\n");
    char victim[200], name[300];
    CHECK_INT(deliver(stage, text, 1, &problem), OK);
    struct listing listing = list(stage, "new");
    snprintf(victim, sizeof victim, "%s/victim", stage->path);
    snprintf(name, sizeof name, "%s/tmp/1700000000.M123456Q%s_2.mx.here_example", stage->path,
             spool_id_print(ID).at);
    REQUIRE(symlink(victim, name) == 0);
    CHECK_INT(deliver(stage, text, 2, &problem), OK);
    bool exists = true;
    CHECK(disk_exists(stage->disk, victim, &exists) == OK);
    CHECK(!exists);
    CHECK_INT(list(stage, "new").count, 2);
    UNUSED(listing);
}

static void play_large(struct stage *stage)
{
    static char text[5 << 20];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "line\r\n"[i % 6];
    size_t len = sizeof text / 6 * 6;
    struct str problem;
    CHECK_INT(deliver(stage, str_make(text, len), 1, &problem), OK);
    struct listing listing = list(stage, "new");
    struct str got = read_file(stage, "new", listing.names[0]);
    CHECK_INT(got.len, strlen(FIELDS) + len / 6 * 5);
    CHECK(str_ends(got, STR("line\nline\n")));
    CHECK(str_find(got, '\r') == SIZE_MAX);
}

static void play_denied(struct stage *stage)
{
    struct str problem = STR_EMPTY;
    struct disk_file *file;
    const char *path = arena_printf(&stage->arena, "%s/file", stage->path).at;
    CHECK(disk_mkdir(stage->disk, stage->path, 0700) == OK);
    REQUIRE(disk_open(stage->disk, path, DISK_WRITE | DISK_CREATE, 0600, &file) == OK);
    disk_close(file);
    stage->path = path; /* a file where the mailbox should be */
    CHECK(deliver(stage, STR("x\r\n"), 1, &problem) != OK);
    CHECK(str_search(problem, STR("/file")) != SIZE_MAX);
}

static void in_directory(void (*play)(struct stage *))
{
    char directory[] = "/tmp/maildir-test-XXXXXX", path[100], command[100];
    REQUIRE(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/example.org/you", directory);
    if (play == play_denied)
        snprintf(path, sizeof path, "%s", directory);
    on_stage(disk_system(), path, false, play);
    snprintf(command, sizeof command, "rm -rf %s", directory);
    CHECK(system(command) == 0);
}

TEST(a_delivery_has_the_name_of_its_message) { in_directory(play_names); }
TEST(a_link_in_tmp_is_not_followed) { in_directory(play_link_in_tmp); }
TEST(a_large_message_is_written_in_pieces) { in_directory(play_large); }
TEST(what_cannot_be_done_is_told) { in_directory(play_denied); }

/* ---- line ends, across pieces ---- */
struct slow_source {
    struct str text;
    size_t piece;
};

static enum err read_slowly(void *context, uint64_t offset, void *out, size_t len, size_t *out_len)
{
    struct slow_source *source = context;
    struct str piece =
        str_first(str_from(source->text, (size_t)offset), min_size(len, source->piece));
    memcpy(out, piece.at, piece.len);
    *out_len = piece.len;
    return OK;
}

static void play_splits(struct stage *stage)
{
    struct str text = STR("a\r\nb\r\r\nc\nd\re\r\n\r\n\r");
    struct str problem;
    for (size_t piece = 1; piece <= text.len; piece++) {
        struct slow_source slow = {text, piece};
        struct content_source content = {read_slowly, &slow, text.len};
        struct maildir_message message = {.content = &content,
                                          .id = ID + piece * 256,
                                          .recipient_number = 1,
                                          .sender = STR("me@here.example"),
                                          .recipient = STR("you@there.example")};
        stage->path = arena_printf(&stage->arena, "/box%zu", piece).at;
        struct maildir_place place = {.disk = stage->disk,
                                      .pool = stage->pool,
                                      .path = str_of(stage->path),
                                      .hostname = STR("mx")};
        REQUIRE(maildir_deliver(&place, &message, &stage->arena, &problem) == OK);
        CHECK_STR(read_file(stage, "new", list(stage, "new").names[0]),
                  STR(FIELDS "a\nb\r\nc\nd\re\n\n\r"));
    }
}

static void play_empty(struct stage *stage)
{
    struct str problem;
    CHECK_INT(deliver(stage, STR_EMPTY, 1, &problem), OK);
    CHECK_STR(read_file(stage, "new", list(stage, "new").names[0]), STR(FIELDS));
}

static void in_memory(void (*play)(struct stage *))
{
    struct disk *disk = disk_memory_new(16 << 20);
    on_stage(disk, "/home/you", true, play);
    disk_memory_free(disk);
}

TEST(any_split_gives_the_same_file) { in_memory(play_splits); }
TEST(an_empty_message_is_a_file) { in_memory(play_empty); }

/* ---- a disk that fails, and a machine that does ---- */
#define TEXT STR("Subject: x\r\n\r\nbody\r\n")
#define WANT STR(FIELDS "Subject: x\n\nbody\n")

static void check_one_whole_copy(struct stage *stage)
{
    const char *directory = stage->folder.len ? ".Junk/new" : "new";
    struct listing in_new = list(stage, directory);
    CHECK_INT(in_new.count, 1);
    CHECK_STR(read_file(stage, directory, in_new.names[0]), WANT);
}

/* Fails the n-th call, crashes, and delivers again. */
static void play_failures(struct stage *stage)
{
    for (uint64_t n = 1; n < 60; n++) {
        struct disk *disk = stage->disk = disk_memory_new(16 << 20);
        struct str problem = STR_EMPTY;
        disk_memory_fail(disk, n, n % 2 ? ERR_FULL : ERR_IO);
        enum err err = deliver(stage, TEXT, 1, &problem);
        disk_memory_fail(disk, 0, OK);
        CHECK(!err || problem.len);
        if (n > 50)
            CHECK_INT(err, OK);
        disk_memory_crash(disk, n % 3);
        if (!err)
            check_one_whole_copy(stage);
        CHECK_INT(deliver(stage, TEXT, 1, &problem), OK);
        check_one_whole_copy(stage);
        CHECK_INT(list(stage, "tmp").count, 0);
        disk_memory_free(disk);
    }
}

static void play_full(struct stage *stage)
{
    struct str problem = STR_EMPTY;
    stage->disk = disk_memory_new(1 << 20);
    CHECK_INT(deliver(stage, str_make("0123456789\r\n", 12), 1, &problem), OK);
    static char text[4096];
    memset(text, 'x', sizeof text);
    disk_memory_set_capacity(stage->disk, 1024);
    CHECK_INT(deliver(stage, str_make(text, sizeof text), 2, &problem), ERR_FULL);
    CHECK(problem.len);
    CHECK_INT(list(stage, "new").count, 1);
    CHECK_INT(list(stage, "tmp").count, 0);
    disk_memory_free(stage->disk);
}

/* What it took to deliver is durable when deliver says OK, whatever a crash then keeps or forgets.
 */
static void play_crashes(struct stage *stage)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct str problem;
        stage->disk = disk_memory_new(16 << 20);
        CHECK_INT(deliver(stage, TEXT, 1, &problem), OK);
        disk_memory_crash(stage->disk, seed);
        check_one_whole_copy(stage);
        CHECK_INT(deliver(stage, TEXT, 1, &problem), OK);
        check_one_whole_copy(stage);
        disk_memory_free(stage->disk);
    }
}

TEST(a_failed_call_anywhere_leaves_nothing_half_done) { in_memory(play_failures); }
TEST(a_full_disk_is_an_error_and_leaves_nothing) { in_memory(play_full); }
TEST(what_is_delivered_survives_a_crash_and_is_found_again) { in_memory(play_crashes); }

/* ---- folders ---- */
static bool has(const struct listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->count; i++)
        if (strcmp(listing->names[i], name) == 0)
            return true;
    return false;
}

/* test/e2e/dovecot_test.py shows that Dovecot takes a directory like this for its mailbox "Junk".
 */
static void play_folder(struct stage *stage)
{
    struct str problem;
    stage->folder = STR("Junk");
    CHECK_INT(deliver(stage, TEXT, 1, &problem), OK);
    check_one_whole_copy(stage);
    struct listing mailbox = list(stage, "."), junk = list(stage, ".Junk");
    CHECK_INT(mailbox.count, 4);
    CHECK(has(&mailbox, "cur") && has(&mailbox, "new") && has(&mailbox, "tmp"));
    CHECK(has(&mailbox, ".Junk"));
    CHECK_INT(junk.count, 4);
    CHECK(has(&junk, "cur") && has(&junk, "new") && has(&junk, "tmp"));
    CHECK(has(&junk, "maildirfolder"));
    CHECK_STR(read_file(stage, ".Junk", "maildirfolder"), STR_EMPTY);
    CHECK_INT(list(stage, ".Junk/tmp").count, 0);
    CHECK_INT(list(stage, "new").count, 0);
}

/* The owner of a mailbox may have put anything into it. */
static void play_link_as_mark(struct stage *stage)
{
    struct str problem;
    char victim[200], path[300];
    CHECK_INT(deliver(stage, TEXT, 1, &problem), OK);
    snprintf(path, sizeof path, "%s/.Junk", stage->path);
    CHECK(disk_mkdir(stage->disk, path, 0700) == OK);
    snprintf(path, sizeof path, "%s/.Junk/maildirfolder", stage->path);
    snprintf(victim, sizeof victim, "%s/victim", stage->path);
    REQUIRE(symlink(victim, path) == 0);
    stage->folder = STR("Junk");
    CHECK_INT(deliver(stage, TEXT, 2, &problem), OK);
    bool exists = true;
    CHECK(disk_exists(stage->disk, victim, &exists) == OK);
    CHECK(!exists);
}

static void play_folder_failures(struct stage *stage)
{
    stage->folder = STR("Junk");
    play_failures(stage);
}

static void play_folder_crashes(struct stage *stage)
{
    stage->folder = STR("Junk");
    play_crashes(stage);
}

TEST(a_folder_is_a_marked_maildir_in_the_mailbox) { in_directory(play_folder); }
TEST(a_link_in_place_of_the_mark_is_not_followed) { in_directory(play_link_as_mark); }
TEST(a_failed_call_leaves_nothing_half_done_in_a_folder) { in_memory(play_folder_failures); }
TEST(what_is_delivered_into_a_folder_survives_a_crash) { in_memory(play_folder_crashes); }

int main(void)
{
    RUN(a_delivery_has_the_name_of_its_message);
    RUN(a_link_in_tmp_is_not_followed);
    RUN(a_large_message_is_written_in_pieces);
    RUN(what_cannot_be_done_is_told);
    RUN(any_split_gives_the_same_file);
    RUN(an_empty_message_is_a_file);
    RUN(a_failed_call_anywhere_leaves_nothing_half_done);
    RUN(a_full_disk_is_an_error_and_leaves_nothing);
    RUN(what_is_delivered_survives_a_crash_and_is_found_again);
    RUN(a_folder_is_a_marked_maildir_in_the_mailbox);
    RUN(a_link_in_place_of_the_mark_is_not_followed);
    RUN(a_failed_call_leaves_nothing_half_done_in_a_folder);
    RUN(what_is_delivered_into_a_folder_survives_a_crash);
    return test_summary();
}
