/* The list of what is wrong with a configuration, while it is being read. */
#ifndef SERVER_CONFIG_PROBLEM_H
#define SERVER_CONFIG_PROBLEM_H

#include "server/config.h"

/* More are not kept: who has a thousand mistakes has given the wrong file. */
#define CONFIG_PROBLEMS_MAX 1000

struct config_problems {
    struct arena *arena;
    struct str file; /* the main file */
    struct config_problem *items;
    size_t count;
    size_t cap;
    size_t error_count;
};

struct config_problems config_problems_make(struct arena *arena, const char *file);

/* In the main file. */
void config_error(struct config_problems *problems, uint32_t line, const char *format, ...)
    PRINTF_LIKE(3, 4);
void config_warning(struct config_problems *problems, uint32_t line, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* In a file that the main file names. */
void config_error_in(struct config_problems *problems, struct str file, uint32_t line,
                     const char *format, ...) PRINTF_LIKE(4, 5);

/* Sorts: the main file first, then by file and line, else in the order of their finding. */
void config_problems_sort(struct config_problems *problems);

#endif
