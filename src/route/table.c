#include "route/table.h"

#include "base/mem.h"
#include "mail/idna.h"
#include "route/alias_file.h"
#include "route/explain.h"

static const struct route_way built_in = {
    .via = ROUTE_MX, .name = {"mx", 2}, .host = {"", 0}, .tls = ROUTE_TLS_MAY};

/* What a name's entry points to where only its presence counts. */
static char present;

/* ---- Names ---------------------------------------------------------------------------------- */

struct str route_key_make(struct route_key *key, struct str name)
{
    if (name.len > sizeof key->bytes)
        return STR_EMPTY;
    for (size_t i = 0; i < name.len; i++)
        key->bytes[i] = char_lower(name.at[i]);
    return str_make(key->bytes, name.len);
}

struct str route_domain_key_make(struct route_key *key, struct str domain)
{
    struct str ascii;
    static_assert(sizeof key->bytes >= MAIL_DOMAIN_MAX_BYTES, "every domain fits");
    return mail_domain_write_ascii(domain, key->bytes, &ascii) ? STR_EMPTY : ascii;
}

const struct route_domain *route_table_domain(const struct route_table *table, struct str name)
{
    struct route_key key;
    return map_get(&table->domains, route_domain_key_make(&key, name));
}

struct str route_home_domain(const struct route_table *table)
{
    return table->first_domain ? table->first_domain->name : STR_EMPTY;
}

bool route_is_local_domain(const struct route_table *table, struct str domain)
{
    return route_table_domain(table, domain) != NULL;
}

struct str route_without_detail(struct str local, char separator)
{
    size_t at = separator ? str_find(str_from(local, 1), separator) : SIZE_MAX;
    return at == SIZE_MAX ? local : str_first(local, at + 1);
}

/* ---- Building ------------------------------------------------------------------------------- */

struct route_table *route_table_new(void)
{
    struct route_table *table = NEW(struct route_table);
    table->rest = &built_in;
    return table;
}

void route_table_free(struct route_table *table)
{
    if (!table)
        return;
    size_t position = 0;
    const struct map_entry *entry;
    while ((entry = map_next(&table->domains, &position))) {
        struct route_domain *domain = entry->value;
        map_done(&domain->user_names);
        map_done(&domain->aliases);
    }
    map_done(&table->domains);
    map_done(&table->exact);
    map_done(&table->suffixes);
    arena_reset(&table->arena);
    mem_free(table);
}

static struct route_way way_copy(struct arena *arena, const struct route_way *way)
{
    struct route_way copy = *way;
    copy.name = arena_copy(arena, way->name);
    copy.host = arena_copy(arena, way->host);
    copy.auth_user = arena_copy(arena, way->auth_user);
    copy.auth_password = arena_copy(arena, way->auth_password);
    copy.maildir = arena_copy(arena, way->maildir);
    return copy;
}

enum err route_table_add_domain(struct route_table *table,
                                const struct route_domain_options *options)
{
    if (options->name.len == 0 || options->name.len > MAIL_DOMAIN_MAX_BYTES)
        return ERR_SYNTAX;
    if (route_is_local_domain(table, options->name))
        return ERR_EXISTS;

    struct route_domain *domain = ARENA_NEW(&table->arena, struct route_domain);
    domain->name = mail_domain_canonical(&table->arena, options->name);
    domain->users = options->users;
    domain->separator = options->separator;
    for (size_t i = 0; i < options->user_count; i++)
        map_set(&domain->user_names, mail_domain_lower(&table->arena, options->user_names[i]),
                &present);
    domain->way = way_copy(&table->arena, &options->way);
    domain->way.separator = options->separator;
    domain->way.listed = &domain->user_names;

    map_set(&table->domains, domain->name, domain);
    if (!table->first_domain)
        table->first_domain = domain;
    return OK;
}

static enum err target_parse(struct arena *arena, struct str text, struct str domain,
                             struct mail_address *out_target)
{
    struct mail_address target;
    const char *problem;
    if (!route_alias_target_parse(arena, text, &target, &problem))
        return ERR_SYNTAX;
    *out_target = mail_address_copy(arena, &target);
    if (target.domain.len == 0)
        out_target->domain = domain;
    return OK;
}

static enum err make_alias(struct arena *arena, struct str domain, struct str name,
                           const struct str *targets, size_t count, struct route_alias **out_alias)
{
    struct route_alias *alias = ARENA_NEW(arena, struct route_alias);
    alias->name = mail_domain_lower(arena, name);
    alias->targets = ARENA_ARRAY(arena, struct mail_address, count);
    alias->target_count = count;
    for (size_t i = 0; i < count; i++) {
        enum err err = target_parse(arena, targets[i], domain, &alias->targets[i]);
        if (err)
            return err;
    }
    *out_alias = alias;
    return OK;
}

