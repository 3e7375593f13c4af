/* `postrider route`: where an address would end, and why, step by step. From the configuration
 * alone; no server has to run. */
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/running.h"
#include "cli/with_loop.h"
#include "deliver/target.h"
#include "mail/idna.h"
#include "route/explain.h"
#include "server/config.h"
#include "server/secret.h"

#include <jansson.h>
#include <stdio.h>

static const char help[] =
    "usage: postrider route ADDRESS [-c FILE] [--resolver HOST:PORT] [--json]\n"
    "\n"
    "Tells where mail for the address would end, and why: whether its domain is served here, what\n"
    "aliases lead to, which section of the configuration says how mail leaves, to which hosts, "
    "and\n"
    "how it is encrypted. Reads the configuration; no server has to run.\n"
    "  -c, --config FILE      default: " CLI_DEFAULT_CONFIG "\n"
    "  --resolver HOST:PORT   whom to ask for MX hosts (default: the configuration's)\n"
    "  --json                 for programs\n"
    "\n"
    "Exit status: 0 the address would be taken, 1 it would be refused, 2 wrong usage or "
    "configuration.\n"
    "\n"
    "example: postrider route info@example.org\n";

enum { OPT_CONFIG, OPT_RESOLVER, OPT_JSON };

static const struct cli_option options[] = {
    [OPT_CONFIG] = {"--config", "-c", false, false},
    [OPT_RESOLVER] = {"--resolver", NULL, false, false},
    [OPT_JSON] = {"--json", NULL, true, false},
};

struct job {
    struct arena arena;
    struct cli_values values;
    struct config *config;
    struct route_table *table;
    struct mail_address address;
    struct str domain; /* of the address, or where it has none that of this server */
    enum err key_err;  /* why there is no key of rewritten senders, or OK */
    json_t *json;      /* the whole answer; printed as text or as it is */
    enum route_answer answer;
};

static json_t *json_of(struct str s) { return json_stringn(s.at, s.len); }

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* ---- finding out ---- */

/* No service takes an address literal. */
static bool is_refused(const struct job *job)
{
    bool may_be_taken = job->answer == ROUTE_LOCAL || job->answer == ROUTE_FOREIGN;
    return !may_be_taken || job->address.is_literal;
}

static struct str words_of_answer(const struct job *job)
{
    return job->address.is_literal ? STR("refused: 550 5.1.2 nothing is sent to address literals")
                                   : route_answer_print(job->answer);
}

static json_t *json_step(struct job *job, const struct route_step *step)
{
    static const char *const meanings[] = {
        [ROUTE_MEANS_FOREIGN] = "foreign",        [ROUTE_MEANS_NOBODY] = "nobody",
        [ROUTE_MEANS_MAILBOX] = "mailbox",        [ROUTE_MEANS_ALIAS] = "alias",
        [ROUTE_MEANS_SENDER] = "sender",          [ROUTE_MEANS_FORGED] = "forged sender",
        [ROUTE_MEANS_EXPIRED] = "expired sender",
    };
    json_t *targets = json_array();
    for (size_t i = 0; i < step->target_count; i++)
        json_array_append_new(targets, json_of(step->targets[i]));
    return json_pack("{s:o, s:s, s:o, s:o}", "address", json_of(step->address), "meaning",
                     meanings[step->meaning], "targets", targets, "words",
                     json_of(route_step_print(&job->arena, step)));
}

/* The hosts that a delivery would try now, in this order. */
static void add_hosts(struct job *job, struct resolver *resolver, const struct route_way *way,
                      struct str address, json_t *end)
{
    struct deliver_options how = {.resolver = resolver, .hostname = job->config->hostname};
    struct str domain = str_from(address, str_find_last(address, '@') + 1);
    struct targets targets;
    struct queue_outcome problem;
    if (!targets_find(&how, way, domain, &job->arena, &targets, &problem)) {
        json_object_set_new(end, "problem", json_of(problem.words));
        return;
    }
    json_t *hosts = json_array();
    for (size_t i = 0; i < targets.count; i++) {
        const struct target *target = &targets.at[i];
        struct str at = net_address_print(&job->arena, &target->address);
        json_array_append_new(
            hosts, json_pack("{s:o, s:o}", "host", json_of(target->host), "address", json_of(at)));
    }
    json_object_set_new(end, "hosts", hosts);
}

