/* `postrider check dkim`: verifies every DKIM-Signature of a message. */
#include "cli/cli.h"
#include "cli/message_file.h"
#include "cli/with_loop.h"

#include "verify/dkim_verify.h"

#include <jansson.h>
#include <stdio.h>

static const char help[] =
    "usage: postrider check dkim FILE|- [--resolver HOST:PORT] [--json]\n"
    "\n"
    "Verifies every DKIM-Signature of a message and says why one does not pass.\n"
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

static json_t *text(struct str s)
{
    return str_is_utf8(s) ? json_stringn(s.at, s.len) : json_null();
}

static json_t *signature_json(const struct dkim_verified *signature)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:b, s:b}", "domain", text(signature->domain),
                     "selector", text(signature->selector), "algorithm", text(signature->algorithm),
                     "result", text(dkim_result_text(signature->verdict.result)), "reason",
                     signature->verdict.reason, "identity", text(signature->identity),
                     "body_length", signature->has_body_length, "testing", signature->is_testing);
}

static void tell_json(const struct dkim_verified_list *list)
{
    json_t *signatures = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(signatures, signature_json(&list->items[i]));
    json_t *answer = json_pack("{s:o}", "signatures", signatures);
    if (list->ignored)
        json_object_set_new(answer, "ignored", json_integer((json_int_t)list->ignored));
    json_dumpf(answer, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(answer);
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

static void add(void *context, struct str bytes) { verify_message_add(context, bytes); }

MAY_YIELD static int check(struct job *job, struct verify_message *message, struct with_loop *loop)
{
    struct dkim_verifier *verifier = dkim_verifier_new(message);
    struct message_file file;
    if (!message_file_open("check dkim", job->path, false, &file))
        return CLI_USAGE;
    enum err err = message_file_read(&file, add, message);
    message_file_close(&file);
    if (err) {
        fprintf(stderr, "postrider check dkim: %s: %s\n", job->path, err_text(err));
        return CLI_TRY_LATER;
    }
    verify_message_end(message);
    with_loop_begin_evaluation(loop);
    struct dkim_keys keys = dkim_keys_make(loop->resolver, loop->deadline_ms, &job->arena);
    struct dkim_verified_list list;
    err = dkim_verifier_finish(verifier, &keys, loop->now_s, &job->arena, &list);
    dkim_keys_done(&keys);
    if (err)
        return CLI_TRY_LATER;
    job->as_json ? tell_json(&list) : tell(&list);
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
    return with_loop_run("check dkim", values.value[OPT_RESOLVER], run, job);
}

int cli_check_dkim(int argc, char **argv)
{
    struct job job = {.arena = arena_make()};
    int status = read_options(argc, argv, &job);
    arena_reset(&job.arena);
    return status;
}
