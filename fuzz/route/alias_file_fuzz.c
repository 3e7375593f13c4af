/* Laws of alias files: reading ends, line numbers grow and lie within the text, an entry is either
 * whole or has a problem; what was read is taken by the table, and no set of aliases makes an
 * expansion endless or larger than its bounds. */
#include "route/alias_file.h"
#include "route/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t count_lines(struct str text)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    return lines;
}

static void add(struct route_table *table, const struct route_alias_entry *entry)
{
    assert(entry->name.len > 0 && entry->target_count > 0);
    for (size_t i = 0; i < entry->target_count; i++)
        assert(entry->targets[i].len > 0);
    enum err err = entry->is_catch_all
                       ? route_table_set_catch_all(table, STR("a.example"), entry->targets,
                                                   entry->target_count)
                       : route_table_add_alias(table, STR("a.example"), entry->name, entry->targets,
                                               entry->target_count);
    assert(err == OK || err == ERR_EXISTS);
}

static void expand(const struct route_table *table, struct str name)
{
    struct arena arena = arena_make();
    struct mail_address address = {.local = name, .domain = STR("a.example")};
    struct route_targets targets = {0};
    enum route_answer answer = route_recipient(table, &address, 0, &arena, &targets);
    assert(answer != ROUTE_FOREIGN);
    assert(answer != ROUTE_LOCAL || (targets.count > 0 && targets.count <= 1000));
    arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct str text = str_make((const char *)data, size);
    struct str user = STR("a");
    struct route_domain_options options = {
        .name = STR("a.example"), .user_names = &user, .user_count = 1, .separator = '+'};
    struct route_table *table = route_table_new();
    enum err err = route_table_add_domain(table, &options);
    assert(err == OK);

    struct route_alias_reader reader = route_alias_reader_make(text);
    struct route_alias_entry entry;
    struct str last = STR("a");
    uint32_t line = 0, lines = count_lines(text);
    while (route_alias_read(&reader, &arena, &entry)) {
        assert(entry.line > line && entry.line <= lines);
        line = entry.line;
        if (entry.problem)
            continue;
        add(table, &entry);
        last = entry.name;
    }
    expand(table, last);
    route_table_free(table);
    arena_reset(&arena);
    return 0;
}
