#include "net/address.h"

#include <arpa/inet.h>

struct net_address net_address_from(const struct sockaddr *socket, socklen_t len)
{
    struct net_address address = {.len = len};
    assert(len <= sizeof address.socket);
    memcpy(&address.socket, socket, len);
    if (address.socket.any.sa_family != AF_INET6 ||
        !IN6_IS_ADDR_V4MAPPED(&address.socket.v6.sin6_addr))
        return address;

    /* One host has one form, so that ranges and counters see it as what it is. */
    struct net_address v4 = {.len = sizeof v4.socket.v4};
    v4.socket.v4.sin_family = AF_INET;
    v4.socket.v4.sin_port = address.socket.v6.sin6_port;
    memcpy(&v4.socket.v4.sin_addr, &address.socket.v6.sin6_addr.s6_addr[12], 4);
    return v4;
}

/* inet_pton wants a terminated string; a NUL within the text would hide what follows it. */
static bool ip_to_bytes(int family, struct str text, void *out_bytes)
{
    char terminated[INET6_ADDRSTRLEN];
    if (text.len >= sizeof terminated || memchr(text.at, '\0', text.len))
        return false;
    memcpy(terminated, text.at, text.len);
    terminated[text.len] = '\0';
    return inet_pton(family, terminated, out_bytes) == 1;
}

static enum err parse_v4(struct str text, struct net_address *out_address)
{
    struct net_address address = {.len = sizeof address.socket.v4};
    address.socket.v4.sin_family = AF_INET;
    if (!ip_to_bytes(AF_INET, text, &address.socket.v4.sin_addr))
        return ERR_SYNTAX;
    *out_address = address;
    return OK;
}

static enum err parse_v6(struct str text, struct net_address *out_address)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (!ip_to_bytes(AF_INET6, text, &v6.sin6_addr))
        return ERR_SYNTAX;
    *out_address = net_address_from((const struct sockaddr *)&v6, sizeof v6);
    return OK;
}

enum err net_address_parse_ip(struct str text, struct net_address *out_address)
{
    return str_find(text, ':') == SIZE_MAX ? parse_v4(text, out_address)
                                           : parse_v6(text, out_address);
}

static enum err parse_local(struct str path, struct net_address *out_address)
{
    struct net_address address = {.len = sizeof address.socket.local};
    struct sockaddr_un *local = &address.socket.local;
    if (path.len == 0 || path.len >= sizeof local->sun_path || memchr(path.at, '\0', path.len))
        return ERR_SYNTAX;
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path.at, path.len);
    *out_address = address;
    return OK;
}

/* Splits "[v6]:port", "[v6]", "v4:port" and "v4". `*out_port` is empty when there is none. */
static enum err split_port(struct str text, struct str *out_ip, struct str *out_port)
{
    struct str rest = STR_EMPTY;
    if (str_starts(text, STR("["))) {
        if (!str_cut(str_from(text, 1), ']', out_ip, &rest) || str_find(*out_ip, ':') == SIZE_MAX)
            return ERR_SYNTAX;
    } else {
        size_t colon = str_find(text, ':');
        *out_ip = str_first(text, colon);
        rest = str_from(text, colon);
    }
    *out_port = str_from(rest, 1);
    bool is_port = rest.len > 1 && rest.len <= 6 && rest.at[0] == ':';
    return rest.len == 0 || is_port ? OK : ERR_SYNTAX;
}

enum err net_address_parse(struct str text, uint16_t default_port, struct net_address *out_address)
{
    struct str scheme = STR("unix:");
    if (str_starts(text, scheme))
        return parse_local(str_from(text, scheme.len), out_address);

    struct str ip;
    struct str port_text;
    enum err err = split_port(text, &ip, &port_text);
    if (err)
        return err;
    uint64_t port = default_port;
    if (port_text.len ? !str_to_u64(port_text, UINT16_MAX, &port) : default_port == 0)
        return ERR_SYNTAX;

    struct net_address address;
    err = net_address_parse_ip(ip, &address);
    if (err)
        return err;
    net_address_set_port(&address, (uint16_t)port);
    *out_address = address;
    return OK;
}

