#include "route/route.h"
#include "test.h"

static char present;

static struct route_way way_of(const char *maildir)
{
    return (struct route_way){.via = ROUTE_MAILDIR, .maildir = str_of(maildir), .separator = '+'};
}

TEST(names_become_directories_that_stay_in_the_tree)
{
    static const struct {
        const char *about, *address, *path;
    } rows[] = {
        {"plain names stay as they are", "a.b_c=d-e@example.org", "/m/example.org/a.b_c=d-e"},
        {"lower case", "Alice@Example.ORG", "/m/example.org/alice"},
        {"the subaddress is cut off", "alice+lists@example.org", "/m/example.org/alice"},
        {"a listed name with a separator is its own", "carol+work@example.org",
         "/m/example.org/carol+work"},
        {"in any case", "Carol+Work@example.org", "/m/example.org/carol+work"},
        {"a separator in front is part of the name", "+a@example.org", "/m/example.org/+a"},
        {"a path upwards", "\"../../etc/passwd\"@example.org",
         "/m/example.org/%2E.%2F..%2Fetc%2Fpasswd"},
        {"the directory itself", "\".\"@example.org", "/m/example.org/%2E"},
        {"its parent", "\"..\"@example.org", "/m/example.org/%2E."},
        {"a hidden file", "\".a\"@example.org", "/m/example.org/%2Ea"},
        {"what looks like an escape", "a%2Fb@example.org", "/m/example.org/a%252fb"},
        {"a blank", "\"a b\"@example.org", "/m/example.org/a%20b"},
        {"UTF-8", "\xc3\xa4@example.org", "/m/example.org/%C3%A4"},
        {"a placeholder is only a name", "%{domain}@example.org", "/m/example.org/%25%7Bdomain%7D"},
    };
    struct map listed = map_make();
    map_set(&listed, STR("carol+work"), &present);
    struct route_way way = way_of("/m/%{domain}/%{user}");
    way.listed = &listed;
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str path = STR_EMPTY;
        CHECK_INT(route_maildir_path(&way, str_of(rows[i].address), &arena, &path), OK);
        CHECK_STR(path, str_of(rows[i].path));
        CHECK_ROW(rows[i].about, path.at[path.len] == '\0');
    }
    arena_reset(&arena);
    map_done(&listed);
}

TEST(placeholders_may_stand_anywhere)
{
    static const char *const rows[][2] = {
        {"/srv/%{user}", "/srv/a"},
        {"/srv/%{user}/Maildir", "/srv/a/Maildir"},
        {"/srv/%{domain}-%{user}x", "/srv/b.example-ax"},
        {"/srv/all", "/srv/all"},
    };
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct route_way way = way_of(rows[i][0]);
        struct str path = STR_EMPTY;
        CHECK_INT(route_maildir_path(&way, STR("a@b.example"), &arena, &path), OK);
        CHECK_STR(path, str_of(rows[i][1]));
    }
    arena_reset(&arena);
}

TEST(what_is_no_path_is_refused)
{
    struct arena arena = arena_make();
    struct str path;
    struct route_way way = way_of("/m/%{user}");
    CHECK_INT(route_maildir_path(&way, STR("a\n@b.example"), &arena, &path), ERR_SYNTAX);
    CHECK_INT(route_maildir_path(&way, STR(""), &arena, &path), ERR_SYNTAX);
    CHECK_INT(route_maildir_path(&way, STR("a"), &arena, &path), ERR_SYNTAX);
    way = way_of("/m/%{home}");
    CHECK_INT(route_maildir_path(&way, STR("a@b.example"), &arena, &path), ERR_SYNTAX);
    way = way_of("/m/%");
    CHECK_INT(route_maildir_path(&way, STR("a@b.example"), &arena, &path), ERR_SYNTAX);
    static char longest[5000];
    memset(longest, 'x', sizeof longest - 1);
    way = way_of(longest);
    CHECK_INT(route_maildir_path(&way, STR("a@b.example"), &arena, &path), ERR_LIMIT);
    arena_reset(&arena);
}

int main(void)
{
    RUN(names_become_directories_that_stay_in_the_tree);
    RUN(placeholders_may_stand_anywhere);
    RUN(what_is_no_path_is_refused);
    return test_summary();
}
