#include "server/config_relations.h"

#include "server/config_check_aliases.h"

struct checking {
    struct config_problems *problems;
    struct arena *arena;
    struct config *config;
};

static bool is_written(const struct config_node *section, const char *key)
{
    return config_node_find(section, key) != NULL;
}

/* ---- Listeners ------------------------------------------------------------------------------ */

static void settle_listener_tls(struct checking *checking, struct config_listener *listener)
{
    bool has_certificate = is_written(checking->config->node, "tls");
    if (!is_written(listener->node, "tls"))
        listener->tls = has_certificate ? RECEIVE_TLS_STARTTLS : RECEIVE_TLS_NONE;
    else if (listener->tls != RECEIVE_TLS_NONE && !has_certificate)
        config_error(checking->problems, config_node_line(listener->node, "tls"),
                     "'tls = %s' without a certificate (write a section tls { certificate = … "
                     "key = … })",
                     listener->tls == RECEIVE_TLS_STARTTLS ? "starttls" : "implicit");
}

static void check_submission(struct checking *checking, const struct config_listener *listener)
{
    if (!is_written(checking->config->node, "accounts"))
        config_error(checking->problems, config_node_line(listener->node, "service"),
                     "'service = submission' without accounts: nobody could log in (write a "
                     "section accounts { file = … })");
    else if (listener->tls == RECEIVE_TLS_NONE && !listener->auth_in_clear)
        config_error(checking->problems, config_node_line(listener->node, "service"),
                     "logins are taken on encrypted connections only, and '%.*s' has none (write "
                     "tls = starttls and a section tls, or auth = always)",
                     STR_FMT(listener->name));
    if (listener->auth_in_clear && listener->tls != RECEIVE_TLS_IMPLICIT)
        config_warning(checking->problems, config_node_line(listener->node, "auth"),
                       "'auth = always' lets clients send passwords in clear");
}

static void check_listener(struct checking *checking, struct config_listener *listener)
{
    settle_listener_tls(checking, listener);
    if (listener->service == CONFIG_SERVICE_HTTP)
        config_error(checking->problems, config_node_line(listener->node, "service"),
                     "'service = http' is not in this version (delete this listener)");
    if (listener->service == CONFIG_SERVICE_SUBMISSION)
        check_submission(checking, listener);
    if (listener->service == CONFIG_SERVICE_MX && is_written(listener->node, "auth"))
        config_error(checking->problems, config_node_line(listener->node, "auth"),
                     "'auth' with 'service = mx', which takes no logins (delete it)");
    if (listener->service != CONFIG_SERVICE_HTTP && is_written(listener->node, "token_file"))
        config_error(checking->problems, config_node_line(listener->node, "token_file"),
                     "'token_file' is for 'service = http' only (delete it)");
}

static bool is_any(const struct net_address *address)
{
    static const uint8_t zeros[16];
    if (address->socket.any.sa_family == AF_INET)
        return memcmp(&address->socket.v4.sin_addr, zeros, 4) == 0;
    return address->socket.any.sa_family == AF_INET6 &&
           memcmp(&address->socket.v6.sin6_addr, zeros, 16) == 0;
}

/* Whether a second socket at `b` would be refused. IPv6 sockets here are for IPv6 alone. */
static bool overlap(const struct net_address *a, const struct net_address *b)
{
    return net_address_eq(a, b) ||
           (a->socket.any.sa_family == b->socket.any.sa_family &&
            net_address_port(a) == net_address_port(b) && (is_any(a) || is_any(b)));
}

/* The listener that took `address` before bind number `bind_limit` of listener `limit`. */
static const struct config_listener *taken_by(const struct config *config,
                                              const struct net_address *address, size_t limit,
                                              size_t bind_limit)
{
    for (size_t i = 0; i <= limit; i++) {
        const struct config_listener *listener = &config->listeners[i];
        size_t count = i == limit ? bind_limit : listener->bind_count;
        for (size_t j = 0; j < count; j++)
            if (overlap(&listener->binds[j], address))
                return listener;
    }
    return NULL;
}

static void check_binds(struct checking *checking)
{
    const struct config *config = checking->config;
    for (size_t i = 0; i < config->listener_count; i++)
        for (size_t j = 0; j < config->listeners[i].bind_count; j++) {
            const struct net_address *address = &config->listeners[i].binds[j];
            const struct config_listener *other = taken_by(config, address, i, j);
            if (other)
                config_error(
                    checking->problems, config_node_line(config->listeners[i].node, "bind"),
                    "%.*s is taken already by the listener '%.*s' (bind each address "
                    "once)",
                    STR_FMT(net_address_print(checking->arena, address)), STR_FMT(other->name));
        }
}

static void check_listeners(struct checking *checking)
{
    struct config *config = checking->config;
    for (size_t i = 0; i < config->listener_count; i++)
        check_listener(checking, &config->listeners[i]);
    check_binds(checking);
    if (!is_written(config->node, "listener"))
        config_warning(checking->problems, 1,
                       "there is no listener: mail comes from this machine alone");
}

/* ---- Domains -------------------------------------------------------------------------------- */

