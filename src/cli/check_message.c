/* `postrider check message`: SPF, DKIM, ARC and DMARC of one message, as the server would judge
 * it. */
#include "cli/cli.h"
#include "cli/envelope_options.h"
#include "cli/message_file.h"
#include "cli/verdict_json.h"
#include "cli/with_loop.h"

#include "verify/judgement.h"

#include <stdio.h>

static const char help[] =
    "usage: postrider check message --ip IP --helo NAME --from ADDR FILE|-\n"
    "                               [--resolver HOST:PORT] [--json]\n"
    "\n"
    "Judges a message as the server would: SPF, DKIM, ARC and DMARC together, and the\n"
    "Authentication-Results field it would get.\n"
    "  --ip IP                the client's address\n"
    "  --helo NAME            what it said in HELO or EHLO\n"
    "  --from ADDR            the reverse-path; \"\" for none\n"
    "  --resolver HOST:PORT   the name server to ask (default: the system's)\n"
    "  --json                 for programs\n"
    "\n"
    "Exit status: 0 whatever the verdict, 2 usage, 75 the message could not be read.\n";

enum { OPT_IP, OPT_HELO, OPT_FROM, OPT_RESOLVER, OPT_JSON };

static const struct cli_option options[] = {
    [OPT_IP] = {"--ip", NULL, false, false},
    [OPT_HELO] = {"--helo", NULL, false, false},
    [OPT_FROM] = {"--from", NULL, false, false},
    [OPT_RESOLVER] = {"--resolver", NULL, false, false},
    [OPT_JSON] = {"--json", NULL, true, false},
};

struct job {
    struct arena arena;
    const char *path;
    bool as_json;
    struct spf_query query;
    struct judgement *judgement;
};

/* ---- Telling ------------------------------------------------------------------------------- */

/* On one line. */
static struct str unfolded(struct arena *arena, struct str field)
{
    char *line = arena_alloc(arena, field.len);
    size_t len = 0;
    for (size_t i = 0; i < field.len; i++)
        if (field.at[i] != '\r' && field.at[i] != '\n')
            line[len++] = field.at[i] == '\t' ? ' ' : field.at[i];
    return str_make(line, len);
}

/* The field, folded, without its last CRLF. */
static struct str make_header(struct job *job)
{
    struct str hostname = envelope_hostname(&job->arena);
    struct str results = judgement_print_results(job->judgement, hostname);
    return arena_printf(&job->arena, "Authentication-Results: %.*s", STR_FMT(results));
}

static json_t *json_of_iprev(const struct judgement *judgement)
{
    return json_pack("{s:o, s:o}", "result", verdict_text(iprev_result_text(judgement->iprev)),
                     "name", verdict_text(judgement->client_name));
}

static void tell_json(struct job *job)
{
    const struct judgement *judgement = job->judgement;
    struct str header = unfolded(&job->arena, make_header(job));
    json_t *signatures = json_array();
    for (size_t i = 0; i < judgement->dkim.count; i++)
        json_array_append_new(signatures, verdict_of_dkim(&judgement->dkim.items[i]));
    verdict_print(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "spf",
                            verdict_of_spf(&judgement->spf), "dkim", signatures, "arc",
                            verdict_of_arc(&judgement->arc), "dmarc",
                            verdict_of_dmarc(&judgement->dmarc), "iprev", json_of_iprev(judgement),
                            "header", json_stringn(header.at, header.len)));
}

/* The field says it all. */
static void tell(struct job *job)
{
    struct str header = make_header(job);
    for (size_t i = 0; i < header.len; i++)
        if (header.at[i] != '\r')
            putchar(header.at[i]);
    putchar('\n');
}

/* ---- Doing --------------------------------------------------------------------------------- */

static void add(void *context, struct str bytes) { judgement_add(context, bytes); }

/* CLI_OK, or the exit status; printed why. */
static int read_message(struct job *job)
{
    struct message_file file;
    if (!message_file_open("check message", job->path, false, &file))
        return CLI_USAGE;
    enum err err = message_file_read(&file, add, job->judgement);
    message_file_close(&file);
    if (!err)
        return CLI_OK;
    fprintf(stderr, "postrider check message: %s: %s\n", job->path, err_text(err));
    return CLI_TRY_LATER;
}

MAY_YIELD static int check(struct job *job, struct with_loop *loop)
{
    int status = read_message(job);
    if (status)
        return status;
    with_loop_begin_evaluation(loop);
    if (judgement_finish(job->judgement, loop->deadline_ms))
        return CLI_TRY_LATER;
    job->as_json ? tell_json(job) : tell(job);
    return CLI_OK;
}

MAY_YIELD static int run_in_loop(struct with_loop *loop, void *context)
{
    struct job *job = context;
    job->query.wall_us = loop->now_s * 1000000;
    job->judgement = judgement_new(loop->resolver, &job->query, &job->arena);
    int status = check(job, loop);
    judgement_free(job->judgement);
    return status;
}

static int run(int argc, char **argv, struct job *job)
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
    if (!envelope_options_read("check message", values.value[OPT_IP], values.value[OPT_HELO],
                               values.value[OPT_FROM], &job->arena, &job->query))
        return CLI_USAGE;
    return with_loop_run("check message", values.value[OPT_RESOLVER], run_in_loop, job);
}

int cli_check_message(int argc, char **argv)
{
    struct job job = {.arena = arena_make()};
    int status = run(argc, argv, &job);
    arena_reset(&job.arena);
    return status;
}
