#include "server/config_way.h"

#include "net/address.h"

#define SMTP_PORT 25
#define LMTP_PORT 24 /* by convention: RFC 2033 names none */

typedef const char *parse_rest(struct str rest, struct arena *arena, struct route_way *way);

/* ---- maildir:/path -------------------------------------------------------------------------- */

static bool has_unknown_placeholder(struct str path)
{
    for (size_t at; (at = str_find(path, '%')) != SIZE_MAX; path = str_from(path, at + 1))
        if (!str_starts(str_from(path, at), STR("%{user}")) &&
            !str_starts(str_from(path, at), STR("%{domain}")))
            return true;
    return false;
}

static const char *parse_maildir(struct str rest, struct arena *arena, struct route_way *way)
{
    if (!str_starts(rest, STR("/")))
        return "is not an absolute path (write maildir:/var/mail/%{domain}/%{user})";
    if (has_unknown_placeholder(rest))
        return "has a % that is neither %{user} nor %{domain}";
    if (str_search(rest, STR("/../")) != SIZE_MAX || str_ends(rest, STR("/..")))
        return "has .. in its path (write the path without)";
    way->via = ROUTE_MAILDIR;
    way->name = STR("maildir");
    way->maildir = arena_copy(arena, rest);
    return NULL;
}

/* ---- smtp:HOST:PORT ------------------------------------------------------------------------- */

/* "[2001:db8::1]:25", "host:25", "host". */
static bool split_host(struct str text, struct str *out_host, struct str *out_port)
{
    struct str rest;
    *out_port = STR_EMPTY;
    if (!str_starts(text, STR("["))) {
        *out_host = text;
        return !str_cut(text, ':', out_host, out_port) || out_port->len > 0;
    }
    if (!str_cut(str_from(text, 1), ']', out_host, &rest))
        return false;
    *out_port = str_from(rest, 1);
    return rest.len == 0 || (rest.at[0] == ':' && rest.len > 1);
}

static bool ends_in_number(struct str host)
{
    size_t dot = str_find_last(host, '.');
    struct str last = dot == SIZE_MAX ? host : str_from(host, dot + 1);
    uint64_t number;
    return str_to_u64(last, UINT64_MAX, &number);
}

static bool is_host(struct str host)
{
    struct net_address ip;
    if (net_address_parse_ip(host, &ip) == OK)
        return true;
    /* No top-level domain is a number: this is a mistyped address. */
    return mail_domain_is_valid(host, MAIL_ADDRESS_UNDERSCORE) && !ends_in_number(host);
}

/* What begins with `scheme`: host and port; `wrong_host` is said when there is no host. */
static const char *parse_host_and_port(struct str rest, struct arena *arena, const char *scheme,
                                       uint16_t default_port, const char *wrong_host,
                                       struct route_way *way)
{
    struct str host, port_text;
    uint64_t port = default_port;
    if (!split_host(rest, &host, &port_text) || !is_host(host))
        return wrong_host;
    if (port_text.len && (!str_to_u64(port_text, UINT16_MAX, &port) || port == 0))
        return "has a wrong port (from 1 to 65535)";
    way->host = arena_copy(arena, host);
    way->port = (uint16_t)port;
    bool is_ipv6 = str_find(host, ':') != SIZE_MAX;
    way->name = arena_printf(arena, is_ipv6 ? "%s:[%.*s]:%u" : "%s:%.*s:%u", scheme, STR_FMT(host),
                             (unsigned)port);
    return NULL;
}

static const char *parse_smtp(struct str rest, struct arena *arena, struct route_way *way)
{
    way->via = ROUTE_SMTP;
    return parse_host_and_port(rest, arena, "smtp", SMTP_PORT,
                               "names no host (write smtp:HOST:PORT, an IPv6 address in brackets)",
                               way);
}

/* ---- lmtp:unix:/path, lmtp:HOST:PORT --------------------------------------------------------- */

static const char *parse_lmtp_socket(struct str socket, struct arena *arena, struct route_way *way)
{
    struct net_address address;
    if (!str_starts(socket, STR("unix:/")))
        return "is not an absolute path (write lmtp:unix:/run/dovecot/lmtp)";
    if (net_address_parse(socket, 0, &address))
        return "has a path that is too long for a socket (move the socket)";
    way->host = arena_copy(arena, socket);
    way->name = arena_printf(arena, "lmtp:%.*s", STR_FMT(socket));
    way->tls = ROUTE_TLS_NONE;
    return NULL;
}

/* What does not leave the machine needs no encryption. */
static bool is_this_machine(struct str host)
{
    struct net_address ip;
    return str_eq_nocase(host, STR("localhost")) ||
           (net_address_parse_ip(host, &ip) == OK && net_address_is_loopback(&ip));
}

static const char *parse_lmtp(struct str rest, struct arena *arena, struct route_way *way)
{
    way->via = ROUTE_LMTP;
    if (str_starts(rest, STR("unix:")))
        return parse_lmtp_socket(rest, arena, way);
    const char *problem = parse_host_and_port(
        rest, arena, "lmtp", LMTP_PORT,
        "names no server (write lmtp:unix:/PATH, or lmtp:HOST:PORT, an IPv6 address in brackets)",
        way);
    if (problem)
        return problem;
    if (way->port == SMTP_PORT)
        return "names port 25, on which no LMTP is spoken (RFC 2033; the usual port is 24)";
    if (is_this_machine(way->host))
        way->tls = ROUTE_TLS_NONE;
    return NULL;
}

/* ---- the others ------------------------------------------------------------------------------ */

static const char *parse_mx(struct str rest, struct arena *arena, struct route_way *way)
{
    UNUSED(rest), UNUSED(arena);
    way->via = ROUTE_MX;
    way->name = STR("mx");
    return NULL;
}

static const char *parse_hold(struct str rest, struct arena *arena, struct route_way *way)
{
    UNUSED(rest), UNUSED(arena);
    way->via = ROUTE_HOLD;
    way->name = STR("hold");
    return NULL;
}

static const struct {
    struct str scheme; /* with its colon; without one it stands alone */
    parse_rest *parse;
} ways[] = {
    {{"maildir:", 8}, parse_maildir}, {{"smtp:", 5}, parse_smtp},
    {{"lmtp:", 5}, parse_lmtp},       {{"mx", 2}, parse_mx},
    {{"hold", 4}, parse_hold},
};

static const char *parse_by_scheme(struct str text, struct arena *arena, struct route_way *way)
{
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct str scheme = ways[i].scheme;
        bool takes_more = str_ends(scheme, STR(":"));
        if (takes_more ? str_starts(text, scheme) : str_eq(text, scheme))
            return ways[i].parse(str_from(text, scheme.len), arena, way);
    }
    return "is no way for mail (write maildir:/PATH, lmtp:unix:/PATH, smtp:HOST:PORT, mx or hold)";
}

const char *config_way_parse(struct str text, struct arena *arena, struct route_way *out_way)
{
    struct route_way way = {.name = STR_EMPTY,
                            .host = STR_EMPTY,
                            .tls = ROUTE_TLS_MAY,
                            .auth_user = STR_EMPTY,
                            .auth_password = STR_EMPTY,
                            .certificate = STR_EMPTY,
                            .maildir = STR_EMPTY,
                            .separator = '+'};
    const char *problem = parse_by_scheme(text, arena, &way);
    if (!problem)
        *out_way = way;
    /* cppcheck-suppress returnDanglingLifetime ; it is static text */
    return problem;
}
