#include "cli/check_file.h"

#include "cli/message_file.h"
#include "cli/with_loop.h"

#include <stdio.h>

enum { OPT_RESOLVER, OPT_JSON };

static const struct cli_option options[] = {
    [OPT_RESOLVER] = {"--resolver", NULL, false, false},
    [OPT_JSON] = {"--json", NULL, true, false},
};

struct job {
    const struct check_file *check;
    struct arena arena;
    const char *path;
    bool as_json;
};

static void add(void *context, struct str bytes) { verify_message_add(context, bytes); }

/* CLI_OK, or the exit status; printed why. */
static int read_message(const struct job *job, struct verify_message *message)
{
    struct message_file file;
    if (!message_file_open(job->check->command, job->path, false, &file))
        return CLI_USAGE;
    enum err err = message_file_read(&file, add, message);
    message_file_close(&file);
    if (err) {
        fprintf(stderr, "postrider %s: %s: %s\n", job->check->command, job->path, err_text(err));
        return CLI_TRY_LATER;
    }
    verify_message_end(message);
    return CLI_OK;
}

MAY_YIELD static int check(struct job *job, struct verify_message *message, struct with_loop *loop)
{
    void *observer = job->check->observe(message);
    int status = read_message(job, message);
    if (status)
        return status;
    with_loop_begin_evaluation(loop);
    struct dkim_keys keys = dkim_keys_make(loop->resolver, loop->deadline_ms, &job->arena);
    enum err err = job->check->judge(observer, &keys, loop->now_s, &job->arena, job->as_json);
    dkim_keys_done(&keys);
    return err ? CLI_TRY_LATER : CLI_OK;
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
        fputs(job->check->help, values.help ? stdout : stderr);
        return values.help ? CLI_OK : CLI_USAGE;
    }
    job->path = values.words[0];
    job->as_json = values.value[OPT_JSON] != NULL;
    return with_loop_run(job->check->command, values.value[OPT_RESOLVER], run, job);
}

int check_file_run(const struct check_file *check, int argc, char **argv)
{
    struct job job = {.check = check, .arena = arena_make()};
    int status = read_options(argc, argv, &job);
    arena_reset(&job.arena);
    return status;
}
