#include "server/config_fill.h"

#include "base/map.h"
#include "mail/idna.h"
#include "server/config_nearest.h"

/* One section while it is walked. */
struct filling {
    struct config_reading *reading;
    const struct config_section_rule *rule;
    const struct config_node *node;
    void *record;
};

static void fill_section(struct config_reading *reading, const struct config_section_rule *rule,
                         const struct config_node *node, void *record);

/* ---- Where one stands, in words -------------------------------------------------------------- */

static const char *place_of(const struct filling *filling)
{
    return filling->rule->parent ? filling->rule->name : NULL;
}

/* " in 'listener'", or nothing at the top. */
static struct str in_place(const struct filling *filling)
{
    const char *place = place_of(filling);
    return place ? arena_printf(filling->reading->arena, " in '%s'", place) : STR_EMPTY;
}

/* ---- What is unknown ------------------------------------------------------------------------- */

/* The section of the whole table that knows such a key, when it is one only. */
static const struct config_section_rule *home_of(struct str key)
{
    const struct config_section_rule *home = NULL;
    for (size_t i = 0; i < config_section_count; i++)
        if (config_rule_find(&config_sections[i], key)) {
            if (home)
                return NULL;
            home = &config_sections[i];
        }
    return home;
}

static struct str known_keys(const struct filling *filling)
{
    struct str keys = STR_EMPTY;
    for (size_t i = 0; i < filling->rule->rule_count; i++)
        keys = arena_printf(filling->reading->arena, "%.*s%s%s", STR_FMT(keys), i ? ", " : "",
                            filling->rule->rules[i].name);
    return keys;
}

/* What to do about an unknown key. */
static struct str advice_for_key(const struct filling *filling, struct str key)
{
    struct arena *arena = filling->reading->arena;
    struct config_nearest nearest = config_nearest_make(key);
    for (size_t i = 0; i < filling->rule->rule_count; i++)
        config_nearest_show(&nearest, filling->rule->rules[i].name);
    const struct config_section_rule *home = home_of(key);
    if (home)
        return home->parent ? arena_printf(arena, "it belongs into '%s'", home->name)
                            : STR("it belongs outside of all sections");
    if (nearest.name)
        return arena_printf(arena, "did you mean '%s'?", nearest.name);
    return arena_printf(arena, "there are: %.*s", STR_FMT(known_keys(filling)));
}

static void report_unknown_key(const struct filling *filling, const struct config_node *node)
{
    struct config_problems *problems = filling->reading->problems;
    const struct config_section_rule *section =
        config_section_find(filling->rule->name, node->name);
    if (section) {
        config_error(problems, node->line, "'%.*s' is a section (write %.*s%s%s { … } without '=')",
                     STR_FMT(node->name), STR_FMT(node->name), section->title ? " " : "",
                     section->title ? section->title : "");
        return;
    }
    config_error(problems, node->line, "unknown key '%.*s'%.*s (%.*s)", STR_FMT(node->name),
                 STR_FMT(in_place(filling)), STR_FMT(advice_for_key(filling, node->name)));
}

/* A section that may stand elsewhere is mostly one behind a section that was not closed. */
static bool exists_elsewhere(struct str name)
{
    for (size_t i = 0; i < config_section_count; i++)
        if (config_sections[i].parent && str_eq(name, str_of(config_sections[i].name)))
            return true;
    return false;
}

static struct str advice_for_section(const struct filling *filling, struct str name)
{
    struct arena *arena = filling->reading->arena;
    struct config_nearest nearest = config_nearest_make(name);
    for (size_t i = 0; i < config_section_count; i++)
        if (config_sections[i].parent &&
            strcmp(config_sections[i].parent, filling->rule->name) == 0)
            config_nearest_show(&nearest, config_sections[i].name);
    if (exists_elsewhere(name))
        return place_of(filling) ? STR("is a } missing before it?")
                                 : STR("it belongs into another section");
    if (nearest.name)
        return arena_printf(arena, "did you mean '%s'?", nearest.name);
    return STR("see docs/configuration.md for those that exist");
}

static void report_unknown_section(const struct filling *filling, const struct config_node *node)
{
    struct config_problems *problems = filling->reading->problems;
    const struct config_rule *key = config_rule_find(filling->rule, node->name);
    if (key)
        config_error(problems, node->line, "'%s' is a key (write %s = %s)", key->name, key->name,
                     key->example);
    else
        config_error(problems, node->line, "unknown section '%.*s'%.*s (%.*s)", STR_FMT(node->name),
                     STR_FMT(in_place(filling)), STR_FMT(advice_for_section(filling, node->name)));
}

/* ---- Keys ----------------------------------------------------------------------------------- */

/* A default is read like what is written, so that there is one way to write a value. */
static void take_initial(struct config_reading *reading, const struct config_rule *rule,
                         void *record)
{
    struct config_value value = {.text = str_of(rule->initial)};
    struct config_node node = {
        .name = str_of(rule->name), .values = &value, .value_count = 1, .title = STR_EMPTY};
    size_t errors = reading->problems->error_count;
    rule->take(reading, rule, &node, record);
    assert(reading->problems->error_count == errors);
}

/* `first`: where the key was written before, NULL when it was not. */
static void fill_key(const struct filling *filling, const struct config_rule *rule,
                     const struct config_node *node, const struct config_node *first)
{
    struct config_problems *problems = filling->reading->problems;
    if (first) {
        config_error(problems, node->line, "'%s' is there twice (first in line %u; delete one)",
                     rule->name, first->line);
        return;
    }
    if (node->is_broken)
        return;
    rule->take(filling->reading, rule, node, filling->record);
}

