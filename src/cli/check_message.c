/* `postrider check message`: SPF, DKIM, ARC and DMARC of one message, as the server would judge
 * it. */
#include "cli/cli.h"
#include "cli/envelope_options.h"
#include "cli/message_file.h"
#include "cli/verdict_json.h"
#include "cli/with_loop.h"

#include "fiber/loop.h"
#include "verify/authres_verdicts.h"

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

/* The time that SPF, DKIM and ARC leave for DMARC, which needs what they found. */
#define DMARC_TIME_MS 6000

struct job {
    struct arena arena;
    const char *path;
    bool as_json;
    struct spf_query query;
    struct verify_message *message;
    struct dkim_verifier *verifier;
    struct arc_validator *validator;
    struct with_loop *loop;
    uint64_t first_deadline_ms; /* of all but DMARC */
    struct spf_answer spf;
    enum iprev_result iprev;
    struct str client_name;
    struct dkim_verified_list dkim;
    struct arc_chain arc;
    struct dmarc_answer dmarc;
};

/* ---- The evaluations ----------------------------------------------------------------------- */

MAY_YIELD static void check_client(void *context)
{
    struct job *job = context;
    spf_check(job->loop->resolver, &job->query, job->first_deadline_ms, &job->arena, &job->spf);
    job->iprev = iprev_check(job->loop->resolver, &job->query.client, job->first_deadline_ms,
                             &job->arena, &job->client_name);
}

MAY_YIELD static enum err check_signatures(struct job *job)
{
    struct dkim_keys keys =
        dkim_keys_make(job->loop->resolver, job->first_deadline_ms, &job->arena);
    int64_t now_s = job->loop->now_s;
    enum err err = dkim_verifier_finish(job->verifier, &keys, now_s, &job->arena, &job->dkim);
    if (!err)
        err = arc_validator_finish(job->validator, &keys, now_s, &job->arc);
    dkim_keys_done(&keys);
    return err;
}

static struct dmarc_authors read_authors(struct job *job)
{
    struct dmarc_authors authors = dmarc_authors_make();
    const struct field_index *fields = &job->message->fields;
    for (size_t i = 0; i < fields->count; i++)
        if (mail_field_is(&fields->fields[i].field, STR("From")))
            dmarc_authors_add(&authors, &job->arena, fields->fields[i].field.value);
    authors.is_unclear |= job->message->is_header_too_large;
    return authors;
}

/* Also of a domain that says it only tests DKIM: what counts for DMARC is that the signature is
 * valid (RFC 9989 section 4.4.1). */
static size_t list_identifiers(const struct job *job, struct dmarc_identifier *out)
{
    size_t count = 0;
    if (job->spf.result == SPF_RESULT_PASS || job->spf.result == SPF_RESULT_TEMPERROR)
        out[count++] = (struct dmarc_identifier){DMARC_BY_SPF, job->spf.domain,
                                                 job->spf.result == SPF_RESULT_TEMPERROR};
    for (size_t i = 0; i < job->dkim.count; i++) {
        const struct dkim_verified *signature = &job->dkim.items[i];
        enum dkim_result result = signature->verdict.result;
        if (result == DKIM_PASS || result == DKIM_TEMPERROR)
            out[count++] = (struct dmarc_identifier){DMARC_BY_DKIM, signature->domain,
                                                     result == DKIM_TEMPERROR};
    }
    return count;
}

MAY_YIELD static void check_dmarc(struct job *job)
{
    struct dmarc_identifier identifiers[DKIM_SIGNATURES_MAX + 1];
    struct dmarc_authors authors = read_authors(job);
    struct dmarc_query query = {&authors, identifiers, list_identifiers(job, identifiers)};
    dmarc_check(job->loop->resolver, &query, job->loop->deadline_ms, &job->arena, &job->dmarc);
}

/* SPF and the signatures are looked up side by side, so that a dead name server of the one does
 * not take the time of the other. */