void net_address_set_port(struct net_address *address, uint16_t port)
{
    if (address->socket.any.sa_family == AF_INET)
        address->socket.v4.sin_port = htons(port);
    else if (address->socket.any.sa_family == AF_INET6)
        address->socket.v6.sin6_port = htons(port);
}

uint16_t net_address_port(const struct net_address *address)
{
    if (address->socket.any.sa_family == AF_INET)
        return ntohs(address->socket.v4.sin_port);
    if (address->socket.any.sa_family == AF_INET6)
        return ntohs(address->socket.v6.sin6_port);
    return 0;
}

/* An unnamed socket, such as the client's end of a UNIX connection, has an empty path. */
static struct str local_path(const struct net_address *address)
{
    const char *path = address->socket.local.sun_path;
    size_t head = offsetof(struct sockaddr_un, sun_path);
    return str_make(path, address->len > head ? strnlen(path, address->len - head) : 0);
}

static struct str print_local(struct arena *arena, const struct net_address *address)
{
    return arena_printf(arena, "unix:%.*s", STR_FMT(local_path(address)));
}

/* `text` has room for any IP address. False for other families. */
static bool ip_to_text(const struct net_address *address, char *text)
{
    int family = address->socket.any.sa_family;
    const void *bytes = family == AF_INET6 ? (const void *)&address->socket.v6.sin6_addr
                                           : (const void *)&address->socket.v4.sin_addr;
    return (family == AF_INET || family == AF_INET6) &&
           inet_ntop(family, bytes, text, INET6_ADDRSTRLEN);
}

struct str net_address_print_ip(struct arena *arena, const struct net_address *address)
{
    char text[INET6_ADDRSTRLEN];
    if (!ip_to_text(address, text))
        return print_local(arena, address);
    return arena_copy(arena, str_of(text));
}

struct str net_address_print(struct arena *arena, const struct net_address *address)
{
    char text[INET6_ADDRSTRLEN];
    if (!ip_to_text(address, text))
        return print_local(arena, address);
    bool is_v6 = address->socket.any.sa_family == AF_INET6;
    return arena_printf(arena, is_v6 ? "[%s]:%u" : "%s:%u", text, net_address_port(address));
}

struct str net_address_print_literal(struct arena *arena, const struct net_address *address)
{
    char text[INET6_ADDRSTRLEN];
    if (!ip_to_text(address, text))
        return print_local(arena, address);
    bool is_v6 = address->socket.any.sa_family == AF_INET6;
    return arena_printf(arena, is_v6 ? "[IPv6:%s]" : "[%s]", text);
}

bool net_address_eq(const struct net_address *a, const struct net_address *b)
{
    if (a->socket.any.sa_family != b->socket.any.sa_family ||
        net_address_port(a) != net_address_port(b))
        return false;
    switch (a->socket.any.sa_family) {
    case AF_INET:
        return a->socket.v4.sin_addr.s_addr == b->socket.v4.sin_addr.s_addr;
    case AF_INET6:
        return IN6_ARE_ADDR_EQUAL(&a->socket.v6.sin6_addr, &b->socket.v6.sin6_addr);
    default:
        return str_eq(local_path(a), local_path(b));
    }
}

bool net_address_is_loopback(const struct net_address *address)
{
    switch (address->socket.any.sa_family) {
    case AF_INET:
        return ntohl(address->socket.v4.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&address->socket.v6.sin6_addr);
    default:
        return address->socket.any.sa_family == AF_UNIX;
    }
}

bool net_address_is_any(const struct net_address *address)
{
    switch (address->socket.any.sa_family) {
    case AF_INET:
        return address->socket.v4.sin_addr.s_addr == htonl(INADDR_ANY);
    case AF_INET6:
        return IN6_IS_ADDR_UNSPECIFIED(&address->socket.v6.sin6_addr);
    default:
        return false;
    }
}

struct str net_address_client_key(const struct net_address *address)
{
    switch (address->socket.any.sa_family) {
    case AF_INET:
        return str_make((const char *)&address->socket.v4.sin_addr, 4);
    case AF_INET6:
        return str_make((const char *)&address->socket.v6.sin6_addr, 8);
    default:
        return STR("local"); /* five bytes: no IP address has that length */
    }
}
