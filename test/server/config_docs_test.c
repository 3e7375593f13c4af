/* What the documentation says about the configuration is true. */
#include "config_fixture.h"
#include "server/config_schema.h"

#include <libgen.h>
#include <limits.h>
#include <unistd.h>

static struct arena fixture_arena;

/* The project's directory. __FILE__ may be relative, then to the build directory, in whose test/
 * this program lies. */
static struct str project(struct arena *arena)
{
    static const char here[] = "test/server/config_docs_test.c";
    struct str file = STR(__FILE__);
    struct str prefix = str_first(file, file.len - strlen(here));
    if (str_starts(file, STR("/")))
        return prefix;
    char self[PATH_MAX] = {0};
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    return arena_printf(arena, "%s/%.*s", dirname(dirname(self)), STR_FMT(prefix));
}

static struct str read_document(struct arena *arena, const char *name)
{
    const struct config_reader *reader = config_reader_system();
    struct str directory = project(arena), text = STR_EMPTY;
    struct str path = arena_printf(arena, "%.*sdocs/%s", STR_FMT(directory), name);
    mode_t mode;
    CHECK_ROW(path.at, reader->read(reader, path, arena, &text, &mode) == OK);
    return text;
}

TEST(the_example_file_is_right)
{
    struct arena arena = arena_make();
    struct config *config = fixture_parse(&arena, read_document(&arena, "postrider.conf.example"));
    CHECK_STR(fixture_problems(&arena, config), STR(""));
    CHECK_INT(config->listener_count, 3);
    arena_reset(&arena);
}

/* The part of the document that describes the section. */
static struct str part_of(struct arena *arena, struct str document,
                          const struct config_section_rule *section)
{
    struct str title =
        section->parent ? arena_printf(arena, "# `%s ", section->name) : STR("# The server");
    size_t at = str_search(document, title);
    CHECK_ROW(title.at, at != SIZE_MAX);
    struct str part = str_from(document, at);
    return str_first(part, min_size(str_search(part, STR("\n##")), part.len));
}

/* A row of the table: "| `key` | value | default |". */
static void check_row(struct arena *arena, struct str part, const struct config_rule *rule)
{
    size_t at = str_search(part, arena_printf(arena, "\n| `%s` | ", rule->name));
    CHECK_ROW(rule->name, at != SIZE_MAX);
    struct str row = str_from(part, at + 1);
    row = str_first(row, min_size(str_find(row, '\n'), row.len));
    if (rule->is_required)
        CHECK_ROW(rule->name, str_search(row, STR("| *required* |")) != SIZE_MAX);
    if (rule->initial)
        CHECK_ROW(rule->name,
                  str_search(row, arena_printf(arena, "| `%s` |", rule->initial)) != SIZE_MAX);
    struct str choice, rest = str_of(rule->choices ? rule->choices : "");
    while (str_cut(rest, '|', &choice, &rest))
        CHECK_ROW(rule->name,
                  str_search(row, arena_printf(arena, "`%.*s`", STR_FMT(choice))) != SIZE_MAX);
}

TEST(every_key_is_documented_with_its_default_and_choices)
{
    struct arena arena = arena_make();
    struct str document = read_document(&arena, "configuration.md");
    for (size_t i = 0; i < config_section_count; i++) {
        struct str part = part_of(&arena, document, &config_sections[i]);
        for (size_t j = 0; j < config_sections[i].rule_count; j++)
            check_row(&arena, part, &config_sections[i].rules[j]);
    }
    arena_reset(&arena);
}

static size_t count(struct str text, struct str needle)
{
    size_t found = 0;
    for (size_t at; (at = str_search(text, needle)) != SIZE_MAX; found++)
        text = str_from(text, at + needle.len);
    return found;
}

TEST(nothing_is_documented_that_does_not_exist)
{
    struct arena arena = arena_make();
    struct str document = read_document(&arena, "configuration.md");
    size_t keys = 0;
    for (size_t i = 0; i < config_section_count; i++)
        keys += config_sections[i].rule_count;
    CHECK_INT(count(document, STR("\n| `")), keys);
    CHECK_INT(count(document, STR("# `")), config_section_count - 1);
    arena_reset(&arena);
}

TEST(every_example_in_the_table_can_be_written)
{
    for (size_t i = 0; i < config_section_count; i++)
        for (size_t j = 0; j < config_sections[i].rule_count; j++) {
            const struct config_rule *rule = &config_sections[i].rules[j];
            CHECK_ROW(rule->name, rule->example && rule->help && rule->take);
            CHECK_ROW(rule->name, !rule->is_required || !rule->initial);
        }
}

int main(void)
{
    fixture_init(&fixture_arena);
    RUN(the_example_file_is_right);
    RUN(every_key_is_documented_with_its_default_and_choices);
    RUN(nothing_is_documented_that_does_not_exist);
    RUN(every_example_in_the_table_can_be_written);
    arena_reset(&fixture_arena);
    return test_summary();
}
