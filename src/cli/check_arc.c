/* `postrider check arc`: validates the ARC chain of a message. */
#include "cli/check_file.h"
#include "cli/cli.h"
#include "cli/verdict_json.h"

#include <stdio.h>

static const char help[] =
    "usage: postrider check arc FILE|- [--resolver HOST:PORT] [--json]\n"
    "\n"
    "Validates the ARC chain of a message (RFC 8617) and says why it fails.\n"
    "  --resolver HOST:PORT   the name server to ask (default: the system's)\n"
    "  --json                 for programs\n"
    "\n"
    "Exit status: 0 whatever the verdict, 2 usage, 75 the message could not be read.\n";

static void tell(const struct arc_chain *chain)
{
    printf("%.*s", STR_FMT(arc_result_text(chain->result)));
    if (chain->instance)
        printf(", %u set%s", chain->instance, chain->instance == 1 ? "" : "s");
    if (*chain->reason)
        printf(": %s", chain->reason);
    putchar('\n');
    for (unsigned i = 0; chain->sets && i < chain->instance; i++)
        printf("  i=%u d=%.*s s=%.*s\n", i + 1, STR_FMT(chain->sets[i].seal_domain),
               STR_FMT(chain->sets[i].seal_selector));
}

static void *observe(struct verify_message *message) { return arc_validator_new(message); }

MAY_YIELD static enum err judge(void *observer, struct dkim_keys *keys, int64_t now_s,
                                struct arena *arena, bool as_json)
{
    struct arc_chain chain;
    UNUSED(arena);
    enum err err = arc_validator_finish(observer, keys, now_s, &chain);
    if (!err)
        as_json ? verdict_print(verdict_of_arc(&chain)) : tell(&chain);
    return err;
}

int cli_check_arc(int argc, char **argv)
{
    static const struct check_file check = {"check arc", help, observe, judge};
    return check_file_run(&check, argc, argv);
}
