#include "dns/name.h"
#include "dns/resolver.h"

#include <arpa/inet.h>

enum err dns_name_parse(struct str data, struct arena *arena, struct str *out_name)
{
    struct dns_name name;
    size_t next;
    if (dns_name_read(data, 0, false, &name, &next) || next != data.len)
        return ERR_SYNTAX;
    *out_name = dns_name_print(arena, &name);
    return OK;
}

enum err dns_mx_parse(struct str data, struct arena *arena, struct dns_mx *out_mx)
{
    if (data.len < 2)
        return ERR_SYNTAX;
    struct str host;
    enum err err = dns_name_parse(str_from(data, 2), arena, &host);
    if (err)
        return err;
    unsigned preference = (unsigned)(uint8_t)data.at[0] << 8 | (uint8_t)data.at[1];
    *out_mx = (struct dns_mx){(uint16_t)preference, host};
    return OK;
}

enum err dns_address_parse(struct str data, enum dns_type type, struct net_address *out_address)
{
    if (type == DNS_A && data.len == 4) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        memcpy(&v4.sin_addr, data.at, 4);
        *out_address = net_address_from((const struct sockaddr *)&v4, sizeof v4);
        return OK;
    }
    if (type == DNS_AAAA && data.len == 16) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        memcpy(&v6.sin6_addr, data.at, 16);
        *out_address = net_address_from((const struct sockaddr *)&v6, sizeof v6);
        return OK;
    }
    return ERR_SYNTAX;
}

enum err dns_txt_parse(struct str data, struct arena *arena, struct str *out_text)
{
    if (data.len == 0)
        return ERR_SYNTAX;
    char *text = arena_alloc(arena, data.len);
    size_t len = 0;
    while (data.len) {
        size_t count = (uint8_t)data.at[0];
        if (count + 1 > data.len)
            return ERR_SYNTAX;
        memcpy(text + len, data.at + 1, count);
        len += count;
        data = str_from(data, count + 1);
    }
    *out_text = str_make(text, len);
    return OK;
}

struct str dns_reverse_name(struct arena *arena, const struct net_address *address)
{
    if (address->socket.any.sa_family == AF_INET) {
        const uint8_t *b = (const uint8_t *)&address->socket.v4.sin_addr;
        return arena_printf(arena, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]);
    }
    assert(address->socket.any.sa_family == AF_INET6);
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = address->socket.v6.sin6_addr.s6_addr;
    char text[64];
    for (size_t i = 0; i < 16; i++) {
        text[4 * i] = digits[bytes[15 - i] & 0xf];
        text[4 * i + 2] = digits[bytes[15 - i] >> 4];
        text[4 * i + 1] = text[4 * i + 3] = '.';
    }
    return arena_printf(arena, "%.64sip6.arpa", text);
}
