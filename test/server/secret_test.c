#include "server/secret.h"

#include "base/log.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 32

struct place {
    char directory[64];
    char file[96];
};

static struct place make_place(void)
{
    struct place place = {.directory = "/tmp/postrider-secret-XXXXXX"};
    log_init(LOG_ERROR + 1, 2);
    CHECK(mkdtemp(place.directory) != NULL);
    snprintf(place.file, sizeof place.file, "%s/x.key", place.directory);
    return place;
}

static void remove_place(const struct place *place)
{
    char left[128];
    snprintf(left, sizeof left, "%s.new", place->file);
    unlink(left);
    unlink(place->file);
    CHECK_INT(rmdir(place->directory), 0);
}

static void write_file(const struct place *place, size_t size, mode_t mode)
{
    static const char bytes[SIZE + 1] = "secret";
    int fd = open(place->file, O_WRONLY | O_CREAT | O_TRUNC, mode);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    fchmod(fd, mode);
    close(fd);
}

TEST(a_secret_is_made_once_for_its_owner_alone)
{
    struct place place = make_place();
    char first[SIZE] = {0}, again[SIZE] = {0}, zeros[SIZE] = {0};
    struct str directory = str_of(place.directory);
    CHECK_INT(secret_read(directory, "x.key", first, SIZE), ERR_NOT_FOUND);
    CHECK_INT(secret_read_or_make(directory, "x.key", first, SIZE), OK);
    CHECK_INT(secret_read_or_make(directory, "x.key", again, SIZE), OK);
    CHECK(memcmp(first, again, SIZE) == 0 && memcmp(first, zeros, SIZE) != 0);
    struct stat status;
    CHECK_INT(stat(place.file, &status), 0);
    CHECK_INT(status.st_mode & 07777, 0600);
    remove_place(&place);
}

TEST(what_a_start_that_was_cut_short_left_behind_is_replaced)
{
    struct place place = make_place(), left = place;
    char bytes[SIZE];
    snprintf(left.file, sizeof left.file, "%s/x.key.new", place.directory);
    write_file(&left, 5, 0600);
    CHECK_INT(secret_read_or_make(str_of(place.directory), "x.key", bytes, SIZE), OK);
    CHECK_INT(access(left.file, F_OK), -1);
    remove_place(&place);
}

/* Nothing is made in its place: all that was made with it would be worth nothing. */
TEST(a_secret_that_is_damaged_or_open_is_not_used)
{
    static const struct {
        const char *about;
        size_t size;
        mode_t mode;
    } rows[] = {{"too short", SIZE - 1, 0600}, {"too long", SIZE + 1, 0600}, {"open", SIZE, 0640}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct place place = make_place();
        char bytes[SIZE];
        write_file(&place, rows[i].size, rows[i].mode);
        enum err err = secret_read_or_make(str_of(place.directory), "x.key", bytes, SIZE);
        CHECK_ROW(rows[i].about, err == ERR_CORRUPT);
        remove_place(&place);
    }
}

TEST(no_link_is_followed)
{
    struct place place = make_place();
    char bytes[SIZE];
    CHECK_INT(symlink("/dev/null", place.file), 0);
    CHECK(secret_read_or_make(str_of(place.directory), "x.key", bytes, SIZE) != OK);
    remove_place(&place);
}

int main(void)
{
    RUN(a_secret_is_made_once_for_its_owner_alone);
    RUN(what_a_start_that_was_cut_short_left_behind_is_replaced);
    RUN(a_secret_that_is_damaged_or_open_is_not_used);
    RUN(no_link_is_followed);
    return test_summary();
}
