/* `postrider trace`: the story of one message. */
#include "cli/cli.h"
#include "cli/running.h"

#include <stdio.h>

static const char help[] =
    "usage: postrider trace ID [--full] [--recipient ADDRESS] [--json] [-c FILE | --dir DIR]\n"
    "\n"
    "Tells everything that ever happened to a message, in order of time: who brought it, what\n"
    "both servers said on the way in and at every delivery attempt, why it waits, how it ended.\n"
    "The ID is the one in \"250 2.0.0 Ok: queued as ID\". What repeats itself is told once.\n"
    "\n"
    "  --full               leaves nothing out\n"
    "  --recipient ADDRESS  of the attempts only those that had this recipient\n"
    "  --json               all events, for programs\n";

enum { OPT_CONFIG, OPT_DIR, OPT_JSON, OPT_FULL, OPT_RECIPIENT };

static const struct cli_option options[] = {
    [OPT_CONFIG] = {"--config", "-c", false, false},
    [OPT_DIR] = {"--dir", NULL, false, false},
    [OPT_JSON] = {"--json", NULL, true, false},
    [OPT_FULL] = {"--full", NULL, true, false},
    [OPT_RECIPIENT] = {"--recipient", NULL, false, false},
};

static json_t *request_of(const struct cli_values *values)
{
    const char *recipient = values->value[OPT_RECIPIENT];
    return json_pack("{s:s, s:s, s:b, s:s}", "command", "trace", "id", values->words[0], "full",
                     values->value[OPT_FULL] != NULL, "recipient", recipient ? recipient : "");
}

static int tell(struct str state, json_t *request, bool as_json)
{
    int status;
    json_t *answer = running_ask("trace", state, request, &status);
    if (!answer)
        return status;
    if (as_json) {
        json_object_del(answer, "story");
        json_dumpf(answer, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        fputs(json_string_value(json_object_get(answer, "story")), stdout);
    }
    json_decref(answer);
    return status;
}

static int run(int argc, char **argv, struct arena *arena)
{
    struct cli_values values;
    struct str state;
    if (!cli_options_read(argc, argv, options, ARRAY_LEN(options), arena, &values))
        return CLI_USAGE;
    if (values.help || values.word_count != 1) {
        fputs(help, values.help ? stdout : stderr);
        return values.help ? CLI_OK : CLI_USAGE;
    }
    if (!running_find("trace", values.value[OPT_CONFIG], values.value[OPT_DIR], arena, &state))
        return CLI_USAGE;
    return tell(state, request_of(&values), values.value[OPT_JSON] != NULL);
}

int cli_trace(int argc, char **argv)
{
    struct arena arena = arena_make();
    int status = run(argc, argv, &arena);
    arena_reset(&arena);
    return status;
}
