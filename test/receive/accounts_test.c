#include "receive/accounts.h"

#include "fiber/loop.h"
#include "test.h"

static struct accounts *parse(struct arena *arena, struct str text)
{
    struct accounts *accounts = NULL;
    size_t line;
    struct str problem;
    CHECK_INT(accounts_parse(text, arena, &accounts, &line, &problem), OK);
    return accounts;
}

TEST(accounts_are_read_line_by_line)
{
    struct arena arena = arena_make();
    struct accounts *accounts = parse(&arena, STR("# people\n"
                                                  "\n"
                                                  "alice:$y$j9T$salt$hash\n"
                                                  "Bob@Example.org:$6$salt$hash:bob@example.org, "
                                                  "@lists.example.org\r\n"
                                                  "carol:$2b$10$0123456789012345678901:\n"));
    const struct account *alice = accounts_find(accounts, STR("ALICE"));
    const struct account *bob = accounts_find(accounts, STR("bob@example.org"));
    REQUIRE(alice && bob);
    CHECK_STR(alice->name, STR("alice"));
    CHECK_STR(alice->hash, STR("$y$j9T$salt$hash"));
    CHECK_INT(alice->address_count, 0);
    CHECK_STR(bob->name, STR("Bob@Example.org"));
    CHECK_INT(bob->address_count, 2);
    CHECK_STR(bob->addresses[0], STR("bob@example.org"));
    CHECK_STR(bob->addresses[1], STR("@lists.example.org"));
    CHECK(accounts_find(accounts, STR("dave")) == NULL);
    CHECK(accounts_find(accounts, STR("")) == NULL);
    static char long_name[1000];
    CHECK(accounts_find(accounts, str_make(long_name, sizeof long_name)) == NULL);

    size_t position = 0;
    CHECK(accounts_next(accounts, &position) == alice);
    CHECK(accounts_next(accounts, &position) == bob);
    CHECK(accounts_next(accounts, &position) != NULL);
    CHECK(accounts_next(accounts, &position) == NULL);
    accounts_free(accounts);
    arena_reset(&arena);
}

