/* `postrider queue`: what waits in a running server, and hands to steer it. */
#include "cli/cli.h"
#include "cli/running.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: postrider queue list   [filters] [--limit N] [--after ID] [--json]\n"
    "       postrider queue show   ID [--json]\n"
    "       postrider queue retry  ID… | filters     try again now\n"
    "       postrider queue hold   ID… | filters     keep it, do not try\n"
    "       postrider queue release ID… | filters    end a hold\n"
    "       postrider queue drop   ID… | filters     forget it without telling the sender\n"
    "       postrider queue bounce ID… | filters     return it to the sender now\n"
    "\n"
    "An ID names a message, ID/N one of its recipients. Filters select recipients:\n"
    "  --sender A, --recipient A   an address, @domain for a whole domain, \"<>\" for no sender\n"
    "  --domain D                  the recipient's domain\n"
    "  --state S                   ready, active, waiting or held\n"
    "  --older-than T              in the queue for longer than 30s, 5m, 4h, 5d\n"
    "\n"
    "  --yes        do it (needed to drop or bounce by filter)\n"
    "  --json       for programs\n"
    "  -c FILE, --dir DIR   which server\n"
    "\n"
    "example: postrider queue retry --domain example.org\n";

enum {
    OPT_CONFIG,
    OPT_DIR,
    OPT_JSON,
    OPT_YES,
    OPT_LIMIT,
    OPT_AFTER,
    OPT_SENDER,
    OPT_RECIPIENT,
    OPT_DOMAIN,
    OPT_STATE,
    OPT_OLDER,
};

static const struct cli_option options[] = {
    [OPT_CONFIG] = {"--config", "-c", false, false},
    [OPT_DIR] = {"--dir", NULL, false, false},
    [OPT_JSON] = {"--json", NULL, true, false},
    [OPT_YES] = {"--yes", "-y", true, false},
    [OPT_LIMIT] = {"--limit", NULL, false, false},
    [OPT_AFTER] = {"--after", NULL, false, false},
    [OPT_SENDER] = {"--sender", NULL, false, false},
    [OPT_RECIPIENT] = {"--recipient", NULL, false, false},
    [OPT_DOMAIN] = {"--domain", NULL, false, false},
    [OPT_STATE] = {"--state", NULL, false, false},
    [OPT_OLDER] = {"--older-than", NULL, false, false},
};

struct job {
    const char *verb;
    struct arena arena;
    struct cli_values values;
    struct str state;
};

/* ---- what is meant ---- */

static void add_text(json_t *request, const char *key, const char *value)
{
    if (value)
        json_object_set_new(request, key, json_string(value));
}

static bool has_filter(const struct job *job)
{
    for (size_t i = OPT_SENDER; i <= OPT_OLDER; i++)
        if (job->values.value[i])
            return true;
    return false;
}

/* NULL when a value makes no sense; it said why. */
static json_t *request_for(const struct job *job, const char *command)
{
    json_t *request = json_pack("{s:s}", "command", command);
    add_text(request, "sender", job->values.value[OPT_SENDER]);
    add_text(request, "recipient", job->values.value[OPT_RECIPIENT]);
    add_text(request, "domain", job->values.value[OPT_DOMAIN]);
    add_text(request, "state", job->values.value[OPT_STATE]);
    uint64_t seconds;
    const char *older = job->values.value[OPT_OLDER];
    if (older && !cli_parse_duration(str_of(older), &seconds)) {
        fprintf(stderr, "postrider queue: --older-than wants a time like 30s, 5m, 4h or 5d\n");
        json_decref(request);
        return NULL;
    }
    if (older)
        json_object_set_new(request, "older_than", json_integer((json_int_t)seconds));
    return request;
}

/* "ID" or "ID/N" */
static bool add_id(json_t *request, const char *word)
{
    struct str id = str_of(word), number;
    uint64_t recipient = 0;
    if (str_cut(id, '/', &id, &number) &&
        (!str_to_u64(number, UINT32_MAX, &recipient) || !recipient)) {
        fprintf(stderr, "postrider queue: \"%s\" is neither ID nor ID/N\n", word);
        return false;
    }
    json_object_set_new(request, "id", json_stringn(id.at, id.len));
    if (recipient)
        json_object_set_new(request, "recipient_number", json_integer((json_int_t)recipient));
    return true;
}

