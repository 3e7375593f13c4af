/* The commands of the one binary. Each takes its own arguments, argv[0] being its name, and returns
 * the exit status: 0 done, 1 refused or failed, 2 wrong usage or configuration, 75 try again later
 * (EX_TEMPFAIL). Results go to standard output, complaints to standard error. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/arena.h"
#include "base/str.h"

enum cli_exit { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_TRY_LATER = 75 };

int cli_serve(int argc, char **argv);
int cli_sandbox(int argc, char **argv);
int cli_config(int argc, char **argv);
int cli_queue(int argc, char **argv);
int cli_trace(int argc, char **argv);
int cli_send(int argc, char **argv);
int cli_account(int argc, char **argv);
int cli_route(int argc, char **argv);
/* Called by the name of argv[0]: sendmail, mailq or newaliases. Exits as <sysexits.h> says. */
int cli_sendmail(int argc, char **argv);
/* The second word of these is a command of its own. */
int cli_check(int argc, char **argv);
int cli_dkim(int argc, char **argv);
int cli_check_dkim(int argc, char **argv);
int cli_check_arc(int argc, char **argv);
int cli_check_message(int argc, char **argv);
int cli_check_spf(int argc, char **argv);
int cli_sign(int argc, char **argv);
int cli_dkim_keygen(int argc, char **argv);

/* ---- options ---- */

/* An option of a command: `--name VALUE`, `--name=VALUE`, `-x VALUE`, or a flag without a value. */
struct cli_option {
    const char *name;   /* "--limit" */
    const char *letter; /* "-l" or NULL */
    bool is_flag;
    bool repeats; /* may be given more than once; `values` then holds all */
};

#define CLI_OPTIONS_MAX 32

struct cli_values {
    const char *value[CLI_OPTIONS_MAX]; /* the last one given, by place in the table; flags: "" */
    struct {
        const char **at;
        size_t count;
    } all[CLI_OPTIONS_MAX];
    const char **words; /* what is no option */
    size_t word_count;
    bool help; /* -h or --help was among them */
};

/* Reads argv[1…] by the table. On a mistake prints one line to standard error, with the nearest
 * option that exists, and returns false. Values borrow from argv; lists live in `arena`. */
bool cli_options_read(int argc, char **argv, const struct cli_option *options, size_t option_count,
                      struct arena *arena, struct cli_values *out_values);

/* "30s", "5m", "4h", "5d" or bare seconds. */
bool cli_parse_duration(struct str text, uint64_t *out_seconds);

#endif
