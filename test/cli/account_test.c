/* The commands `config check` and `account`, as people call them. */
#include "base/arena.h"
#include "cli/cli.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char directory[64];
    struct arena arena;
    const char *config, *accounts, *input, *output;
};

static const char *path_in(struct place *place, const char *name)
{
    return arena_printf(&place->arena, "%s/%s", place->directory, name).at;
}

static void write_text(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text.at, text.len) == (ssize_t)text.len);
    close(fd);
}

static struct str read_text(struct place *place, const char *path)
{
    char text[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text);
    close(fd);
    return arena_copy(&place->arena, str_make(text, len < 0 ? 0 : (size_t)len));
}

static struct place place_make(void)
{
    struct place place = {.directory = "/tmp/postrider-cli-XXXXXX"};
    CHECK(mkdtemp(place.directory) != NULL);
    place.config = path_in(&place, "conf");
    place.accounts = path_in(&place, "accounts");
    place.input = path_in(&place, "input");
    place.output = path_in(&place, "output");
    write_text(place.config, arena_printf(&place.arena,
                                          "hostname = mx.example.org\n"
                                          "listener a { bind = {\"[::1]:25\"} service = mx }\n"
                                          "accounts { file = \"%s\" }\n",
                                          place.accounts));
    write_text(place.input, STR("secret\n"));
    return place;
}

static void place_done(struct place *place)
{
    unlink(place->config);
    unlink(place->accounts);
    unlink(place->input);
    unlink(place->output);
    CHECK_INT(rmdir(place->directory), 0);
    arena_reset(&place->arena);
}

static void redirect(const char *path, int flags, int to)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && dup2(fd, to) == to);
    close(fd);
}

/* Runs the command with `input` as standard input and both outputs in `output`. */
static int run(struct place *place, int (*command)(int, char **), const char *const *words)
{
    char *argv[16];
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    argv[argc] = NULL;
    fflush(stdout);
    int saved[] = {dup(0), dup(1), dup(2)};
    redirect(place->input, O_RDONLY, 0);
    redirect(place->output, O_WRONLY | O_CREAT | O_TRUNC, 1);
    dup2(1, 2);
    int status = command(argc, argv);
    fflush(stdout);
    for (int i = 0; i < 3; i++) {
        dup2(saved[i], i);
        close(saved[i]);
    }
    return status;
}

#define ACCOUNT(place, ...) \
    run(place, cli_account, \
        (const char *const[]){"account", __VA_ARGS__, "-c", (place)->config, NULL})

static bool printed(struct place *place, const char *text)
{
    return str_search(read_text(place, place->output), str_of(text)) != SIZE_MAX;
}

TEST(an_account_is_added_changed_listed_and_removed)
{
    struct place place = place_make();
    CHECK_INT(ACCOUNT(&place, "add", "alice", "--password-stdin"), CLI_OK);
    CHECK_INT(ACCOUNT(&place, "add", "bob", "--password-stdin", "--address", "bob@example.org",
                      "--address", "@lists.example.org"),
              CLI_OK);
    struct str first = read_text(&place, place.accounts);
    CHECK(str_starts(first, STR("alice:$y$")));
    struct stat file = {0};
    CHECK_INT(stat(place.accounts, &file), 0);
    CHECK_INT(file.st_mode & 07777, 0600);

    CHECK_INT(ACCOUNT(&place, "list"), CLI_OK);
    CHECK_STR(read_text(&place, place.output),
              STR("alice\nbob\tbob@example.org,@lists.example.org\n"));

    CHECK_INT(ACCOUNT(&place, "passwd", "Alice", "--password-stdin"), CLI_OK);
    struct str second = read_text(&place, place.accounts);
    CHECK(str_starts(second, STR("alice:$y$")) && !str_eq(first, second));

    CHECK_INT(ACCOUNT(&place, "remove", "alice"), CLI_OK);
    CHECK(str_starts(read_text(&place, place.accounts), STR("bob:$y$")));
    place_done(&place);
}

TEST(what_cannot_be_is_said_and_changes_nothing)
{
    struct place place = place_make();
    write_text(place.accounts, STR("alice:$6$salt$hash\n"));
    CHECK_INT(ACCOUNT(&place, "add", "ALICE", "--password-stdin"), CLI_FAILED);
    CHECK(printed(&place, "ALICE has an account already"));
    CHECK_INT(ACCOUNT(&place, "passwd", "bob", "--password-stdin"), CLI_FAILED);
    CHECK(printed(&place, "bob has no account"));
    CHECK_INT(ACCOUNT(&place, "remove", "bob"), CLI_FAILED);
    CHECK_INT(ACCOUNT(&place, "add", "a:b", "--password-stdin"), CLI_FAILED);
    CHECK_INT(ACCOUNT(&place, "add", "bob", "--password-stdin", "--address", "bob"), CLI_FAILED);
    CHECK(printed(&place, "'bob' is not an address"));
    write_text(place.input, STR("\n"));
    CHECK_INT(ACCOUNT(&place, "add", "bob", "--password-stdin"), CLI_FAILED);
    CHECK(printed(&place, "the password is empty"));
    CHECK_STR(read_text(&place, place.accounts), STR("alice:$6$salt$hash\n"));
    place_done(&place);
}

TEST(a_file_with_mistakes_is_not_touched)
{
    struct place place = place_make();
    write_text(place.accounts, STR("# people\nalice\n"));
    CHECK_INT(ACCOUNT(&place, "add", "bob", "--password-stdin"), CLI_FAILED);
    CHECK(printed(&place, "/accounts:2: 'alice' has no hash"));
    CHECK_STR(read_text(&place, place.accounts), STR("# people\nalice\n"));
    place_done(&place);
}

TEST(wrong_usage_exits_2)
{
    struct place place = place_make();
    CHECK_INT(ACCOUNT(&place, "add"), CLI_USAGE);
    CHECK_INT(ACCOUNT(&place, "list", "alice"), CLI_USAGE);
    CHECK_INT(ACCOUNT(&place, "delete", "alice"), CLI_USAGE);
    CHECK_INT(ACCOUNT(&place, "add", "alice", "--pasword-stdin"), CLI_USAGE);
    CHECK_INT(ACCOUNT(&place, "--help"), CLI_OK);
    place_done(&place);
}

static int check_config(struct place *place, const char *file)
{
    return run(place, cli_config, (const char *const[]){"config", "check", "-c", file, NULL});
}

TEST(a_configuration_is_checked)
{
    struct place place = place_make();
    CHECK_INT(check_config(&place, place.config), CLI_USAGE);
    CHECK(printed(&place, "/conf:3: cannot read "));
    write_text(place.accounts, STR(""));
    CHECK_INT(check_config(&place, place.config), CLI_OK);
    CHECK_STR(read_text(&place, place.output), STR(""));
    CHECK_INT(check_config(&place, "/nonexistent/conf"), CLI_USAGE);
    CHECK(printed(&place, "/nonexistent/conf: cannot be read"));
    CHECK_INT(run(&place, cli_config, (const char *const[]){"config", NULL}), CLI_USAGE);
    CHECK_INT(run(&place, cli_config, (const char *const[]){"config", "--help", NULL}), CLI_OK);
    place_done(&place);
}

int main(void)
{
    RUN(an_account_is_added_changed_listed_and_removed);
    RUN(what_cannot_be_is_said_and_changes_nothing);
    RUN(a_file_with_mistakes_is_not_touched);
    RUN(wrong_usage_exits_2);
    RUN(a_configuration_is_checked);
    return test_summary();
}