/* ---- showing ---- */

static const char *text_at(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static json_int_t number_at(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

/* "4m", "3h", "2d": one unit is enough for the eye. */
static void print_age(char *out, size_t size, json_int_t seconds)
{
    if (seconds < 0)
        seconds = 0;
    if (seconds < 120)
        snprintf(out, size, "%" PRIi64 "s", (int64_t)seconds);
    else if (seconds < 7200)
        snprintf(out, size, "%" PRIi64 "m", (int64_t)seconds / 60);
    else if (seconds < 172800)
        snprintf(out, size, "%" PRIi64 "h", (int64_t)seconds / 3600);
    else
        snprintf(out, size, "%" PRIi64 "d", (int64_t)seconds / 86400);
}

static void print_row(const json_t *row, json_int_t now)
{
    char age[24], due[24];
    print_age(age, sizeof age, now - number_at(row, "arrived"));
    print_age(due, sizeof due, number_at(row, "due") - now);
    const char *state = text_at(row, "state"), *sender = text_at(row, "sender");
    printf("%s/%-3" PRIi64 " %-7s %5s %8" PRIi64 "  %s -> %s\n", text_at(row, "id"),
           (int64_t)number_at(row, "recipient_number"), state, age, (int64_t)number_at(row, "size"),
           *sender ? sender : "<>", text_at(row, "recipient"));
    if (strcmp(state, "waiting") == 0)
        printf("    %s; attempt %" PRIi64 " in %s by %s\n", text_at(row, "words"),
               (int64_t)number_at(row, "attempts") + 1, due, text_at(row, "destination"));
    else if (strcmp(state, "held") == 0)
        printf("    held (%s): postrider queue release %s\n", text_at(row, "reason"),
               text_at(row, "id"));
}

static int show(struct job *job, json_t *request, bool one_message)
{
    int status;
    json_t *answer = running_ask("queue", job->state, request, &status);
    if (!answer)
        return status;
    json_t *rows = json_object_get(answer, "recipients");
    if (job->values.value[OPT_JSON]) {
        json_dumpf(answer, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        size_t i;
        json_t *row;
        json_array_foreach(rows, i, row) print_row(row, number_at(answer, "now"));
        size_t count = json_array_size(rows);
        if (one_message && count == 0)
            fprintf(stderr, "postrider queue: there is no such message in the queue; "
                            "what became of it: postrider trace ID\n");
        else if (json_is_true(json_object_get(answer, "more")))
            printf("there is more: --after %s, or a larger --limit\n",
                   text_at(json_array_get(rows, count - 1), "id"));
        else if (!one_message)
            printf("%zu recipient%s in the queue\n", count, count == 1 ? "" : "s");
    }
    if (one_message && json_array_size(rows) == 0)
        status = CLI_FAILED;
    json_decref(answer);
    return status;
}

static int list(struct job *job)
{
    uint64_t limit = 1000;
    const char *limit_text = job->values.value[OPT_LIMIT];
    if (job->values.word_count || (limit_text && !str_to_u64(str_of(limit_text), 10000, &limit))) {
        fputs(job->values.word_count
                  ? "postrider queue list: takes filters only; for one message: queue show ID\n"
                  : "postrider queue list: --limit wants a number up to 10000\n",
              stderr);
        return CLI_USAGE;
    }
    json_t *request = request_for(job, "queue.list");
    if (!request)
        return CLI_USAGE;
    json_object_set_new(request, "limit", json_integer((json_int_t)limit));
    add_text(request, "after", job->values.value[OPT_AFTER]);
    if (job->values.value[OPT_AFTER]) /* behind its last recipient */
        json_object_set_new(request, "after_recipient", json_integer(UINT32_MAX));
    return show(job, request, false);
}

static int show_one(struct job *job)
{
    if (job->values.word_count != 1 || has_filter(job)) {
        fputs("postrider queue show: takes one ID\n", stderr);
        return CLI_USAGE;
    }
    json_t *request = json_pack("{s:s, s:i}", "command", "queue.list", "limit", 10000);
    if (!add_id(request, job->values.words[0])) {
        json_decref(request);
        return CLI_USAGE;
    }
    return show(job, request, true);
}

/* ---- steering ---- */

static const struct steering {
    const char *verb, *done;
    bool is_final; /* by filter easily more than was meant */
} steerings[] = {
    {"retry", "will be tried now", false},
    {"hold", "held", false},
    {"release", "released", false},
    {"drop", "dropped", true},
    {"bounce", "returned to the sender", true},
};

static const struct steering *steering_of(const struct job *job)
{
    const struct steering *steering = steerings;
    while (strcmp(steering->verb, job->verb) != 0)
        steering++;
    return steering;
}

static int act_once(struct job *job, json_t *request)
{
    int status;
    json_t *answer = running_ask("queue", job->state, request, &status);
    if (!answer)
        return status;
    if (job->values.value[OPT_JSON]) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        int64_t changed = number_at(answer, "changed"), busy = number_at(answer, "busy");
        printf("%" PRIi64 " recipient%s %s\n", changed, changed == 1 ? "" : "s",
               steering_of(job)->done);
        if (busy)
            printf("%" PRIi64 " being delivered right now: left alone\n", busy);
    }
    json_decref(answer);
    return status;
}

static int ask_for_yes(struct job *job)
{
    int status;
    json_t *request = request_for(job, "queue.list");
    if (!request)
        return CLI_USAGE;
    json_object_set_new(request, "limit", json_integer(10000));
    json_t *answer = running_ask("queue", job->state, request, &status);
    if (!answer)
        return status;
    printf("this would %s %s%zu recipients on the server at %.*s; to do it, add --yes\n", job->verb,
           json_is_true(json_object_get(answer, "more")) ? "more than " : "",
           json_array_size(json_object_get(answer, "recipients")), STR_FMT(job->state));
    json_decref(answer);
    return CLI_USAGE;
}

static int act(struct job *job)
{
    bool filtered = has_filter(job);
    if (filtered == (job->values.word_count > 0)) {
        fprintf(stderr, "postrider queue %s: %s\n", job->verb,
                filtered ? "either IDs or filters, not both" : "say which: an ID or a filter");
        return CLI_USAGE;
    }
    char command[32];
    snprintf(command, sizeof command, "queue.%s", job->verb);
    if (filtered) {
        if (steering_of(job)->is_final && !job->values.value[OPT_YES])
            return ask_for_yes(job);
        json_t *request = request_for(job, command);
        return request ? act_once(job, request) : CLI_USAGE;
    }
    int worst = CLI_OK;
    for (size_t i = 0; i < job->values.word_count; i++) {
        json_t *request = json_pack("{s:s}", "command", command);
        int status = CLI_USAGE;
        if (add_id(request, job->values.words[i]))
            status = act_once(job, request);
        else
            json_decref(request);
        if (status)
            worst = status;
    }
    return worst;
}

static const struct {
    const char *name;
    int (*run)(struct job *job);
} verbs[] = {
    {"list", list},   {"show", show_one}, {"retry", act},  {"hold", act},
    {"release", act}, {"drop", act},      {"bounce", act},
};

static int run(struct job *job, int argc, char **argv)
{
    if (!cli_options_read(argc, argv, options, ARRAY_LEN(options), &job->arena, &job->values))
        return CLI_USAGE;
    if (job->values.help || job->values.word_count == 0) {
        fputs(help, job->values.help ? stdout : stderr);
        return job->values.help ? CLI_OK : CLI_USAGE;
    }
    job->verb = job->values.words[0];
    job->values.words++;
    job->values.word_count--;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (strcmp(job->verb, verbs[i].name) == 0)
            return running_find("queue", job->values.value[OPT_CONFIG], job->values.value[OPT_DIR],
                                &job->arena, &job->state)
                       ? verbs[i].run(job)
                       : CLI_USAGE;
    fprintf(stderr, "postrider queue: there is no \"%s\"\n\n%s", job->verb, help);
    return CLI_USAGE;
}

int cli_queue(int argc, char **argv)
{
    struct job job = {.arena = arena_make()};
    int status = run(&job, argc, argv);
    arena_reset(&job.arena);
    return status;
}
