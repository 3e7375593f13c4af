#include "server/config.h"

#include "server/config_files.h"
#include "server/config_fill.h"
#include "server/config_relations.h"

static enum err finish(struct config *config, struct config_problems *problems,
                       struct config **out_config)
{
    config_problems_sort(problems);
    config->problems = problems->items;
    config->problem_count = problems->count;
    config->error_count = problems->error_count;
    *out_config = config;
    return problems->error_count ? ERR_SYNTAX : OK;
}

enum err config_parse(struct str text, const char *file, const struct config_reader *reader,
                      struct arena *arena, struct config **out_config)
{
    struct config *config = ARENA_NEW(arena, struct config);
    struct config_problems problems = config_problems_make(arena, file);
    struct config_reading reading = {.arena = arena, .problems = &problems};
    config_fill(&reading, config_tree_parse(text, arena, &problems), config);
    config_read_files(&reading, reader, config);
    config_check_relations(&reading, config);
    return finish(config, &problems, out_config);
}

enum err config_load(const char *path, struct arena *arena, struct config **out_config)
{
    const struct config_reader *reader = config_reader_system();
    struct str text;
    mode_t mode;
    enum err err = reader->read(reader, str_of(path), arena, &text, &mode);
    if (!err)
        return config_parse(text, path, reader, arena, out_config);
    struct config_problems problems = config_problems_make(arena, path);
    config_error(&problems, 0, "cannot be read: %s (name a configuration file with -c FILE)",
                 err_text(err));
    return finish(ARENA_NEW(arena, struct config), &problems, out_config);
}
