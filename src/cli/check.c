/* `postrider check` and `postrider dkim`: commands with a second word, each in a file of its own.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

struct verb {
    const char *name;
    const char *full; /* what complaints call it */
    int (*run)(int argc, char **argv);
    const char *help;
};

static const struct verb checks[] = {
    {"spf", "check spf", cli_check_spf, "may this address send for that domain?"},
    {"dkim", "check dkim", cli_check_dkim, "verify the DKIM signatures of a message"},
    {"arc", "check arc", cli_check_arc, "validate the ARC chain of a message"},
    {"message", "check message", cli_check_message,
     "SPF, DKIM, ARC and DMARC together, as the server would judge"},
};

static const struct verb dkims[] = {
    {"keygen", "dkim keygen", cli_dkim_keygen, "make a key and the DNS record to publish"},
};

static void print_help(FILE *to, const char *command, const struct verb *verbs, size_t count)
{
    fprintf(to, "usage: postrider %s", command);
    for (size_t i = 0; i < count; i++)
        fprintf(to, "%s%s", i ? " | " : " ", verbs[i].name);
    fputs(" [options]\n\n", to);
    for (size_t i = 0; i < count; i++)
        fprintf(to, "  %-8s %s\n", verbs[i].name, verbs[i].help);
    fprintf(to, "\n\"postrider %s %s --help\" tells more.\n", command, verbs[0].name);
}

static int run_verb(int argc, char **argv, const struct verb *verbs, size_t count)
{
    const char *command = argv[0];
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, verbs[i].name) == 0) {
            argv[1] = (char *)(uintptr_t)verbs[i].full;
            return verbs[i].run(argc - 1, argv + 1);
        }
    bool help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    if (*name && !help)
        fprintf(stderr, "postrider %s: there is no \"%s\"\n\n", command, name);
    print_help(help ? stdout : stderr, command, verbs, count);
    return help ? CLI_OK : CLI_USAGE;
}

int cli_check(int argc, char **argv) { return run_verb(argc, argv, checks, ARRAY_LEN(checks)); }

int cli_dkim(int argc, char **argv) { return run_verb(argc, argv, dkims, ARRAY_LEN(dkims)); }
