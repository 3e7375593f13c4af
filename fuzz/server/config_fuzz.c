/* Laws of reading a configuration, whose files' text is what stands behind the first NUL: it ends;
 * problems have lines within their file and hold no control bytes; reading again finds the same;
 * without errors there is a route table. */
#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err read_rest(const struct config_reader *reader, struct str path, struct arena *arena,
                          struct str *out_text, mode_t *out_mode)
{
    UNUSED(arena);
    *out_text = *(const struct str *)reader->context;
    *out_mode = str_ends(path, STR("x")) ? 0644 : 0600;
    return str_ends(path, STR("y")) ? ERR_NOT_FOUND : OK;
}

static uint32_t count_lines(struct str text)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    return lines;
}

static void check_problems(const struct config *config, struct str text, struct str rest)
{
    size_t errors = 0;
    for (size_t i = 0; i < config->problem_count; i++) {
        const struct config_problem *problem = &config->problems[i];
        struct str line = config_problem_print(problem);
        for (size_t j = 0; j < line.len; j++)
            assert(!char_is_control(line.at[j]));
        struct str file = str_eq(problem->file, STR("c")) ? text : rest;
        assert(problem->line >= 1 && problem->line <= count_lines(file));
        errors += problem->severity == CONFIG_ERROR;
    }
    assert(errors <= config->error_count);
    assert((errors == 0) == (config->error_count == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct str text = str_make((const char *)data, size), rest = STR_EMPTY;
    str_cut(text, '\0', &text, &rest);
    struct config_reader reader = {.read = read_rest, .context = &rest};
    struct config *config = NULL, *again = NULL;
    enum err err = config_parse(text, "c", &reader, &arena, &config);
    assert(err == (config->error_count ? ERR_SYNTAX : OK));
    check_problems(config, text, rest);

    assert(config_parse(text, "c", &reader, &arena, &again) == err);
    assert(again->problem_count == config->problem_count);
    if (!err) {
        struct route_table *table = NULL;
        assert(config_build_routes(config, &table) == OK);
        route_table_free(table);
    }
    arena_reset(&arena);
    return 0;
}
