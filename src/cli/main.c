/* The one binary: finds the command and runs it. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"serve", cli_serve, "run the server"},
    {"sandbox", cli_sandbox,
     "a server to try things with: nothing to set up, nothing leaves the machine"},
    {"config", cli_config, "check a configuration file"},
    {"queue", cli_queue, "list and steer the queue of a running server"},
    {"trace", cli_trace, "tell everything that ever happened to one message"},
    {"send", cli_send, "send a message by SMTP and show the conversation"},
    {"route", cli_route, "tell where an address leads, and why"},
    {"check", cli_check, "check SPF, DKIM, ARC and DMARC of a sender or a message"},
    {"sign", cli_sign, "put a DKIM signature, or an ARC seal, on a message"},
    {"dkim", cli_dkim, "make keys to sign with"},
    {"account", cli_account, "keep the accounts that may submit mail"},
    {"sendmail", cli_sendmail, "send a message as programs of this host do"},
};

static void print_help(FILE *to)
{
    fputs("postrider, a mail server\n\nusage: postrider COMMAND [options]\n\n", to);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].help);
    fputs("\n\"postrider COMMAND --help\" tells more. To begin: postrider sandbox\n", to);
}

/* The names of a traditional mail system, under which the binary may be installed. */
static bool is_sendmail(const char *name)
{
    return strcmp(name, "sendmail") == 0 || strcmp(name, "mailq") == 0 ||
           strcmp(name, "newaliases") == 0;
}

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    if (slash)
        argv[0] += slash + 1 - argv[0];
    if (argc > 0 && is_sendmail(argv[0]))
        return cli_sendmail(argc, argv);
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return CLI_OK;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        puts("postrider " POSTRIDER_VERSION);
        return CLI_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (*name)
        fprintf(stderr, "postrider: there is no command \"%s\"\n\n", name);
    print_help(stderr);
    return CLI_USAGE;
}
