/* `postrider config check`: every mistake of a configuration at once. */
#include "cli/cli.h"
#include "cli/running.h"
#include "server/config.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: postrider config check [-c FILE]\n"
    "\n"
    "Reads a configuration as the server would, with all files that it names, and prints every\n"
    "mistake as one line \"FILE:LINE: what is wrong (what to do)\". Exits 0 when there is none, "
    "else 2.\n"
    "Warnings go to standard error and change nothing.\n"
    "  -c, --config FILE   default: " CLI_DEFAULT_CONFIG "\n"
    "\n"
    "examples:\n"
    "  postrider config check -c /etc/postrider/postrider.conf\n"
    "  postrider config check -c new.conf && mv new.conf /etc/postrider/postrider.conf\n";

enum { OPT_CONFIG };

static const struct cli_option options[] = {
    [OPT_CONFIG] = {"--config", "-c", false, false},
};

static int check(const char *file, struct arena *arena)
{
    struct config *config;
    enum err err = config_load(file, arena, &config);
    for (size_t i = 0; i < config->problem_count; i++) {
        const struct config_problem *problem = &config->problems[i];
        fprintf(problem->severity == CONFIG_ERROR ? stdout : stderr, "%.*s\n",
                STR_FMT(config_problem_print(problem)));
    }
    return err ? CLI_USAGE : CLI_OK;
}

int cli_config(int argc, char **argv)
{
    struct arena arena = arena_make();
    struct cli_values values;
    int status = CLI_USAGE;
    if (!cli_options_read(argc, argv, options, ARRAY_LEN(options), &arena, &values)) {
        /* what is wrong was said */
    } else if (values.help) {
        fputs(help, stdout);
        status = CLI_OK;
    } else if (values.word_count != 1 || strcmp(values.words[0], "check") != 0) {
        fputs(help, stderr);
    } else {
        const char *file = values.value[OPT_CONFIG];
        status = check(file ? file : CLI_DEFAULT_CONFIG, &arena);
    }
    arena_reset(&arena);
    return status;
}
