#include "cli/sendmail_options.h"

#include "base/str.h"

#include <stdio.h>

/* ---- what the letters mean ---- */

typedef bool take_option(struct sendmail_options *options, const char *value);

static bool complain(const char *what, const char *value)
{
    fprintf(stderr, "sendmail: %s%s\n", what, value);
    return false;
}

static bool ignore(struct sendmail_options *options, const char *value)
{
    UNUSED(options);
    UNUSED(value);
    return true;
}

static bool take_mode(struct sendmail_options *options, const char *value)
{
    static const struct {
        const char *value;
        enum sendmail_mode mode;
    } modes[] = {
        {"m", SENDMAIL_DELIVER},
        {"s", SENDMAIL_SMTP},
        {"p", SENDMAIL_LIST},
        {"i", SENDMAIL_ALIASES},
    };
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (strcmp(value, modes[i].value) == 0) {
            options->mode = modes[i].mode;
            return true;
        }
    if (strcmp(value, "d") == 0 || strcmp(value, "D") == 0)
        return complain("the server is started with \"postrider serve\", not with -b", value);
    if (strcmp(value, "v") == 0)
        return complain("to see where an address leads: postrider route ADDRESS, not -b", value);
    return complain("there is no mode -b", value);
}

static bool take_queue(struct sendmail_options *options, const char *value)
{
    options->mode = SENDMAIL_RUN_QUEUE;
    if (*value == 'I' && value[1])
        options->queue_id = value + 1;
    else if (*value && strcmp(value, "f") != 0)
        return complain("the server runs its queue by itself (see postrider queue), not by -q",
                        value);
    return true;
}

static bool take_setting(struct sendmail_options *options, const char *value)
{
    if (strcmp(value, "i") == 0)
        options->ignores_dots = true;
    return true; /* -odi, -oem and their like: there is one way to queue and to complain */
}

static bool take_notify(struct sendmail_options *options, const char *value)
{
    static const struct {
        const char *word;
        uint8_t bit;
    } words[] = {
        {"never", SPOOL_NOTIFY_NEVER},
        {"success", SPOOL_NOTIFY_SUCCESS},
        {"failure", SPOOL_NOTIFY_FAILURE},
        {"delay", SPOOL_NOTIFY_DELAY},
    };
    struct str rest = str_of(value), word;
    bool has_more = true;
    options->notify = 0;
    while (has_more) {
        has_more = str_cut(rest, ',', &word, &rest);
        word = str_trim(has_more ? word : rest);
        uint8_t bit = 0;
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
            if (str_eq_nocase(word, str_of(words[i].word)))
                bit = words[i].bit;
        if (!bit)
            return complain("-N is never, or some of success,failure,delay, not ", value);
        options->notify |= bit;
    }
    if ((options->notify & SPOOL_NOTIFY_NEVER) && options->notify != SPOOL_NOTIFY_NEVER)
        return complain("-N never stands alone, not as ", value);
    return true;
}

static bool take_returns(struct sendmail_options *options, const char *value)
{
    if (str_eq_nocase(str_of(value), STR("full")))
        options->returns = SPOOL_RETURN_FULL;
    else if (str_eq_nocase(str_of(value), STR("hdrs")))
        options->returns = SPOOL_RETURN_HEADERS;
    else
        return complain("-R is full or hdrs, not ", value);
    return true;
}

static bool take_body(struct sendmail_options *options, const char *value)
{
    UNUSED(options); /* what the message holds is seen in it */
    bool is_known =
        str_eq_nocase(str_of(value), STR("8BITMIME")) || str_eq_nocase(str_of(value), STR("7BIT"));
    return is_known || complain("-B is 8BITMIME or 7BIT, not ", value);
}

enum takes {
    NOTHING,
    A_VALUE,  /* the rest of the word, or the next one */
    THE_REST, /* of the word, which may be empty */
};

#define FIELD(name) offsetof(struct sendmail_options, name)

