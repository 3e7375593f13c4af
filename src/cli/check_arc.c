/* `postrider check arc`: validates the ARC chain of a message. */
#include "cli/cli.h"
#include "cli/message_file.h"
#include "cli/with_loop.h"

#include "verify/arc.h"

#include <jansson.h>
#include <stdio.h>

static const char help[] =
    "usage: postrider check arc FILE|- [--resolver HOST:PORT] [--json]\n"
    "\n"
    "Validates the ARC chain of a message (RFC 8617) and says why it fails.\n"
    "  --resolver HOST:PORT   the name server to ask (default: the system's)\n"
    "  --json                 for programs\n"
    "\n"
    "Exit status: 0 whatever the verdict, 2 usage, 75 the message could not be read.\n";

enum { OPT_RESOLVER, OPT_JSON };

static const struct cli_option options[] = {
    [OPT_RESOLVER] = {"--resolver", NULL, false, false},
    [OPT_JSON] = {"--json", NULL, true, false},
};

struct job {
    struct arena arena;
    const char *path;
    bool as_json;
};

/* ---- telling ---- */

static void tell_json(const struct arc_chain *chain)
{
    json_t *answer = json_pack("{s:s, s:i, s:s, s:i}", "result", arc_result_text(chain->result).at,
                               "instance", (int)chain->instance, "reason", chain->reason,
                               "oldest_pass", (int)chain->oldest_pass);
    json_dumpf(answer, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(answer);
}

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

/* ---- doing ---- */

static void add(void *context, struct str bytes) { verify_message_add(context, bytes); }

MAY_YIELD static int check(struct job *job, struct verify_message *message, struct with_loop *loop)
{
    struct arc_validator *validator = arc_validator_new(message);
    struct message_file file;
    if (!message_file_open("check arc", job->path, false, &file))
        return CLI_USAGE;
    enum err err = message_file_read(&file, add, message);
    message_file_close(&file);
    if (err) {
        fprintf(stderr, "postrider check arc: %s: %s\n", job->path, err_text(err));
        return CLI_TRY_LATER;
    }
    verify_message_end(message);
    with_loop_begin_evaluation(loop);
    struct dkim_keys keys = dkim_keys_make(loop->resolver, loop->deadline_ms, &job->arena);
    struct arc_chain chain;
    err = arc_validator_finish(validator, &keys, loop->now_s, &chain);
    dkim_keys_done(&keys);
    if (err)
        return CLI_TRY_LATER;
    job->as_json ? tell_json(&chain) : tell(&chain);
    return CLI_OK;
}

MAY_YIELD static int run(struct with_loop *loop, void *context)
{
    struct verify_message *message = verify_message_new();
    int status = check(context, message, loop);
    verify_message_free(message);
    return status;
}

static int read_options(int argc, char **argv, struct job *job)
{
    struct cli_values values;
    if (!cli_options_read(argc, argv, options, ARRAY_LEN(options), &job->arena, &values))
        return CLI_USAGE;
    if (values.help || values.word_count != 1) {
        fputs(help, values.help ? stdout : stderr);
        return values.help ? CLI_OK : CLI_USAGE;
    }
    job->path = values.words[0];
    job->as_json = values.value[OPT_JSON] != NULL;
    return with_loop_run("check arc", values.value[OPT_RESOLVER], run, job);
}

int cli_check_arc(int argc, char **argv)
{
    struct job job = {.arena = arena_make()};
    int status = read_options(argc, argv, &job);
    arena_reset(&job.arena);
    return status;
}
