/* `postrider sign`: prints a message with DKIM signatures, or an ARC set, on top. */
#include "cli/cli.h"
#include "cli/message_file.h"
#include "cli/with_loop.h"

#include "base/clock.h"
#include "verify/arc.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: postrider sign --domain D --selector S --key FILE FILE|-\n"
    "       postrider sign --arc --domain D --selector S --key FILE FILE|- [--resolver HOST:PORT]\n"
    "\n"
    "Prints the message, its bytes as they are, with a DKIM-Signature on top; give --domain,\n"
    "--selector and --key again for a second signature. With --arc it adds an ARC set instead.\n"
    "  --key FILE             PKCS#8 in PEM, RSA of 1024 to 4096 bits or Ed25519\n"
    "  --time T               the time of the signature in seconds since 1970 (default: now)\n"
    "  --authserv-id NAME     --arc: whose Authentication-Results to seal (default: the domain)\n"
    "  --resolver HOST:PORT   --arc: the name server to ask (default: the system's)\n"
    "\n"
    "Exit status: 0 done, 1 it cannot be signed, 2 usage, 75 the message could not be read.\n";

enum { OPT_DOMAIN, OPT_SELECTOR, OPT_KEY, OPT_ARC, OPT_RESOLVER, OPT_TIME, OPT_AUTHSERV_ID };

static const struct cli_option options[] = {
    [OPT_DOMAIN] = {"--domain", "-d", false, true},
    [OPT_SELECTOR] = {"--selector", "-s", false, true},
    [OPT_KEY] = {"--key", "-k", false, true},
    [OPT_ARC] = {"--arc", NULL, true, false},
    [OPT_RESOLVER] = {"--resolver", NULL, false, false},
    [OPT_TIME] = {"--time", NULL, false, false},
    [OPT_AUTHSERV_ID] = {"--authserv-id", NULL, false, false},
};

#define KEYS_MAX    8
#define RESULTS_MAX 65536

struct job {
    struct arena arena;
    struct cli_values values;
    struct private_key *private_keys[KEYS_MAX];
    struct dkim_signing_key keys[KEYS_MAX];
    size_t key_count;
    bool has_time;
    int64_t time_s;
    struct verify_message *message;
    struct message_file file;
};

static int complain(const char *what, enum err err, int status)
{
    fprintf(stderr, "postrider sign: %s: %s\n", what, err_text(err));
    return status;
}

/* ---- the keys ---- */

static bool read_key(struct job *job, size_t i)
{
    const char *path = job->values.all[OPT_KEY].at[i];
    const char *domain = job->values.all[OPT_DOMAIN].at[i];
    const char *selector = job->values.all[OPT_SELECTOR].at[i];
    if (!dkim_name_is_valid(str_of(domain), 2) || !dkim_name_is_valid(str_of(selector), 1)) {
        fprintf(stderr, "postrider sign: \"%s\" or \"%s\" is no domain name\n", selector, domain);
        return false;
    }
    enum err err = private_key_read(path, &job->private_keys[i]);
    if (err) {
        complain(path, err, 0);
        return false;
    }
    if (private_key_check_file(path) == ERR_DENIED)
        fprintf(stderr, "postrider sign: warning: others can read %s\n", path);
    job->keys[i] =
        (struct dkim_signing_key){str_of(domain), str_of(selector), job->private_keys[i]};
    job->key_count++;
    return true;
}

static bool read_keys(struct job *job)
{
    size_t count = job->values.all[OPT_KEY].count;
    if (count == 0 || count > KEYS_MAX || job->values.all[OPT_DOMAIN].count != count ||
        job->values.all[OPT_SELECTOR].count != count || (job->values.value[OPT_ARC] && count > 1)) {
        fputs("postrider sign: each signature needs --domain, --selector and --key\n", stderr);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!read_key(job, i))
            return false;
    return true;
}

/* ---- the message ---- */

static void add(void *context, struct str bytes) { verify_message_add(context, bytes); }

static enum err read_message(struct job *job)
{
    enum err err = message_file_read(&job->file, add, job->message);
    if (!err)
        verify_message_end(job->message);
    return err;
}

/* The fields end their lines as the message does. */
static void print_fields(const struct job *job, struct str fields)
{
    for (size_t i = 0; i < fields.len; i++)
        if (fields.at[i] != '\r' || !job->file.has_lf_lines)
            putchar(fields.at[i]);
}

static int print_signed(struct job *job, enum err err, struct str fields)
{
    if (err == ERR_SYNTAX)
        fputs("postrider sign: the message has no From field\n", stderr);
    else if (err == ERR_UNSUPPORTED)
        fputs("postrider sign: the ARC chain has failed or is full: nothing can be added\n",
              stderr);
    else if (err)
        complain("the message", err, 0);
    if (err)
        return CLI_FAILED;
    print_fields(job, fields);
    err = message_file_copy(&job->file, stdout);
    return err ? complain("standard output", err, CLI_TRY_LATER) : CLI_OK;
}

/* ---- DKIM ---- */

static int64_t now_s(const struct job *job)
{
    const struct clock clock = clock_system();
    return job->has_time ? job->time_s : clock_wall_us(&clock) / 1000000;
}

static int sign(struct job *job)
{
    struct dkim_signer *signer = dkim_signer_new(job->message);
    enum err err = read_message(job);
    if (err)
        return complain("the message", err, CLI_TRY_LATER);
    struct str fields = STR_EMPTY;
    err = dkim_sign_finish(signer, job->keys, job->key_count, now_s(job), &job->arena, &fields);
    return print_signed(job, err, fields);
}

