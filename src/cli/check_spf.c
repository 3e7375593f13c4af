/* `postrider check spf`: evaluates SPF for a client, a HELO name and a reverse-path. */
#include "cli/cli.h"
#include "cli/envelope_options.h"
#include "cli/verdict_json.h"
#include "cli/with_loop.h"

#include "mail/text.h"

#include <stdio.h>

static const char help[] =
    "usage: postrider check spf --ip IP --helo NAME --from ADDR [--resolver HOST:PORT] [--json]\n"
    "\n"
    "Evaluates SPF (RFC 7208) and says what decided.\n"
    "  --ip IP                the client's address\n"
    "  --helo NAME            what it said in HELO or EHLO\n"
    "  --from ADDR            the reverse-path; \"\" for none: then the HELO name is checked\n"
    "  --resolver HOST:PORT   the name server to ask (default: the system's)\n"
    "  --json                 for programs\n"
    "\n"
    "Exit status: 0 whatever the verdict, 2 usage, 75 it could not be evaluated.\n"
    "example: postrider check spf --ip 192.0.2.1 --helo mail.example.org --from "
    "alice@example.org\n";

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
    struct spf_query query;
    bool as_json;
};

static void tell_line(struct arena *arena, const char *what, struct str text)
{
    if (text.len)
        printf("  %-12s %.*s\n", what, STR_FMT(mail_text_clean(arena, text)));
}

static void tell(struct arena *arena, const struct spf_answer *answer)
{
    struct str result = spf_result_text(answer->result);
    printf("%.*s: %.*s\n", STR_FMT(result), STR_FMT(mail_text_clean(arena, answer->reason)));
    tell_line(arena, answer->is_helo ? "HELO name" : "domain", answer->domain);
    tell_line(arena, "record", answer->record);
    tell_line(arena, "decided by", answer->mechanism);
    tell_line(arena, "explanation", answer->explanation);
    printf("  %-12s %u of 10, %u void of 2\n", "look-ups", answer->lookups, answer->void_lookups);
}

MAY_YIELD static int check(struct with_loop *loop, void *context)
{
    struct job *job = context;
    struct spf_answer answer;
    job->query.wall_us = loop->now_s * 1000000;
    spf_check(loop->resolver, &job->query, loop->deadline_ms, &job->arena, &answer);
    if (job->as_json)
        verdict_print(verdict_of_spf(&answer));
    else
        tell(&job->arena, &answer);
    return CLI_OK;
}

static int run(int argc, char **argv, struct job *job)
{
    struct cli_values values;
    if (!cli_options_read(argc, argv, options, ARRAY_LEN(options), &job->arena, &values))
        return CLI_USAGE;
    if (values.help || values.word_count > 0) {
        fputs(help, values.help ? stdout : stderr);
        return values.help ? CLI_OK : CLI_USAGE;
    }
    job->as_json = values.value[OPT_JSON] != NULL;
    if (!envelope_options_read("check spf", values.value[OPT_IP], values.value[OPT_HELO],
                               values.value[OPT_FROM], &job->arena, &job->query))
        return CLI_USAGE;
    return with_loop_run("check spf", values.value[OPT_RESOLVER], check, job);
}

int cli_check_spf(int argc, char **argv)
{
    struct job job = {.arena = arena_make()};
    int status = run(argc, argv, &job);
    arena_reset(&job.arena);
    return status;
}