static void add_maildir(struct job *job, const struct route_way *way, struct str address,
                        json_t *end)
{
    struct str path;
    enum err err = route_maildir_path(way, address, &job->arena, &path);
    if (err)
        json_object_set_new(end, "problem", json_string("the path is too long"));
    else
        json_object_set_new(end, "maildir", json_of(path));
}

/* What goes out by an alias leaves with another sender. */
static void add_sender(struct job *job, struct str address, json_t *end)
{
    struct str domain = str_from(address, str_find_last(address, '@') + 1);
    if (job->answer != ROUTE_LOCAL || route_is_local_domain(job->table, domain))
        return;
    struct str ours = mail_domain_canonical(&job->arena, job->domain);
    json_object_set_new(
        end, "sender_words",
        json_of(arena_printf(&job->arena,
                             "SRS0=...@%.*s, unless its sender is of a domain of this server",
                             STR_FMT(ours))));
}

static json_t *json_end(struct job *job, struct resolver *resolver, struct str address)
{
    struct str section;
    const struct route_way *way = route_way_explain(job->table, address, &job->arena, &section);
    json_t *end = json_pack("{s:o, s:o, s:s, s:o}", "address", json_of(address), "section",
                            json_of(section), "via", route_via_name(way->via), "words",
                            json_of(route_way_print(&job->arena, way)));
    if (route_way_to_ask(job->table, address))
        json_object_set_new(end, "asked", json_of(route_ask_print(way)));
    add_sender(job, address, end);
    if (way->via == ROUTE_MAILDIR)
        add_maildir(job, way, address, end);
    if (way->via == ROUTE_MAILDIR || way->via == ROUTE_HOLD)
        return end;
    json_object_set_new(end, "tls", json_string(route_tls_name(way->tls)));
    json_object_set_new(end, "tls_words", json_of(route_tls_print(way->tls)));
    add_hosts(job, resolver, way, address, end);
    return end;
}

/* Whose sender it is cannot be told without the server's key. */
static void add_note(struct job *job)
{
    struct mail_address sender;
    struct srs_key none = {{0}};
    bool is_srs = srs_reverse(&none, 0, &job->address, &job->arena, &sender) != SRS_NONE;
    if (is_srs && job->key_err)
        json_object_set_new(
            job->json, "note",
            json_of(arena_printf(
                &job->arena, "whose sender this may be is not known without %.*s/%s (%s)",
                STR_FMT(job->config->state), SECRET_SRS_NAME, err_text(job->key_err))));
}

static int find_out(struct with_loop *loop, void *context)
{
    static const char *const answers[] = {
        [ROUTE_LOCAL] = "local",
        [ROUTE_FOREIGN] = "foreign",
        [ROUTE_NO_SUCH_USER] = "no such user",
        [ROUTE_LOOP] = "loop",
        [ROUTE_FORGED] = "forged sender",
        [ROUTE_EXPIRED] = "expired sender",
    };
    struct job *job = context;
    struct route_targets targets = {0};
    struct route_steps walk;
    struct clock clock = clock_system();
    job->domain = job->address.domain.len ? job->address.domain : route_home_domain(job->table);
    job->answer = route_recipient_explain(job->table, &job->address, clock_wall_us(&clock),
                                          &job->arena, &targets, &walk);
    struct str itself = mail_address_text(&job->arena, &job->address);
    if (job->answer == ROUTE_FOREIGN && !is_refused(job))
        targets = (struct route_targets){&itself, 1};
    json_t *steps = json_array(), *ends = json_array();
    for (size_t i = 0; i < walk.count; i++)
        json_array_append_new(steps, json_step(job, &walk.at[i]));
    for (size_t i = 0; i < targets.count; i++)
        json_array_append_new(ends, json_end(job, loop->resolver, targets.addresses[i]));
    job->json = json_pack("{s:o, s:s, s:o, s:o, s:o}", "address", json_of(itself), "answer",
                          answers[job->answer], "words", json_of(words_of_answer(job)), "steps",
                          steps, "ends", ends);
    add_note(job);
    return is_refused(job) ? CLI_FAILED : CLI_OK;
}