/* ---- ARC ---- */

/* What the Authentication-Results fields with this authserv-id say, top to bottom, behind the id.
 */
static void collect_results(struct job *job, struct str authserv_id, struct buf *results)
{
    const struct field_index *fields = &job->message->fields;
    for (size_t i = 0; i < fields->count; i++) {
        const struct mail_field *field = &fields->fields[i].field;
        struct str id, head, rest;
        if (!mail_field_is(field, STR("Authentication-Results")) ||
            mail_field_authserv_id(&job->arena, field->value, &id) ||
            !str_eq_nocase(id, authserv_id) || !str_cut(field->value, ';', &head, &rest))
            continue;
        struct str line = mail_field_unfold(&job->arena, rest);
        while (str_ends(line, STR(";")))
            line = str_trim(str_first(line, line.len - 1));
        if (line.len && !str_eq_nocase(line, STR("none"))) {
            buf_add_cut(results, STR("; "));
            buf_add_cut(results, line);
        }
    }
}

static void describe_signature(const struct dkim_verified *signature, struct buf *results)
{
    char text[768];
    int len =
        snprintf(text, sizeof text, "; dkim=%.*s header.d=%.*s header.s=%.*s header.b=\"%.*s\"",
                 STR_FMT(dkim_result_text(signature->verdict.result)), STR_FMT(signature->domain),
                 STR_FMT(signature->selector), STR_FMT(str_first(signature->signature_text, 8)));
    if (signature->domain.len && signature->selector.len && len > 0)
        buf_add_cut(results, str_first(str_of(text), (size_t)len));
}

/* Ours if there are any, else what we found out ourselves; and what we say of the chain. */
static struct str results_for(struct job *job, const struct dkim_verified_list *list,
                              const struct arc_chain *chain)
{
    const char *option = job->values.value[OPT_AUTHSERV_ID];
    struct str id = option ? str_of(option) : job->keys[0].domain;
    struct buf results = buf_make(RESULTS_MAX);
    collect_results(job, id, &results);
    bool has_ours = results.len > 0;
    for (size_t i = 0; i < list->count && !has_ours; i++)
        describe_signature(&list->items[i], &results);
    bool has_arc = str_search(buf_str(&results), STR("arc=")) != SIZE_MAX;
    struct str text = arena_printf(
        &job->arena, "%.*s%.*s%s%.*s", STR_FMT(id), STR_FMT(buf_str(&results)),
        has_arc ? "" : "; arc=", STR_FMT(has_arc ? STR_EMPTY : arc_result_text(chain->result)));
    buf_free(&results);
    return text;
}

MAY_YIELD static int seal(struct with_loop *loop, void *context)
{
    struct job *job = context;
    struct arc_sealer *sealer = arc_sealer_new(job->message);
    struct arc_validator *validator = arc_validator_new(job->message);
    struct dkim_verifier *verifier = dkim_verifier_new(job->message);
    enum err err = read_message(job);
    if (err)
        return complain("the message", err, CLI_TRY_LATER);
    with_loop_begin_evaluation(loop);
    struct dkim_keys keys = dkim_keys_make(loop->resolver, loop->deadline_ms, &job->arena);
    struct arc_chain chain;
    struct dkim_verified_list list;
    err = arc_validator_finish(validator, &keys, loop->now_s, &chain);
    if (!err)
        err = dkim_verifier_finish(verifier, &keys, loop->now_s, &job->arena, &list);
    dkim_keys_done(&keys);
    if (err)
        return complain("the message", err, CLI_TRY_LATER);
    struct str fields = STR_EMPTY;
    err = arc_seal_finish(sealer, &chain, &job->keys[0], results_for(job, &list, &chain),
                          now_s(job), &job->arena, &fields);
    return print_signed(job, err, fields);
}

/* ---- the command ---- */

static int run_with_message(struct job *job)
{
    if (!message_file_open("sign", job->values.words[0], true, &job->file))
        return CLI_USAGE;
    job->message = verify_message_new();
    int status = job->values.value[OPT_ARC]
                     ? with_loop_run("sign", job->values.value[OPT_RESOLVER], seal, job)
                     : sign(job);
    verify_message_free(job->message);
    message_file_close(&job->file);
    return status;
}

static bool read_time(struct job *job)
{
    const char *text = job->values.value[OPT_TIME];
    uint64_t seconds;
    if (!text)
        return true;
    if (!str_to_u64(str_of(text), 999999999999, &seconds)) {
        fprintf(stderr, "postrider sign: --time wants seconds since 1970, not \"%s\"\n", text);
        return false;
    }
    job->has_time = true;
    job->time_s = (int64_t)seconds;
    return true;
}

static int run(struct job *job, int argc, char **argv)
{
    if (!cli_options_read(argc, argv, options, ARRAY_LEN(options), &job->arena, &job->values))
        return CLI_USAGE;
    if (job->values.help || job->values.word_count != 1) {
        fputs(help, job->values.help ? stdout : stderr);
        return job->values.help ? CLI_OK : CLI_USAGE;
    }
    return read_time(job) && read_keys(job) ? run_with_message(job) : CLI_USAGE;
}

int cli_sign(int argc, char **argv)
{
    struct job job = {.arena = arena_make()};
    int status = run(&job, argc, argv);
    for (size_t i = 0; i < job.key_count; i++)
        private_key_free(job.private_keys[i]);
    arena_reset(&job.arena);
    return status;
}
