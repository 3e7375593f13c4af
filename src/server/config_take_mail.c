/* Values that only domains and routes have, and the titles of sections. */
#include "mail/idna.h"
#include "route/alias_file.h"
#include "server/config_take.h"
#include "server/config_way.h"

/* ---- Titles: the node is the section --------------------------------------------------------- */

void config_take_listener_name(struct config_reading *reading, const struct config_rule *rule,
                               const struct config_node *section, void *record)
{
    UNUSED(reading), UNUSED(rule);
    ((struct config_listener *)record)->name = section->title;
}

void config_take_also_name(struct config_reading *reading, const struct config_rule *rule,
                           const struct config_node *section, void *record)
{
    UNUSED(reading), UNUSED(rule);
    ((struct config_also *)record)->name = section->title;
}

static struct str lower(struct arena *arena, struct str text)
{
    return arena_copy(arena, mail_domain_lower(arena, text));
}

void config_take_domain_name(struct config_reading *reading, const struct config_rule *rule,
                             const struct config_node *section, void *record)
{
    UNUSED(rule);
    struct config_domain *domain = record;
    domain->name = mail_domain_canonical(reading->arena, section->title);
    if (!mail_domain_is_valid(section->title, MAIL_ADDRESS_UTF8))
        config_error(reading->problems, section->line,
                     "'%.*s' is not the name of a domain (write domain example.org { … })",
                     STR_FMT(section->title));
}

void config_take_selector(struct config_reading *reading, const struct config_rule *rule,
                          const struct config_node *section, void *record)
{
    UNUSED(rule);
    struct config_dkim *dkim = record;
    dkim->selector = lower(reading->arena, section->title);
    if (!mail_domain_is_valid(section->title, MAIL_ADDRESS_UNDERSCORE))
        config_error(reading->problems, section->line,
                     "'%.*s' is not a selector (write letters and digits: dkim s2026 { … })",
                     STR_FMT(section->title));
}

void config_take_pattern(struct config_reading *reading, const struct config_rule *rule,
                         const struct config_node *section, void *record)
{
    UNUSED(rule);
    struct config_route *route = record;
    struct str name = section->title;
    bool is_suffix = str_starts(name, STR("*."));
    if (is_suffix)
        name = str_from(name, 2);
    route->pattern = arena_printf(reading->arena, "%s%.*s", is_suffix ? "*." : "",
                                  STR_FMT(mail_domain_canonical(reading->arena, name)));
    if (!str_eq(name, STR("*")) &&
        !mail_domain_is_valid(name, MAIL_ADDRESS_UTF8 | MAIL_ADDRESS_UNDERSCORE))
        config_error(reading->problems, section->line,
                     "'%.*s' is not a pattern of domains (write \"example.net\", "
                     "\"*.example.net\" or \"*\")",
                     STR_FMT(section->title));
}

/* ---- Ways ----------------------------------------------------------------------------------- */

static bool take_way(struct config_reading *reading, const struct config_rule *rule,
                     const struct config_node *key, struct route_way *out_way)
{
    if (key->is_list) {
        config_error(reading->problems, key->line,
                     "'%s' wants one value, not a list (write %s = %s)", rule->name, rule->name,
                     rule->example);
        return false;
    }
    struct str value = key->values[0].text;
    const char *problem = config_way_parse(value, reading->arena, out_way);
    if (problem)
        config_error(reading->problems, key->line, "'%.*s' %s", STR_FMT(value), problem);
    return !problem;
}

void config_take_deliver(struct config_reading *reading, const struct config_rule *rule,
                         const struct config_node *key, void *record)
{
    struct config_domain *domain = record;
    struct route_way way;
    if (!take_way(reading, rule, key, &way))
        return;
    if (way.via == ROUTE_MX) {
        config_error(reading->problems, key->line,
                     "'mx' would send this domain's mail back here (write maildir:/PATH, "
                     "lmtp:unix:/PATH, smtp:HOST:PORT or hold)");
        return;
    }
    domain->way = way;
}

/* The rest of the way may have been read before; what was not written fits the way. */
void config_take_via(struct config_reading *reading, const struct config_rule *rule,
                     const struct config_node *key, void *record)
{
    struct config_route *route = record;
    struct route_way way;
    if (!take_way(reading, rule, key, &way))
        return;
    if (config_node_find(route->node, "tls"))
        way.tls = route->way.tls;
    way.auth_user = route->way.auth_user;
    route->way = way;
}

/* ---- Users ---------------------------------------------------------------------------------- */

static void take_user_list(struct config_reading *reading, const struct config_node *key,
                           struct config_domain *domain)
{
    domain->user_names = ARENA_ARRAY(reading->arena, struct str, key->value_count);
    for (size_t i = 0; i < key->value_count; i++) {
        const struct config_value *value = &key->values[i];
        struct str name;
        if (route_local_part_parse(reading->arena, value->text, &name) == OK)
            domain->user_names[domain->user_count++] = lower(reading->arena, name);
        else
            config_error(reading->problems, value->line,
                         "'%.*s' is not a user's name (write only what stands before the @)",
                         STR_FMT(value->text));
    }
}

/* "*", or a list of nothing else. */
static bool is_everybody(const struct config_node *key)
{
    return key->value_count == 1 && str_eq(key->values[0].text, STR("*"));
}

void config_take_users(struct config_reading *reading, const struct config_rule *rule,
                       const struct config_node *key, void *record)
{
    struct config_domain *domain = record;
    struct str value = key->is_list ? STR_EMPTY : key->values[0].text;
    domain->users = ROUTE_USERS_LISTED;
    if (is_everybody(key))
        domain->users = ROUTE_USERS_ANY;
    else if (key->is_list)
        take_user_list(reading, key, domain);
    else if (str_starts(value, STR("file:/")))
        domain->users_file = str_from(value, 5);
    else
        config_error(reading->problems, key->line,
                     "'%s' wants a list, \"file:/PATH\" or \"*\" (write %s = %s)", rule->name,
                     rule->name, rule->example);
}

void config_take_separator(struct config_reading *reading, const struct config_rule *rule,
                           const struct config_node *key, void *record)
{
    struct config_domain *domain = record;
    struct str value = key->is_list ? STR("list") : key->values[0].text;
    bool is_separator = value.len == 1 && !char_is_alnum(value.at[0]) && value.at[0] != '.' &&
                        value.at[0] != '@' && value.at[0] > ' ' && !char_is_control(value.at[0]);
    if (value.len > 0 && !is_separator)
        config_error(
            reading->problems, key->line,
            "'%s' wants one character that is no letter, digit, dot or @ (write %s = %s, or "
            "\"\" for none)",
            rule->name, rule->name, rule->example);
    else
        domain->separator = value.len ? value.at[0] : 0;
}