MAY_YIELD static enum err evaluate(struct job *job)
{
    struct fiber_group group;
    with_loop_begin_evaluation(job->loop);
    job->first_deadline_ms = job->loop->deadline_ms - DMARC_TIME_MS;
    job->query.wall_us = job->loop->now_s * 1000000;
    fiber_group_init(&group, loop_current());
    fiber_spawn(&group, "spf", check_client, job);
    enum err err = check_signatures(job);
    enum err joined = fiber_group_join(&group, DEADLINE_NEVER);
    if (err || joined)
        return err ? err : joined;
    check_dmarc(job);
    return OK;
}

/* ---- Telling ------------------------------------------------------------------------------- */

#define RESULTS_MAX      (DKIM_SIGNATURES_MAX + 5)
#define HEADER_MAX_BYTES (64u * 1024)

static struct authres_result authres_of_arc(const struct arc_chain *chain)
{
    return (struct authres_result){.method = "arc",
                                   .result = arc_result_text(chain->result),
                                   .comment = STR_EMPTY,
                                   .reason = str_of(chain->reason)};
}

static size_t list_results(struct job *job, struct authres_result *out)
{
    size_t count = 0;
    out[count++] = authres_of_iprev(&job->arena, job->iprev, &job->query.client, job->client_name);
    out[count++] = authres_of_spf(&job->query, &job->spf);
    for (size_t i = 0; i < job->dkim.count; i++)
        out[count++] = authres_of_dkim(&job->arena, &job->dkim.items[i]);
    if (job->dkim.count == 0)
        out[count++] = authres_of_no_dkim();
    out[count++] = authres_of_arc(&job->arc);
    out[count++] = authres_of_dmarc(&job->arena, &job->dmarc);
    return count;
}

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
    struct authres_result *results = ARENA_ARRAY(&job->arena, struct authres_result, RESULTS_MAX);
    struct buf buf = buf_make(HEADER_MAX_BYTES);
    size_t count = list_results(job, results);
    enum err err = authres_print(&buf, envelope_hostname(&job->arena), results, count);
    assert(!err); /* every value in it is cut */
    struct str header = arena_copy(&job->arena, str_first(buf_str(&buf), buf.len - 2));
    buf_free(&buf);
    return header;
}

static json_t *json_of_iprev(const struct job *job)
{
    return json_pack("{s:o, s:o}", "result", verdict_text(iprev_result_text(job->iprev)), "name",
                     verdict_text(job->client_name));
}

static void tell_json(struct job *job)
{
    struct str header = unfolded(&job->arena, make_header(job));
    json_t *signatures = json_array();
    for (size_t i = 0; i < job->dkim.count; i++)
        json_array_append_new(signatures, verdict_of_dkim(&job->dkim.items[i]));
    verdict_print(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "spf", verdict_of_spf(&job->spf),
                            "dkim", signatures, "arc", verdict_of_arc(&job->arc), "dmarc",
                            verdict_of_dmarc(&job->dmarc), "iprev", json_of_iprev(job), "header",
                            json_stringn(header.at, header.len)));
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

static void add(void *context, struct str bytes) { verify_message_add(context, bytes); }

/* CLI_OK, or the exit status; printed why. */
static int read_message(struct job *job)
{
    struct message_file file;
    if (!message_file_open("check message", job->path, false, &file))
        return CLI_USAGE;
    enum err err = message_file_read(&file, add, job->message);
    message_file_close(&file);
    if (err) {
        fprintf(stderr, "postrider check message: %s: %s\n", job->path, err_text(err));
        return CLI_TRY_LATER;
    }
    verify_message_end(job->message);
    return CLI_OK;
}

MAY_YIELD static int check(struct job *job)
{
    job->verifier = dkim_verifier_new(job->message);
    job->validator = arc_validator_new(job->message);
    int status = read_message(job);
    if (status)
        return status;
    if (evaluate(job))
        return CLI_TRY_LATER;
    job->as_json ? tell_json(job) : tell(job);
    return CLI_OK;
}

MAY_YIELD static int run_in_loop(struct with_loop *loop, void *context)
{
    struct job *job = context;
    job->loop = loop;
    job->message = verify_message_new();
    int status = check(job);
    verify_message_free(job->message);
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
