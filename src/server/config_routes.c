#include "server/config_routes.h"

static enum err add_domain(const struct config_domain *domain, struct route_table *table)
{
    struct route_domain_options options = {
        .name = domain->name,
        .way = domain->way,
        .users = domain->users,
        .user_names = domain->user_names,
        .user_count = domain->user_count,
        .separator = domain->separator,
    };
    enum err err = route_table_add_domain(table, &options);
    for (size_t i = 0; i < domain->alias_count && !err; i++) {
        const struct config_alias *alias = &domain->aliases[i];
        err = alias->is_catch_all ? route_table_set_catch_all(table, domain->name, alias->targets,
                                                              alias->target_count)
                                  : route_table_add_alias(table, domain->name, alias->name,
                                                          alias->targets, alias->target_count);
    }
    return err;
}

enum err config_add_domains(const struct config *config, struct route_table *table)
{
    enum err err = OK;
    for (size_t i = 0; i < config->domain_count && !err; i++)
        err = add_domain(&config->domains[i], table);
    return err;
}

enum err config_build_routes(const struct config *config, struct route_table **out_table)
{
    struct route_table *table = route_table_new();
    enum err err = config_add_domains(config, table);
    for (size_t i = 0; i < config->route_count && !err; i++)
        err = route_table_add_route(table, config->routes[i].pattern, &config->routes[i].way);
    if (err)
        route_table_free(table);
    else
        *out_table = table;
    return err;
}
