#include "route/alias_file.h"
#include "test.h"

/* All entries as text: "LINE name=target,target;" or "LINE culprit problem;". */
static struct str read_all(struct arena *arena, struct str text)
{
    struct route_alias_reader reader = route_alias_reader_make(text);
    struct route_alias_entry entry;
    struct str all = STR_EMPTY;
    while (route_alias_read(&reader, arena, &entry)) {
        if (entry.problem) {
            all = arena_printf(arena, "%.*s%u '%.*s' %s;", STR_FMT(all), entry.line,
                               STR_FMT(entry.culprit), entry.problem);
            continue;
        }
        all = arena_printf(arena, "%.*s%u %.*s=", STR_FMT(all), entry.line, STR_FMT(entry.name));
        for (size_t i = 0; i < entry.target_count; i++)
            all = arena_printf(arena, "%.*s%s%.*s", STR_FMT(all), i ? "," : "",
                               STR_FMT(entry.targets[i]));
        all = arena_printf(arena, "%.*s;", STR_FMT(all));
    }
    return all;
}

TEST(aliases_are_read_line_by_line)
{
    static const struct {
        const char *about, *text, *entries;
    } rows[] = {
        {"nothing", "", ""},
        {"comments and blank lines", "# x\n\n  \n\t# y\n", ""},
        {"one alias", "info: alice\n", "1 info=alice;"},
        {"no line end at the end", "info: alice", "1 info=alice;"},
        {"several targets", "a: b, c@d.example,e\n", "1 a=b,c@d.example,e;"},
        {"a comma at the end", "a: b,\n", "1 a=b;"},
        {"line ends of another system", "a: b\r\nc: d\r\n", "1 a=b;2 c=d;"},
        {"continued lines", "a: b,\n\tc\n  ,d\ne: f\n", "1 a=b,c,d;4 e=f;"},
        {"comments between continued lines", "a: b,\n# x\n\n c\ne: f\n", "1 a=b,c;5 e=f;"},
        {"a comment behind", "a: b # the boss\n", "1 a=b;"},
        {"a number sign in a name", "a: b#c\n", "1 a=b#c;"},
        {"quoted names", "\"a:b\": \"c,d\"@e.example\n", "1 a:b=\"c,d\"@e.example;"},
        {"no colon", "a b\nc: d\n",
         "1 'a b' is not an alias (write name: address, address);2 c=d;"},
        {"no target", "a:\n", "1 'a' leads nowhere (write an address behind the colon);"},
        {"a catch-all", "*: a\n", "1 *=a;"},
        {"a name with a domain", "a@b.example: c\n",
         "1 'a@b.example' is not a name of this domain (write only what stands before the @);"},
        {"a program", "a: |/bin/sh\n",
         "1 '|/bin/sh' would run a program, which aliases cannot (give it a mailbox and read "
         "that);"},
        {"a quoted program behind an address", "a: b, \"|/bin/sh -c 'x'\"\n",
         "1 '\"|/bin/sh -c 'x'\"' would run a program, which aliases cannot (give it a mailbox "
         "and read that);"},
        {"a file", "a: /dev/null\n",
         "1 '/dev/null' would write to a file, which aliases cannot (name a user or an address);"},
        {"an include as a target", "a: :include:/x\n",
         "1 ':include:/x' would include a file, which aliases cannot (list the addresses here);"},
        {"an include as a line", ":include:/x\n",
         "1 ':include:/x' would include a file, which aliases cannot (list the addresses here);"},
        {"not an address", "a: b c\n",
         "1 'b c' is not an address (write a user's name, or user@domain);"},
        {"an empty target", "a: b,,c\n",
         "1 '' is not an address (write a user's name, or user@domain);"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct str entries = read_all(&arena, str_of(rows[i].text));
        CHECK_STR(entries, str_of(rows[i].entries));
        CHECK_ROW(rows[i].about, str_eq(entries, str_of(rows[i].entries)));
        arena_reset(&arena);
    }
}

TEST(a_star_is_the_catch_all_unless_it_is_quoted)
{
    struct arena arena = arena_make();
    struct route_alias_reader reader = route_alias_reader_make(STR("*: a\n\"*\": b\n**: c\n"));
    static const bool want[] = {true, false, false};
    struct route_alias_entry entry;
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        CHECK(route_alias_read(&reader, &arena, &entry) && !entry.problem);
        CHECK_INT(entry.is_catch_all, want[i]);
    }
    arena_reset(&arena);
}

TEST(a_large_file_is_read_in_proportion)
{
    struct arena arena = arena_make();
    struct buf text = buf_make(16 << 20);
    for (int i = 0; i < 20000; i++)
        CHECK_INT(buf_printf(&text, "name%d: user%d@elsewhere.test\n", i, i), OK);
    struct route_alias_reader reader = route_alias_reader_make(buf_str(&text));
    struct route_alias_entry entry;
    size_t count = 0;
    while (route_alias_read(&reader, &arena, &entry))
        count++;
    CHECK_INT(count, 20000);
    buf_free(&text);
    arena_reset(&arena);
}

int main(void)
{
    RUN(aliases_are_read_line_by_line);
    RUN(a_star_is_the_catch_all_unless_it_is_quoted);
    RUN(a_large_file_is_read_in_proportion);
    return test_summary();
}