static void fill_keys(const struct filling *filling)
{
    const struct config_section_rule *section = filling->rule;
    const struct config_node **written =
        ARENA_ARRAY(filling->reading->arena, const struct config_node *, section->rule_count + 1);
    for (size_t i = 0; i < section->rule_count; i++)
        if (section->rules[i].initial)
            take_initial(filling->reading, &section->rules[i], filling->record);

    for (const struct config_node *node = filling->node->children; node; node = node->next) {
        if (node->is_section)
            continue;
        const struct config_rule *rule = config_rule_find(section, node->name);
        if (!rule) {
            report_unknown_key(filling, node);
            continue;
        }
        size_t place = (size_t)(rule - section->rules);
        fill_key(filling, rule, node, written[place]);
        if (!written[place])
            written[place] = node;
    }
    for (size_t i = 0; i < section->rule_count; i++)
        if (section->rules[i].is_required && !written[i])
            config_error(filling->reading->problems, filling->node->line,
                         "'%s' is missing%.*s (write %s = %s)", section->rules[i].name,
                         STR_FMT(in_place(filling)), section->rules[i].name,
                         section->rules[i].example);
}

/* ---- Sections ------------------------------------------------------------------------------- */

static bool check_title(const struct filling *filling, const struct config_section_rule *rule,
                        const struct config_node *node)
{
    struct config_problems *problems = filling->reading->problems;
    if (!rule->title && node->has_title)
        config_error(problems, node->line, "'%s' takes no name (write %s { … })", rule->name,
                     rule->name);
    if (rule->title && node->title.len == 0)
        config_error(problems, node->line, "'%s' needs a name (write %s %s { … })", rule->name,
                     rule->name, rule->title);
    return rule->title ? node->title.len > 0 : !node->has_title;
}

/* False, and said so, when a section of that name, and title in any case, was there before. */
static bool is_first(const struct filling *filling, struct map *seen,
                     const struct config_node *node)
{
    struct arena *arena = filling->reading->arena;
    struct str title = mail_domain_canonical(arena, node->title);
    struct str key = arena_printf(arena, "%.*s %.*s", STR_FMT(node->name), STR_FMT(title));
    const struct config_node *first = map_get(seen, key);
    if (!first) {
        map_set(seen, key, (void *)(uintptr_t)node);
        return true;
    }
    config_error(filling->reading->problems, node->line,
                 "the section '%.*s%s%.*s' is there twice (first in line %u; join them)",
                 STR_FMT(node->name), node->title.len ? " " : "", STR_FMT(node->title),
                 first->line);
    return false;
}

/* The next free record of those that repeat. */
static void *next_record(const struct filling *filling, const struct config_section_rule *rule)
{
    char *around = filling->record;
    char **records = (char **)(void *)(around + rule->records_at);
    size_t *count = (size_t *)(void *)(around + rule->record_count_at);
    if (!*records) {
        size_t max = 0;
        for (const struct config_node *node = filling->node->children; node; node = node->next)
            max += str_eq(node->name, str_of(rule->name));
        *records = arena_zalloc(filling->reading->arena, max * rule->record_size);
    }
    return *records + (*count)++ * rule->record_size;
}

/* Goes as deep as the table does. NOLINTBEGIN(misc-no-recursion) */
static void fill_child(const struct filling *filling, const struct config_section_rule *rule,
                       const struct config_node *node)
{
    void *record = filling->record;
    if (rule->repeats) {
        record = next_record(filling, rule);
        memcpy((char *)record + rule->node_at, &node, sizeof(const struct config_node *));
    }
    if (rule->take_title)
        rule->take_title(filling->reading, NULL, node, record);
    fill_section(filling->reading, rule, node, record);
}

static void fill_sections(const struct filling *filling)
{
    struct map seen = map_make();
    for (const struct config_node *node = filling->node->children; node; node = node->next) {
        if (!node->is_section)
            continue;
        const struct config_section_rule *rule =
            config_section_find(filling->rule->name, node->name);
        if (!rule)
            report_unknown_section(filling, node);
        else if (check_title(filling, rule, node) && is_first(filling, &seen, node))
            fill_child(filling, rule, node);
    }
    map_done(&seen);
}

/* Sections that are there once and not written have their defaults all the same. */
static void fill_absent(const struct filling *filling)
{
    for (size_t i = 0; i < config_section_count; i++) {
        const struct config_section_rule *rule = &config_sections[i];
        if (!rule->parent || strcmp(rule->parent, filling->rule->name) != 0 || rule->repeats)
            continue;
        for (size_t j = 0; j < rule->rule_count; j++)
            if (rule->rules[j].initial)
                take_initial(filling->reading, &rule->rules[j], filling->record);
    }
}

static void fill_section(struct config_reading *reading, const struct config_section_rule *rule,
                         const struct config_node *node, void *record)
{
    struct filling filling = {.reading = reading, .rule = rule, .node = node, .record = record};
    fill_absent(&filling);
    fill_keys(&filling);
    fill_sections(&filling);
}

/* NOLINTEND(misc-no-recursion) */

void config_fill(struct config_reading *reading, const struct config_node *root,
                 struct config *config)
{
    config->node = root;
    fill_section(reading, &config_sections[0], root, config);
}
