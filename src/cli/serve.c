/* `postrider serve` and `postrider sandbox`: the server in the foreground. */
#include "base/log.h"
#include "cli/cli.h"
#include "cli/running.h"
#include "server/parent.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char serve_help[] =
    "usage: postrider serve -c FILE [-v]\n"
    "\n"
    "Runs the server in the foreground. Logs to standard error; prints \"ready\" on standard "
    "output\n"
    "once every listener accepts. SIGTERM stops it, SIGHUP reads the configuration again.\n"
    "  -v, --verbose   log more\n";

static const char sandbox_help[] =
    "usage: postrider sandbox [--dir DIR] [-v]\n"
    "\n"
    "A server to try things with. Needs no configuration, no root and no network; takes every "
    "message\n"
    "and puts it into a mailbox inside its directory. Nothing leaves the machine.\n"
    "  --dir DIR       where to keep everything (default: $XDG_STATE_HOME/postrider/sandbox)\n"
    "  -v, --verbose   log more\n";

enum { OPT_CONFIG, OPT_VERBOSE };

static const struct cli_option serve_options[] = {
    [OPT_CONFIG] = {"--config", "-c", false, false},
    [OPT_VERBOSE] = {"--verbose", "-v", true, false},
};

static const struct cli_option sandbox_options[] = {
    [OPT_CONFIG] = {"--dir", NULL, false, false},
    [OPT_VERBOSE] = {"--verbose", "-v", true, false},
};

/* False: it is over, with *out_status. */
static bool read_options(int argc, char **argv, const struct cli_option *options, const char *help,
                         struct arena *arena, struct cli_values *out_values, int *out_status)
{
    *out_status = CLI_USAGE;
    if (!cli_options_read(argc, argv, options, 2, arena, out_values))
        return false;
    if (out_values->help || out_values->word_count) {
        *out_status = out_values->help ? CLI_OK : CLI_USAGE;
        fputs(help, out_values->help ? stdout : stderr);
        return false;
    }
    log_init(out_values->value[OPT_VERBOSE] ? LOG_DEBUG : LOG_INFO, STDERR_FILENO);
    return true;
}

int cli_serve(int argc, char **argv)
{
    struct arena arena = arena_make();
    struct cli_values values;
    int status;
    if (read_options(argc, argv, serve_options, serve_help, &arena, &values, &status)) {
        if (!values.value[OPT_CONFIG]) {
            fputs(
                "postrider serve: which configuration? -c FILE (without any: postrider sandbox)\n",
                stderr);
            status = CLI_USAGE;
        } else {
            status = parent_run(&(struct server_source){.config_file = values.value[OPT_CONFIG]});
        }
    }
    arena_reset(&arena);
    return status;
}

int cli_sandbox(int argc, char **argv)
{
    struct arena arena = arena_make();
    struct cli_values values;
    int status;
    if (read_options(argc, argv, sandbox_options, sandbox_help, &arena, &values, &status)) {
        const char *directory = values.value[OPT_CONFIG];
        if (!directory)
            directory = running_sandbox_directory(&arena).at;
        status = parent_run(&(struct server_source){.sandbox_directory = directory});
    }
    arena_reset(&arena);
    return status;
}
