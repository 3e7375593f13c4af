#include "route/alias_file.h"

/* ---- Names and targets ---------------------------------------------------------------------- */

enum err route_local_part_parse(struct arena *arena, struct str text, struct str *out_local)
{
    if (text.len > MAIL_LOCAL_MAX_BYTES)
        return ERR_LIMIT;
    /* The grammar of local parts lives with that of addresses: borrow it by giving a domain. */
    struct str domain = STR("@a");
    char *whole = arena_alloc(arena, text.len + domain.len);
    memcpy(whole, text.at, text.len);
    memcpy(whole + text.len, domain.at, domain.len);
    struct mail_address address;
    enum err err = mail_address_parse(arena, str_make(whole, text.len + domain.len),
                                      MAIL_ADDRESS_UTF8, &address);
    if (err)
        return err;
    *out_local = address.local;
    return OK;
}

/* What programs, files and includes begin with, bare or within quotes. */
static const struct {
    struct str prefix;
    const char *problem;
} refused[] = {
    {{"|", 1}, "would run a program, which aliases cannot (give it a mailbox and read that)"},
    {{"/", 1}, "would write to a file, which aliases cannot (name a user or an address)"},
    {{":include:", 9}, "would include a file, which aliases cannot (list the addresses here)"},
};

static const char *refusal_of(struct str target)
{
    struct str inner = str_starts(target, STR("\"")) ? str_from(target, 1) : target;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (str_starts_nocase(inner, refused[i].prefix))
            return refused[i].problem;
    return NULL;
}

bool route_alias_target_parse(struct arena *arena, struct str text, struct mail_address *out_target,
                              const char **out_problem)
{
    struct mail_address target = {.domain = STR_EMPTY};
    const char *problem = refusal_of(text);
    if (!problem && mail_address_parse(arena, text, MAIL_ADDRESS_UTF8, &target) != OK &&
        route_local_part_parse(arena, text, &target.local) != OK)
        problem = "is not an address (write a user's name, or user@domain)";
    if (problem) {
        *out_problem = problem;
        return false;
    }
    *out_target = target;
    return true;
}

/* ---- Lines ---------------------------------------------------------------------------------- */

struct route_alias_reader route_alias_reader_make(struct str text)
{
    return (struct route_alias_reader){.rest = text, .line = 1};
}

static struct str first_line(struct str text)
{
    return str_first(text, min_size(str_find(text, '\n'), text.len));
}

static struct str take_line(struct route_alias_reader *reader)
{
    struct str line = first_line(reader->rest);
    reader->rest = str_from(reader->rest, line.len + 1);
    reader->line++;
    return line;
}

static struct str without_comment(struct str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.at[i] == '#' && (i == 0 || char_is_wsp(line.at[i - 1])))
            return str_first(line, i);
    return line;
}

static bool is_blank(struct str line) { return str_trim(without_comment(line)).len == 0; }

static void skip_blank_lines(struct route_alias_reader *reader)
{
    while (reader->rest.len && is_blank(first_line(reader->rest)))
        take_line(reader);
}

/* The extent of a line with its continuations; blank lines and comments in between do not end it.
 */
static struct str take_logical_line(struct route_alias_reader *reader)
{
    struct str start = reader->rest;
    do {
        take_line(reader);
        skip_blank_lines(reader);
    } while (reader->rest.len && char_is_wsp(reader->rest.at[0]));
    return str_first(start, start.len - reader->rest.len);
}

/* The same as one line, without comments. */
static struct str join(struct arena *arena, struct str lines)
{
    char *joined = arena_alloc(arena, lines.len);
    size_t len = 0;
    struct route_alias_reader reader = route_alias_reader_make(lines);
    while (reader.rest.len) {
        struct str line = without_comment(take_line(&reader));
        if (line.len)
            memcpy(joined + len, line.at, line.len);
        len += line.len;
    }
    return str_trim(str_make(joined, len));
}

/* The position of `c` outside quoted strings, or the end. */
static size_t find_unquoted(struct str text, char c)
{
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        if (quoted && text.at[i] == '\\')
            i++;
        else if (text.at[i] == '"')
            quoted = !quoted;
        else if (!quoted && text.at[i] == c)
            return i;
    }
    return text.len;
}

static size_t count_targets(struct str targets)
{
    size_t count = 1;
    for (size_t at; (at = find_unquoted(targets, ',')) < targets.len; count++)
        targets = str_from(targets, at + 1);
    return count;
}

static void fail(struct route_alias_entry *entry, struct str culprit, const char *problem)
{
    entry->culprit = culprit;
    entry->problem = problem;
}

static void read_targets(struct arena *arena, struct str text, struct route_alias_entry *entry)
{
    if (text.len == 0) {
        fail(entry, entry->name, "leads nowhere (write an address behind the colon)");
        return;
    }
    entry->targets = ARENA_ARRAY(arena, struct str, count_targets(text));
    /* One comma at the end is no mistake. */
    while (text.len && !entry->problem) {
        size_t comma = find_unquoted(text, ',');
        struct str target = str_trim(str_first(text, comma));
        struct mail_address parsed;
        const char *problem;
        if (!route_alias_target_parse(arena, target, &parsed, &problem))
            fail(entry, target, problem);
        entry->targets[entry->target_count++] = target;
        text = str_trim(str_from(text, comma + 1));
    }
}

static void read_entry(struct arena *arena, struct str line, struct route_alias_entry *entry)
{
    size_t colon = find_unquoted(line, ':');
    struct str name = str_trim(str_first(line, colon));
    const char *refusal = refusal_of(line);
    entry->is_catch_all = str_eq(name, STR("*"));
    if (refusal)
        fail(entry, line, refusal);
    else if (colon == line.len)
        fail(entry, line, "is not an alias (write name: address, address)");
    else if (route_local_part_parse(arena, name, &entry->name) != OK)
        fail(entry, name, "is not a name of this domain (write only what stands before the @)");
    else
        read_targets(arena, str_trim(str_from(line, colon + 1)), entry);
}

bool route_alias_read(struct route_alias_reader *reader, struct arena *arena,
                      struct route_alias_entry *out_entry)
{
    skip_blank_lines(reader);
    if (reader->rest.len == 0)
        return false;
    struct route_alias_entry entry = {.line = reader->line, .name = STR_EMPTY};
    read_entry(arena, join(arena, take_logical_line(reader)), &entry);
    *out_entry = entry;
    return true;
}