TEST(mistakes_are_told_with_their_line)
{
    static const struct {
        const char *about, *text;
        size_t line;
        const char *problem;
    } rows[] = {
        {"no hash", "a:$6$s$h\nbob\n", 2,
         "'bob' has no hash that crypt(3) knows (set one with postrider account passwd)"},
        {"a password in clear is not repeated", "bob:secret\n", 1,
         "'bob' has no hash that crypt(3) knows (set one with postrider account passwd)"},
        {"a hash of a kind nobody knows", "bob:$x9$a$b\n", 1,
         "'bob' has no hash that crypt(3) knows (set one with postrider account passwd)"},
        {"an account twice, in another case", "bob:$6$s$h\n#\nBOB:$6$s$h", 3,
         "'BOB' is there twice (delete one of its lines)"},
        {"no name", ":$6$s$h", 1,
         "'' is empty or too long for the name of an account (write 1 to 254 characters)"},
        {"a name with a blank", "a b:$6$s$h", 1,
         "'a b' has a blank, a colon or a control character in it (choose a name without)"},
        {"an address that is none", "bob:$6$s$h:bob@example.org,bob", 1,
         "'bob' is not an address (write user@domain, or @domain for all of a domain)"},
        {"a comma too many", "bob:$6$s$h:bob@example.org,", 1,
         "'' is not an address (write user@domain, or @domain for all of a domain)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct accounts *accounts = NULL;
        size_t line = 0;
        struct str problem = STR_EMPTY;
        CHECK_ROW(rows[i].about, accounts_parse(str_of(rows[i].text), &arena, &accounts, &line,
                                                &problem) == ERR_SYNTAX);
        CHECK_INT(line, rows[i].line);
        CHECK_STR(problem, str_of(rows[i].problem));
        arena_reset(&arena);
    }
}

TEST(an_empty_file_has_no_accounts)
{
    struct arena arena = arena_make();
    struct accounts *accounts = parse(&arena, STR(""));
    size_t position = 0;
    CHECK(accounts_next(accounts, &position) == NULL);
    accounts_free(accounts);
    arena_reset(&arena);
}

TEST(new_hashes_are_yescrypt_with_a_salt_of_their_own)
{
    struct arena arena = arena_make();
    struct str one = STR_EMPTY, other = STR_EMPTY;
    CHECK_INT(accounts_hash(STR("secret"), &arena, &one), OK);
    CHECK_INT(accounts_hash(STR("secret"), &arena, &other), OK);
    CHECK(str_starts(one, STR("$y$j9T$")));
    CHECK(!str_eq(one, other));
    static char long_password[ACCOUNT_PASSWORD_MAX_BYTES + 1] = {'a'};
    CHECK_INT(accounts_hash(STR(""), &arena, &one), ERR_SYNTAX);
    CHECK_INT(accounts_hash(STR("a\0b"), &arena, &one), ERR_SYNTAX);
    CHECK_INT(accounts_hash(str_make(long_password, sizeof long_password), &arena, &one),
              ERR_LIMIT);
    arena_reset(&arena);
}

/* ---- Checking, on a pool, from a fiber ------------------------------------------------------- */

struct scene {
    struct loop *loop;
    struct fiber_group group;
    struct blocking_pool *pool;
    const struct accounts *accounts;
};

static enum accounts_answer check(const struct scene *scene, struct str name, struct str password,
                                  const struct account **out_account)
{
    return accounts_check(scene->accounts, scene->pool, name, password, out_account);
}

static void check_passwords(void *argument)
{
    struct scene *scene = argument;
    static char long_password[1000];
    memset(long_password, 'x', sizeof long_password);
    const struct {
        const char *about;
        struct str name, password;
        enum accounts_answer answer;
    } rows[] = {
        {"the right password", STR("alice"), STR("secret"), ACCOUNTS_YES},
        {"the name in another case", STR("ALICE"), STR("secret"), ACCOUNTS_YES},
        {"another kind of hash", STR("bob"), STR("Hello world!"), ACCOUNTS_YES},
        {"a wrong password", STR("alice"), STR("Secret"), ACCOUNTS_NO},
        {"another one's password", STR("bob"), STR("secret"), ACCOUNTS_NO},
        {"nobody with the first account's password", STR("nobody"), STR("secret"), ACCOUNTS_NO},
        {"no password", STR("alice"), STR(""), ACCOUNTS_NO},
        {"something behind a NUL", STR("alice"), STR("secret\0x"), ACCOUNTS_NO},
        {"the right one and more", STR("alice"), STR("secretsecret"), ACCOUNTS_NO},
        {"far too long", STR("alice"), str_make(long_password, 1000), ACCOUNTS_NO},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct account *account = NULL;
        CHECK_ROW(rows[i].about,
                  check(scene, rows[i].name, rows[i].password, &account) == rows[i].answer);
        CHECK_ROW(rows[i].about, (account != NULL) == (rows[i].answer == ACCOUNTS_YES));
    }
    loop_stop(scene->loop);
}

static void check_nobody(void *argument)
{
    struct scene *scene = argument;
    const struct account *account;
    CHECK_INT(check(scene, STR("alice"), STR("secret"), &account), ACCOUNTS_NO);
    loop_stop(scene->loop);
}

static void (*fiber_of_scene)(void *);
static void start(void *argument)
{
    fiber_spawn(&((struct scene *)argument)->group, "check", fiber_of_scene, argument);
}

static void play(struct accounts *accounts, void (*run)(void *))
{
    struct clock clock = clock_system();
    struct scene scene = {.accounts = accounts};
    scene.loop = loop_new(&(struct loop_options){.clock = &clock});
    scene.pool = blocking_pool_new("passwords", 1, 10);
    fiber_group_init(&scene.group, scene.loop);
    fiber_of_scene = run;
    CHECK_INT(loop_run(scene.loop, start, &scene), OK);
    blocking_pool_free(scene.pool);
    loop_free(scene.loop);
}

TEST(only_the_right_password_is_taken)
{
    struct arena arena = arena_make();
    struct str hash = STR_EMPTY;
    CHECK_INT(accounts_hash(STR("secret"), &arena, &hash), OK);
    struct accounts *accounts = parse(
        &arena, arena_printf(&arena,
                             "alice:%.*s\n"
                             /* from the specification of SHA-crypt */
                             "bob:$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5\n",
                             STR_FMT(hash)));
    play(accounts, check_passwords);
    accounts_free(accounts);
    arena_reset(&arena);
}

TEST(without_accounts_nobody_logs_in)
{
    struct arena arena = arena_make();
    struct accounts *accounts = parse(&arena, STR(""));
    play(accounts, check_nobody);
    accounts_free(accounts);
    arena_reset(&arena);
}

int main(void)
{
    RUN(accounts_are_read_line_by_line);
    RUN(mistakes_are_told_with_their_line);
    RUN(an_empty_file_has_no_accounts);
    RUN(new_hashes_are_yescrypt_with_a_salt_of_their_own);
    RUN(only_the_right_password_is_taken);
    RUN(without_accounts_nobody_logs_in);
    return test_summary();
}
