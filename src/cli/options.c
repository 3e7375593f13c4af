#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

/* ---- the nearest name, for those who mistype ---- */

static size_t distance(struct str a, struct str b)
{
    size_t row[64];
    if (b.len >= ARRAY_LEN(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t change = diagonal + (a.at[i] != b.at[j]);
            diagonal = row[j + 1];
            row[j + 1] = min_size(change, min_size(row[j], row[j + 1]) + 1);
        }
    }
    return row[b.len];
}

static void complain_unknown(const char *command, struct str given,
                             const struct cli_option *options, size_t option_count)
{
    const char *nearest = NULL;
    size_t best = 4;
    for (size_t i = 0; i < option_count; i++) {
        size_t d = distance(given, str_of(options[i].name));
        if (d < best) {
            best = d;
            nearest = options[i].name;
        }
    }
    fprintf(stderr, "postrider %s: there is no option %.*s", command, STR_FMT(given));
    if (nearest)
        fprintf(stderr, "; did you mean %s?", nearest);
    fprintf(stderr, " (see postrider %s --help)\n", command);
}

/* ---- reading ---- */

static size_t find(struct str name, const struct cli_option *options, size_t option_count)
{
    for (size_t i = 0; i < option_count; i++)
        if (str_eq(name, str_of(options[i].name)) ||
            (options[i].letter && str_eq(name, str_of(options[i].letter))))
            return i;
    return SIZE_MAX;
}

static bool is_option(const char *word) { return word[0] == '-' && word[1] != '\0'; }

struct reading {
    int argc;
    char **argv;
    const struct cli_option *options;
    size_t option_count;
    struct cli_values *values;
    int at;
};

static bool read_option(struct reading *reading)
{
    struct str word = str_of(reading->argv[reading->at]), name = word, attached;
    bool has_attached = str_starts(word, STR("--")) && str_cut(word, '=', &name, &attached);
    size_t found = find(name, reading->options, reading->option_count);
    if (found == SIZE_MAX) {
        complain_unknown(reading->argv[0], name, reading->options, reading->option_count);
        return false;
    }
    const struct cli_option *option = &reading->options[found];
    if (option->is_flag && has_attached) {
        fprintf(stderr, "postrider %s: %s takes no value\n", reading->argv[0], option->name);
        return false;
    }
    const char *value = "";
    if (has_attached)
        value = attached.at;
    else if (!option->is_flag) {
        if (reading->at + 1 >= reading->argc) {
            fprintf(stderr, "postrider %s: %s needs a value\n", reading->argv[0], option->name);
            return false;
        }
        value = reading->argv[++reading->at];
    }
    struct cli_values *values = reading->values;
    if (values->value[found] && !option->repeats && !option->is_flag) {
        fprintf(stderr, "postrider %s: %s is given twice\n", reading->argv[0], option->name);
        return false;
    }
    values->value[found] = value;
    values->all[found].at[values->all[found].count++] = value;
    return true;
}

bool cli_options_read(int argc, char **argv, const struct cli_option *options, size_t option_count,
                      struct arena *arena, struct cli_values *out_values)
{
    assert(option_count <= CLI_OPTIONS_MAX);
    struct cli_values values = {.words = ARENA_ARRAY(arena, const char *, (size_t)argc)};
    for (size_t i = 0; i < option_count; i++)
        values.all[i].at = ARENA_ARRAY(arena, const char *, (size_t)argc);
    struct reading reading = {argc, argv, options, option_count, &values, 1};
    bool only_words = false;
    for (; reading.at < argc; reading.at++) {
        const char *word = argv[reading.at];
        if (!only_words && strcmp(word, "--") == 0)
            only_words = true;
        else if (!only_words && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0))
            values.help = true;
        else if (!only_words && is_option(word)) {
            if (!read_option(&reading))
                return false;
        } else {
            values.words[values.word_count++] = word;
        }
    }
    *out_values = values;
    return true;
}

bool cli_parse_duration(struct str text, uint64_t *out_seconds)
{
    static const struct {
        char letter;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    uint64_t factor = 1, count;
    for (size_t i = 0; i < ARRAY_LEN(units) && text.len; i++)
        if (text.at[text.len - 1] == units[i].letter) {
            factor = units[i].seconds;
            text.len--;
            break;
        }
    if (!str_to_u64(text, UINT32_MAX / factor, &count))
        return false;
    *out_seconds = count * factor;
    return true;
}
