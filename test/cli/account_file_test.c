#include "cli/account_file.h"
#include "test.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(only_the_accounts_own_line_changes)
{
    static const struct {
        const char *about, *before, *added, *set, *removed;
    } rows[] = {
        {"an empty file", "", "bob:H\n", "", ""},
        {"others stay", "# x\na:1\n\nc:2:c@d\n", "# x\na:1\n\nc:2:c@d\nbob:H\n",
         "# x\na:1\n\nc:2:c@d\n", "# x\na:1\n\nc:2:c@d\n"},
        {"no line end at the end", "a:1", "a:1\nbob:H\n", "a:1", "a:1"},
        {"in the middle", "a:1\nbob:2\nc:3\n", "a:1\nbob:2\nc:3\nbob:H\n", "a:1\nbob:H\nc:3\n",
         "a:1\nc:3\n"},
        {"at the end without line end", "a:1\nbob:2", "a:1\nbob:2\nbob:H\n", "a:1\nbob:H\n",
         "a:1\n"},
        {"in another case, with addresses", "Bob:2:b@x.example\r\nc:3\n",
         "Bob:2:b@x.example\r\nc:3\nbob:H\n", "Bob:H:b@x.example\nc:3\n", "c:3\n"},
        {"not in a comment", "#bob:2\n", "#bob:2\nbob:H\n", "#bob:2\n", "#bob:2\n"},
        {"not as a part of a name", "bobby:2\nxbob:3\n", "bobby:2\nxbob:3\nbob:H\n",
         "bobby:2\nxbob:3\n", "bobby:2\nxbob:3\n"},
    };
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str before = str_of(rows[i].before), bob = STR("bob"), hash = STR("H");
        CHECK_STR(account_text_add(&arena, before, bob, hash, STR_EMPTY), str_of(rows[i].added));
        CHECK_STR(account_text_set_hash(&arena, before, bob, hash), str_of(rows[i].set));
        CHECK_STR(account_text_remove(&arena, before, bob), str_of(rows[i].removed));
    }
    CHECK_STR(account_text_add(&arena, STR_EMPTY, STR("a"), STR("H"), STR("a@b,@c")),
              STR("a:H:a@b,@c\n"));
    arena_reset(&arena);
}

struct place {
    char directory[64];
    struct arena arena;
    const char *file;
};

static struct place place_make(void)
{
    struct place place = {.directory = "/tmp/postrider-account-XXXXXX"};
    CHECK(mkdtemp(place.directory) != NULL);
    place.file = arena_printf(&place.arena, "%s/accounts", place.directory).at;
    return place;
}

static void place_done(struct place *place)
{
    unlink(place->file);
    unlink(arena_printf(&place->arena, "%s/link", place->directory).at);
    CHECK_INT(rmdir(place->directory), 0); /* nothing else was left behind */
    arena_reset(&place->arena);
}

static mode_t mode_of(const char *path)
{
    struct stat stat_of_file = {0};
    CHECK_INT(lstat(path, &stat_of_file), 0);
    return stat_of_file.st_mode;
}

TEST(a_file_is_replaced_as_a_whole_and_for_its_owner_alone)
{
    struct place place = place_make();
    struct str text = STR("x");
    CHECK_INT(account_file_read(place.file, &place.arena, &text), OK);
    CHECK_STR(text, STR(""));
    umask(022);
    CHECK_INT(account_file_write(place.file, STR("one\n")), OK);
    CHECK_INT(chmod(place.file, 0644), 0);
    CHECK_INT(account_file_write(place.file, STR("two\n")), OK);
    CHECK_INT(mode_of(place.file) & 07777, 0600);
    CHECK_INT(account_file_read(place.file, &place.arena, &text), OK);
    CHECK_STR(text, STR("two\n"));
    place_done(&place);
}

TEST(what_a_change_that_did_not_end_left_behind_does_no_harm)
{
    struct place place = place_make();
    const char *left = arena_printf(&place.arena, "%s.new", place.file).at;
    int fd = open(left, O_WRONLY | O_CREAT, 0644);
    REQUIRE(fd >= 0);
    close(fd);
    CHECK_INT(account_file_write(place.file, STR("one\n")), OK);
    CHECK_INT(mode_of(place.file) & 07777, 0600);
    place_done(&place);
}

TEST(a_link_stays_a_link)
{
    struct place place = place_make();
    const char *link_path = arena_printf(&place.arena, "%s/link", place.directory).at;
    CHECK_INT(account_file_write(place.file, STR("one\n")), OK);
    CHECK_INT(symlink(place.file, link_path), 0);
    CHECK_INT(account_file_write(link_path, STR("two\n")), OK);
    CHECK(S_ISLNK(mode_of(link_path)));
    struct str text = STR_EMPTY;
    CHECK_INT(account_file_read(place.file, &place.arena, &text), OK);
    CHECK_STR(text, STR("two\n"));
    place_done(&place);
}

TEST(while_one_changes_it_no_other_can)
{
    struct place place = place_make();
    int lock;
    REQUIRE(account_file_lock(place.file, &lock) == OK);
    int other = open(place.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(flock(other, LOCK_EX | LOCK_NB) != 0);
    close(lock);
    CHECK(flock(other, LOCK_EX | LOCK_NB) == 0);
    close(other);
    place_done(&place);
}

TEST(a_directory_that_is_not_there_is_told)
{
    int lock;
    CHECK_INT(account_file_lock("/nonexistent/accounts", &lock), ERR_NOT_FOUND);
    CHECK_INT(account_file_write("/nonexistent/accounts", STR("x")), ERR_NOT_FOUND);
}

int main(void)
{
    RUN(only_the_accounts_own_line_changes);
    RUN(a_file_is_replaced_as_a_whole_and_for_its_owner_alone);
    RUN(what_a_change_that_did_not_end_left_behind_does_no_harm);
    RUN(a_link_stays_a_link);
    RUN(while_one_changes_it_no_other_can);
    RUN(a_directory_that_is_not_there_is_told);
    return test_summary();
}