static void check_domain(struct checking *checking, struct config_domain *domain)
{
    uint32_t users = config_node_line(domain->node, "users");
    domain->way.separator = domain->separator;
    if (!domain->way.name.len || domain->way.via != ROUTE_MAILDIR)
        return;
    if (is_written(domain->node, "users") && domain->users == ROUTE_USERS_ANY)
        config_warning(checking->problems, users,
                       "users = \"*\" with a Maildir: anyone can make directories by writing to "
                       "names (list the users)");
    if (str_search(domain->way.maildir, STR("%{user}")) == SIZE_MAX)
        config_warning(checking->problems, config_node_line(domain->node, "deliver"),
                       "there is no %%{user} in the path: all users share one mailbox");
}

static void check_user_names(struct checking *checking, const struct config_domain *domain)
{
    struct map seen = map_make();
    for (size_t i = 0; i < domain->user_count; i++)
        if (map_set(&seen, domain->user_names[i], &domain->user_names[i]))
            config_warning(checking->problems, config_node_line(domain->node, "users"),
                           "the user '%.*s' is listed twice", STR_FMT(domain->user_names[i]));
    map_done(&seen);
}

static void check_domains(struct checking *checking)
{
    for (size_t i = 0; i < checking->config->domain_count; i++) {
        check_domain(checking, &checking->config->domains[i]);
        check_user_names(checking, &checking->config->domains[i]);
    }
}

/* ---- Routes --------------------------------------------------------------------------------- */

static void check_route_auth(struct checking *checking, struct config_route *route)
{
    const struct config_node *auth = config_node_find(route->node, "auth");
    if (!auth || !auth->is_section)
        return;
    if (route->way.name.len && route->way.via != ROUTE_SMTP) {
        config_error(checking->problems, auth->line,
                     "'auth' is for via = \"smtp:HOST:PORT\" only (delete it)");
        return;
    }
    uint32_t line = config_node_line(route->node, "tls");
    bool chosen = is_written(route->node, "tls");
    if (chosen && route->way.tls == ROUTE_TLS_NONE)
        config_error(checking->problems, line,
                     "'tls = none' with 'auth': a login is only sent over verified TLS (write "
                     "tls = verify)");
    else if (chosen && route->way.tls != ROUTE_TLS_VERIFY)
        config_warning(checking->problems, line,
                       "'auth' makes it tls = verify: a login is only sent over verified TLS");
    route->way.tls = ROUTE_TLS_VERIFY;
}

static void check_route_certificate(struct checking *checking, struct config_route *route)
{
    bool has_certificate = is_written(route->node, "certificate");
    bool has_key = is_written(route->node, "key");
    uint32_t line = config_node_line(route->node, has_certificate ? "certificate" : "key");
    bool is_tcp = route->way.via == ROUTE_SMTP || route->way.via == ROUTE_MX;
    if (!has_certificate && !has_key)
        return;
    if (has_certificate != has_key)
        config_error(checking->problems, line, "'%s' without '%s' (write both, or none)",
                     has_key ? "key" : "certificate", has_key ? "certificate" : "key");
    else if (route->way.name.len && !is_tcp)
        config_error(checking->problems, line,
                     "'certificate' is for via = mx or \"smtp:HOST:PORT\" only (delete it)");
    else if (route->way.tls == ROUTE_TLS_NONE)
        config_error(checking->problems, line,
                     "'certificate' with 'tls = none': nobody would see it (delete one)");
    route->way.certificate = route->client.certificate_file;
}

static void check_routes(struct checking *checking)
{
    const struct config *config = checking->config;
    struct map domains = map_make();
    for (size_t i = 0; i < config->domain_count; i++)
        map_set(&domains, config->domains[i].name, &config->domains[i]);
    for (size_t i = 0; i < config->route_count; i++) {
        struct config_route *route = &config->routes[i];
        check_route_auth(checking, route);
        check_route_certificate(checking, route);
        if (map_get(&domains, route->pattern))
            config_warning(checking->problems, route->node->line,
                           "the route '%.*s' has no effect: the domain section goes first",
                           STR_FMT(route->pattern));
    }
    map_done(&domains);
}

/* ---- The rest ------------------------------------------------------------------------------- */

/* In the order of the list, without those that were wrong. */
static void check_relay(struct checking *checking)
{
    const struct config_node *relay = config_node_find(checking->config->node, "relay");
    const struct config_node *from = relay ? config_node_find(relay, "from") : NULL;
    for (size_t i = 0; from && i < from->value_count; i++) {
        struct net_range range;
        if (net_range_parse(from->values[i].text, &range) == OK && net_range_is_private(&range))
            config_warning(checking->problems, from->values[i].line,
                           "'%.*s' is a private network: in a container all clients may seem to "
                           "come from there, and could relay",
                           STR_FMT(from->values[i].text));
    }
}

static void check_retry(struct checking *checking)
{
    const struct config_retry *retry = &checking->config->retry;
    const struct config_node *section = config_node_find(checking->config->node, "retry");
    if (!section)
        return;
    if (retry->first_s > retry->max_s)
        config_error(checking->problems, config_node_line(section, "first"),
                     "'first' is longer than 'max' (make it shorter)");
    if (retry->warn_s >= retry->expire_s)
        config_warning(checking->problems, config_node_line(section, "warn"),
                       "'warn' is not before 'expire': nobody is told of a delay");
}

void config_check_relations(struct config_reading *reading, struct config *config)
{
    static void (*const checks[])(struct checking *) = {
        check_listeners, check_domains, check_routes, check_relay, check_retry,
    };
    struct checking checking = {
        .problems = reading->problems, .arena = reading->arena, .config = config};
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        checks[i](&checking);
    config_check_aliases(reading, config);
}
