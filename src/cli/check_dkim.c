/* `postrider check dkim`: verifies every DKIM-Signature of a message. */
#include "cli/check_file.h"
#include "cli/cli.h"
#include "cli/verdict_json.h"

#include <stdio.h>

static const char help[] =
    "usage: postrider check dkim FILE|- [--resolver HOST:PORT] [--json]\n"
    "\n"
    "Verifies every DKIM-Signature of a message and says why one does not pass.\n"
    "  --resolver HOST:PORT   the name server to ask (default: the system's)\n"
    "  --json                 for programs\n"
    "\n"
    "Exit status: 0 whatever the verdict, 2 usage, 75 the message could not be read.\n";

/* ---- telling ---- */

static void tell_json(const struct dkim_verified_list *list)
{
    json_t *signatures = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(signatures, verdict_of_dkim(&list->items[i]));
    json_t *answer = json_pack("{s:o}", "signatures", signatures);
    if (list->ignored)
        json_object_set_new(answer, "ignored", json_integer((json_int_t)list->ignored));
    verdict_print(answer);
}

static void tell_signature(const struct dkim_verified *signature)
{
    printf("%.*s", STR_FMT(dkim_result_text(signature->verdict.result)));
    if (signature->domain.len)
        printf(" d=%.*s", STR_FMT(signature->domain));
    if (signature->selector.len)
        printf(" s=%.*s", STR_FMT(signature->selector));
    if (signature->algorithm.len)
        printf(" a=%.*s", STR_FMT(signature->algorithm));
    if (*signature->verdict.reason)
        printf(": %s", signature->verdict.reason);
    puts(signature->is_testing ? " (the domain is only testing)" : "");
}

static void tell(const struct dkim_verified_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        tell_signature(&list->items[i]);
    if (list->count == 0)
        puts("none: the message is not signed");
    if (list->ignored)
        printf("%zu more signatures were not looked at\n", list->ignored);
}

/* ---- doing ---- */

static void *observe(struct verify_message *message) { return dkim_verifier_new(message); }

MAY_YIELD static enum err judge(void *observer, struct dkim_keys *keys, int64_t now_s,
                                struct arena *arena, bool as_json)
{
    struct dkim_verified_list list;
    enum err err = dkim_verifier_finish(observer, keys, now_s, arena, &list);
    if (!err)
        as_json ? tell_json(&list) : tell(&list);
    return err;
}

int cli_check_dkim(int argc, char **argv)
{
    static const struct check_file check = {"check dkim", help, observe, judge};
    return check_file_run(&check, argc, argv);
}