static struct route_domain *find_domain(struct route_table *table, struct str name)
{
    struct route_key key;
    return map_get(&table->domains, route_domain_key_make(&key, name));
}

enum err route_table_add_alias(struct route_table *table, struct str domain_name, struct str name,
                               const struct str *targets, size_t count)
{
    struct route_key key;
    struct route_domain *domain = find_domain(table, domain_name);
    if (!domain)
        return ERR_NOT_FOUND;
    if (name.len == 0 || name.len > MAIL_LOCAL_MAX_BYTES || count == 0)
        return ERR_SYNTAX;
    if (map_get(&domain->aliases, route_key_make(&key, name)))
        return ERR_EXISTS;
    struct route_alias *alias;
    enum err err = make_alias(&table->arena, domain->name, name, targets, count, &alias);
    if (!err)
        map_set(&domain->aliases, alias->name, alias);
    return err;
}

enum err route_table_set_catch_all(struct route_table *table, struct str domain_name,
                                   const struct str *targets, size_t count)
{
    struct route_domain *domain = find_domain(table, domain_name);
    if (!domain)
        return ERR_NOT_FOUND;
    if (count == 0)
        return ERR_SYNTAX;
    if (domain->catch_all)
        return ERR_EXISTS;
    struct route_alias *alias;
    enum err err = make_alias(&table->arena, domain->name, STR_EMPTY, targets, count, &alias);
    if (!err)
        domain->catch_all = alias;
    return err;
}

void route_table_set_srs_key(struct route_table *table, const struct srs_key *key)
{
    struct srs_key *copy = ARENA_NEW(&table->arena, struct srs_key);
    *copy = *key;
    table->srs_key = copy;
}

static enum err add_to(struct route_table *table, struct map *map, struct str name,
                       const struct route_way *way)
{
    if (!mail_domain_is_valid(name, MAIL_ADDRESS_UTF8 | MAIL_ADDRESS_UNDERSCORE))
        return ERR_SYNTAX;
    struct str key = mail_domain_canonical(&table->arena, name);
    if (map_get(map, key))
        return ERR_EXISTS;
    struct route_way *copy = ARENA_NEW(&table->arena, struct route_way);
    *copy = way_copy(&table->arena, way);
    map_set(map, key, copy);
    return OK;
}

enum err route_table_add_route(struct route_table *table, struct str pattern,
                               const struct route_way *way)
{
    if (str_starts(pattern, STR("*.")))
        return add_to(table, &table->suffixes, str_from(pattern, 2), way);
    if (!str_eq(pattern, STR("*")))
        return add_to(table, &table->exact, pattern, way);
    if (table->rest != &built_in)
        return ERR_EXISTS;
    struct route_way *copy = ARENA_NEW(&table->arena, struct route_way);
    *copy = way_copy(&table->arena, way);
    table->rest = copy;
    return OK;
}

/* ---- The way out ---------------------------------------------------------------------------- */

struct found_way {
    const struct route_way *way;
    const char *section; /* of the configuration; its name is `section` and `name` together */
    struct str name;
};

static struct found_way way_by_suffix(const struct route_table *table, struct str domain)
{
    struct str label, parent = domain;
    while (str_cut(parent, '.', &label, &parent)) {
        const struct route_way *way = map_get(&table->suffixes, parent);
        if (way)
            return (struct found_way){way, "route *.", parent};
    }
    return (struct found_way){table->rest, table->rest == &built_in ? "" : "route *", STR_EMPTY};
}

/* `name` in lower case. */
static struct found_way find_way(const struct route_table *table, struct str name)
{
    const struct route_domain *domain = map_get(&table->domains, name);
    if (domain)
        return (struct found_way){&domain->way, "domain ", name};
    const struct route_way *way = map_get(&table->exact, name);
    return way ? (struct found_way){way, "route ", name} : way_by_suffix(table, name);
}

/* The domain of an address, in lower case; empty when it has none. */
static struct str domain_key(struct route_key *key, struct str address)
{
    size_t at = str_find_last(address, '@');
    return at == SIZE_MAX ? STR_EMPTY : route_domain_key_make(key, str_from(address, at + 1));
}

const struct route_way *route_way_of(const struct route_table *table, struct str address)
{
    struct route_key key;
    return find_way(table, domain_key(&key, address)).way;
}

const struct route_way *route_way_explain(const struct route_table *table, struct str address,
                                          struct arena *arena, struct str *out_section)
{
    struct route_key key;
    struct found_way found = find_way(table, domain_key(&key, address));
    *out_section = arena_printf(arena, "%s%.*s", found.section, STR_FMT(found.name));
    return found.way;
}
