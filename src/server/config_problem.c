#include "server/config_problem.h"

#include "base/buf.h"

#include <stdio.h>

#define TEXT_MAX_BYTES 600

struct config_problems config_problems_make(struct arena *arena, const char *file)
{
    return (struct config_problems){.arena = arena, .file = arena_copy(arena, str_of(file))};
}

/* Whoever reads the problems on a terminal is not to be steered by the file. */
static struct str printable(struct arena *arena, struct str text)
{
    struct buf clean = buf_make(TEXT_MAX_BYTES);
    bool is_utf8 = str_is_utf8(text);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        char escape[5];
        bool is_plain = !char_is_control(c) && (is_utf8 || !char_is_8bit(c));
        snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)c);
        buf_add_cut(&clean, is_plain ? str_make(&c, 1) : str_make(escape, 4));
    }
    struct str copy = arena_copy(arena, buf_str(&clean));
    buf_free(&clean);
    return copy;
}

static struct str print(struct arena *arena, const struct config_problem *problem)
{
    const char *kind = problem->severity == CONFIG_WARNING ? "warning: " : "";
    if (problem->line == 0)
        return arena_printf(arena, "%.*s: %s%.*s", STR_FMT(problem->file), kind,
                            STR_FMT(problem->text));
    return arena_printf(arena, "%.*s:%u: %s%.*s", STR_FMT(problem->file), problem->line, kind,
                        STR_FMT(problem->text));
}

static struct config_problem *add(struct config_problems *problems)
{
    if (problems->count == problems->cap) {
        size_t cap = problems->cap ? problems->cap * 2 : 16;
        struct config_problem *items = ARENA_ARRAY(problems->arena, struct config_problem, cap);
        if (problems->count)
            memcpy(items, problems->items, problems->count * sizeof *items);
        problems->items = items;
        problems->cap = cap;
    }
    return &problems->items[problems->count++];
}

static PRINTF_LIKE(5, 0) void keep(struct config_problems *problems, enum config_severity severity,
                                   struct str file, uint32_t line, const char *format, va_list args)
{
    problems->error_count += severity == CONFIG_ERROR;
    if (problems->count == CONFIG_PROBLEMS_MAX)
        return;
    struct config_problem *problem = add(problems);
    problem->severity = severity;
    problem->file = printable(problems->arena, file);
    problem->line = line;
    problem->text = printable(problems->arena, arena_vprintf(problems->arena, format, args));
    problem->printed = print(problems->arena, problem);
}

void config_error(struct config_problems *problems, uint32_t line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep(problems, CONFIG_ERROR, problems->file, line, format, args);
    va_end(args);
}

void config_warning(struct config_problems *problems, uint32_t line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep(problems, CONFIG_WARNING, problems->file, line, format, args);
    va_end(args);
}

void config_error_in(struct config_problems *problems, struct str file, uint32_t line,
                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep(problems, CONFIG_ERROR, file, line, format, args);
    va_end(args);
}

static bool stands_before(const struct config_problem *a, const struct config_problem *b,
                          struct str main_file)
{
    bool a_is_main = str_eq(a->file, main_file), b_is_main = str_eq(b->file, main_file);
    if (a_is_main != b_is_main)
        return a_is_main;
    int order = str_cmp(a->file, b->file);
    return order ? order < 0 : a->line < b->line;
}

/* By insertion: it keeps the order of equals, the list is short and mostly sorted. */
void config_problems_sort(struct config_problems *problems)
{
    struct str main_file = printable(problems->arena, problems->file);
    for (size_t i = 1; i < problems->count; i++) {
        struct config_problem problem = problems->items[i];
        size_t at = i;
        for (; at > 0 && stands_before(&problem, &problems->items[at - 1], main_file); at--)
            problems->items[at] = problems->items[at - 1];
        problems->items[at] = problem;
    }
}