/* ---- telling ---- */

static void print_end(const json_t *end)
{
    const char *section = text_at(end, "section"), *maildir = text_at(end, "maildir");
    printf("ends   %s\n", text_at(end, "address"));
    if (*section)
        printf("       by    %s\n", section);
    else
        printf("       by    default, since no route fits\n");
    printf("       via   %s%s%s\n", text_at(end, "words"), *maildir ? " " : "", maildir);
    if (*text_at(end, "asked"))
        printf("       asked %s\n", text_at(end, "asked"));
    if (*text_at(end, "sender_words"))
        printf("       from  %s\n", text_at(end, "sender_words"));
    if (*text_at(end, "tls"))
        printf("       tls   %s: %s\n", text_at(end, "tls"), text_at(end, "tls_words"));
    size_t i;
    const json_t *host;
    json_array_foreach(json_object_get(end, "hosts"), i, host)
        printf("       host  %s, %s\n", text_at(host, "host"), text_at(host, "address"));
    if (*text_at(end, "problem"))
        printf("       but   %s\n", text_at(end, "problem"));
}

static void print_answer(const json_t *json)
{
    size_t i;
    const json_t *each;
    json_array_foreach(json_object_get(json, "steps"), i, each)
        printf("%-6zu %s: %s\n", i + 1, text_at(each, "address"), text_at(each, "words"));
    printf("so     %s\n", text_at(json, "words"));
    if (*text_at(json, "note"))
        printf("but    %s\n", text_at(json, "note"));
    json_array_foreach(json_object_get(json, "ends"), i, each) print_end(each);
}

/* ---- the command ---- */

static void add_srs_key(struct job *job)
{
    struct srs_key key;
    job->key_err = secret_read(job->config->state, SECRET_SRS_NAME, key.bytes, sizeof key.bytes);
    if (!job->key_err)
        route_table_set_srs_key(job->table, &key);
}

static bool load_table(struct job *job)
{
    const char *file = job->values.value[OPT_CONFIG];
    if (!file)
        file = CLI_DEFAULT_CONFIG;
    enum err err = config_load(file, &job->arena, &job->config);
    for (size_t i = 0; i < job->config->problem_count; i++)
        fprintf(stderr, "%.*s\n", STR_FMT(config_problem_print(&job->config->problems[i])));
    if (err || config_build_routes(job->config, &job->table) != OK)
        return false;
    add_srs_key(job);
    return true;
}

/* `postmaster` alone is an address too: of the first domain. */
static bool read_address(struct job *job)
{
    struct str text = str_of(job->values.words[0]);
    if (str_eq_nocase(text, STR("postmaster"))) {
        job->address = (struct mail_address){.local = text, .domain = STR_EMPTY};
        return true;
    }
    if (mail_address_parse(&job->arena, text, MAIL_ADDRESS_UTF8, &job->address) == OK)
        return true;
    fprintf(stderr, "postrider route: \"%s\" is not an address\n", job->values.words[0]);
    return false;
}

static int run(struct job *job, int argc, char **argv)
{
    if (!cli_options_read(argc, argv, options, ARRAY_LEN(options), &job->arena, &job->values))
        return CLI_USAGE;
    if (job->values.help || job->values.word_count != 1) {
        fputs(help, job->values.help ? stdout : stderr);
        return job->values.help ? CLI_OK : CLI_USAGE;
    }
    if (!read_address(job) || !load_table(job))
        return CLI_USAGE;
    const char *resolver = job->values.value[OPT_RESOLVER];
    if (!resolver && job->config->resolver.server_count)
        resolver = net_address_print(&job->arena, &job->config->resolver.servers[0]).at;
    int status = with_loop_run("route", resolver, find_out, job);
    if (!job->json)
        return status;
    if (job->values.value[OPT_JSON]) {
        json_dumpf(job->json, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_answer(job->json);
    }
    return status;
}

int cli_route(int argc, char **argv)
{
    struct job job = {.arena = arena_make()};
    int status = run(&job, argc, argv);
    json_decref(job.json);
    route_table_free(job.table);
    arena_reset(&job.arena);
    return status;
}