static const struct letter {
    char letter;
    enum takes takes;
    take_option *take; /* NULL: a flag or a text at `field` */
    size_t field;
} letters[] = {
    {'t', NOTHING, NULL, FIELD(takes_header)},
    {'i', NOTHING, NULL, FIELD(ignores_dots)},
    {'v', NOTHING, NULL, FIELD(is_verbose)},
    {'f', A_VALUE, NULL, FIELD(sender)},
    {'r', A_VALUE, NULL, FIELD(sender)},
    {'F', A_VALUE, NULL, FIELD(full_name)},
    {'V', A_VALUE, NULL, FIELD(envelope_id)},
    {'C', A_VALUE, NULL, FIELD(config_file)},
    {'c', A_VALUE, NULL, FIELD(config_file)},
    {'b', A_VALUE, take_mode, 0},
    {'q', THE_REST, take_queue, 0},
    {'N', A_VALUE, take_notify, 0},
    {'R', A_VALUE, take_returns, 0},
    {'B', A_VALUE, take_body, 0},
    {'o', A_VALUE, take_setting, 0},
    /* Of other servers, and without a meaning here. */
    {'O', A_VALUE, ignore, 0},
    {'A', A_VALUE, ignore, 0},
    {'h', A_VALUE, ignore, 0},
    {'L', A_VALUE, ignore, 0},
    {'p', A_VALUE, ignore, 0},
    {'X', A_VALUE, ignore, 0},
    {'d', THE_REST, ignore, 0},
    {'e', THE_REST, ignore, 0},
    {'G', NOTHING, ignore, 0},
    {'m', NOTHING, ignore, 0},
    {'n', NOTHING, ignore, 0},
    {'s', NOTHING, ignore, 0},
    {'U', NOTHING, ignore, 0},
};

/* ---- reading ---- */

struct reading {
    int argc;
    char **argv;
    int at;
    struct sendmail_options options;
};

static const struct letter *find_letter(char c)
{
    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        if (letters[i].letter == c)
            return &letters[i];
    return NULL;
}

/* NULL: there is none. */
static const char *next_word(struct reading *reading)
{
    return reading->at + 1 < reading->argc ? reading->argv[++reading->at] : NULL;
}

static bool take_letter(struct sendmail_options *options, const struct letter *letter,
                        const char *value)
{
    void *field = (char *)options + letter->field;
    if (letter->take)
        return letter->take(options, value);
    if (letter->takes == NOTHING)
        *(bool *)field = true;
    else
        *(const char **)field = value;
    return true;
}

/* The letters of one word; one that takes a value takes the rest of them. */
static bool read_letters(struct reading *reading, const char *text)
{
    for (; *text; text++) {
        const struct letter *letter = find_letter(*text);
        const char given[] = {'-', *text, '\0'};
        if (!letter)
            return complain("there is no option ", given);
        const char *value = text + 1;
        if (letter->takes == A_VALUE && !*value)
            value = next_word(reading);
        if (!value)
            return complain("a value is missing behind ", given);
        if (!take_letter(&reading->options, letter, value))
            return false;
        if (letter->takes != NOTHING)
            break;
    }
    return true;
}

static bool read_long(struct reading *reading, const char *word)
{
    bool is_config = strcmp(word, "--config") == 0, is_dir = strcmp(word, "--dir") == 0;
    if (strcmp(word, "--help") == 0) {
        reading->options.mode = SENDMAIL_HELP;
        return true;
    }
    if (!is_config && !is_dir)
        return complain("there is no option ", word);
    const char *value = next_word(reading);
    if (!value)
        return complain("a value is missing behind ", word);
    *(is_config ? &reading->options.config_file : &reading->options.directory) = value;
    return true;
}

bool sendmail_options_read(const char *name, int argc, char **argv,
                           struct sendmail_options *out_options)
{
    struct reading reading = {.argc = argc, .argv = argv, .at = 1};
    if (strcmp(name, "mailq") == 0)
        reading.options.mode = SENDMAIL_LIST;
    else if (strcmp(name, "newaliases") == 0)
        reading.options.mode = SENDMAIL_ALIASES;
    for (; reading.at < argc; reading.at++) {
        const char *word = argv[reading.at];
        if (strcmp(word, "--") == 0) {
            reading.at++;
            break;
        }
        if (word[0] != '-' || !word[1])
            break;
        bool ok = word[1] == '-' ? read_long(&reading, word) : read_letters(&reading, word + 1);
        if (!ok)
            return false;
    }
    *out_options = reading.options;
    int words = argc > reading.at ? argc - reading.at : 0;
    out_options->word_count = (size_t)words;
    out_options->words = argv + (argc - words);
    return true;
}
