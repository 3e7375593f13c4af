#include "server/config_check_aliases.h"

#include "route/alias_file.h"
#include "route/explain.h"
#include "server/config_routes.h"

struct checking {
    struct config_reading *reading;
    const struct config_domain *domain;
    const struct route_table *table;
};

static enum route_answer ask(const struct checking *checking, const struct mail_address *address)
{
    struct arena arena = arena_make();
    struct route_targets targets;
    enum route_answer answer = route_recipient(checking->table, address, 0, &arena, &targets);
    arena_reset(&arena);
    return answer;
}

/* Whether there is nobody of that name: it may be that the catch-all takes it, whose own targets
 * are then not worth much. */
static bool is_lost(const struct checking *checking, const struct config_alias *alias,
                    const struct mail_address *target)
{
    struct arena arena = arena_make();
    struct route_targets targets;
    struct route_steps steps;
    enum route_answer answer =
        route_recipient_explain(checking->table, target, 0, &arena, &targets, &steps);
    bool is_caught = steps.count && steps.at[0].meaning == ROUTE_MEANS_ALIAS &&
                     steps.at[0].rule == ROUTE_BY_CATCH_ALL &&
                     str_eq_nocase(target->domain, checking->domain->name);
    arena_reset(&arena);
    return answer == ROUTE_NO_SUCH_USER || (alias->is_catch_all && is_caught);
}

static void check_target(const struct checking *checking, const struct config_alias *alias,
                         struct str text)
{
    struct config_reading *reading = checking->reading;
    struct mail_address target;
    const char *problem;
    if (!route_alias_target_parse(reading->arena, text, &target, &problem))
        return; /* was told */
    if (target.domain.len == 0)
        target.domain = checking->domain->name;
    if (is_lost(checking, alias, &target))
        config_error_in(reading->problems, checking->domain->aliases_file, alias->line,
                        "'%.*s' leads to '%.*s', and %.*s has no such user (list it in users, or "
                        "delete it here)",
                        STR_FMT(alias->name), STR_FMT(text), STR_FMT(target.domain));
}

static void check_alias(const struct checking *checking, const struct config_alias *alias)
{
    struct mail_address address = {.local = alias->name, .domain = checking->domain->name};
    if (!alias->is_catch_all && ask(checking, &address) == ROUTE_LOOP)
        config_error_in(checking->reading->problems, checking->domain->aliases_file, alias->line,
                        "'%.*s' leads back to itself or to more than 1,000 addresses (correct its "
                        "targets)",
                        STR_FMT(alias->name));
    for (size_t i = 0; i < alias->target_count; i++)
        check_target(checking, alias, alias->targets[i]);
}

/* ---- Whether it is worth asking ----------------------------------------------------------------
 */

static bool is_within(const struct config_node *section, uint32_t line)
{
    return line >= section->line && (!section->next || line < section->next->line);
}

/* Whether the problem may hide users or aliases: it lies in a domain's section or files. */
static bool concerns_domains(const struct config *config, struct str main_file,
                             const struct config_problem *problem)
{
    if (problem->severity == CONFIG_WARNING)
        return false;
    if (!str_eq(problem->file, main_file))
        return !str_eq(problem->file, config->accounts.file);
    for (size_t i = 0; i < config->domain_count; i++)
        if (is_within(config->domains[i].node, problem->line))
            return true;
    return false;
}

static bool domains_are_sound(const struct config *config, const struct config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        if (concerns_domains(config, problems->file, &problems->items[i]))
            return false;
    return true;
}

void config_check_aliases(struct config_reading *reading, const struct config *config)
{
    if (!domains_are_sound(config, reading->problems))
        return;
    struct route_table *table = route_table_new();
    enum err err = config_add_domains(config, table);
    for (size_t i = 0; i < config->domain_count && !err; i++) {
        struct checking checking = {
            .reading = reading, .domain = &config->domains[i], .table = table};
        for (size_t j = 0; j < config->domains[i].alias_count; j++)
            check_alias(&checking, &config->domains[i].aliases[j]);
    }
    route_table_free(table);
}
