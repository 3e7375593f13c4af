#include "net/proxy.h"

/* ---- version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 40000 25\r\n" ---- */

#define LINE_MAX_BYTES 107 /* with its CRLF */

static const struct str v1_start = STR("PROXY ");

static bool take_word(struct str *rest, struct str *out_word)
{
    if (str_cut(*rest, ' ', out_word, rest))
        return true;
    *out_word = *rest;
    *rest = STR_EMPTY;
    return out_word->len > 0;
}

static bool take_ip(struct str *rest, int family, struct net_address *out_address)
{
    struct str word;
    /* An IPv6 address that holds an IPv4 one has become that. */
    return take_word(rest, &word) && net_address_parse_ip(word, out_address) == OK &&
           (str_find(word, ':') != SIZE_MAX) == (family == AF_INET6);
}

static bool take_port(struct str *rest, uint64_t *out_port)
{
    struct str word;
    return take_word(rest, &word) && word.len <= 5 && str_to_u64(word, UINT16_MAX, out_port);
}

static enum err parse_words(struct str words, struct net_proxy_header *out_header)
{
    struct net_proxy_header header = {.has_client = true};
    struct net_address destination;
    struct str protocol;
    uint64_t port, destination_port;
    if (!take_word(&words, &protocol))
        return ERR_SYNTAX;
    if (str_eq(protocol, STR("UNKNOWN"))) { /* whatever follows */
        *out_header = (struct net_proxy_header){.has_client = false};
        return OK;
    }
    int family = str_eq(protocol, STR("TCP4")) ? AF_INET : AF_INET6;
    if (family == AF_INET6 && !str_eq(protocol, STR("TCP6")))
        return ERR_SYNTAX;
    if (!take_ip(&words, family, &header.client) || !take_ip(&words, family, &destination) ||
        !take_port(&words, &port) || !take_port(&words, &destination_port) || words.len)
        return ERR_SYNTAX;
    net_address_set_port(&header.client, (uint16_t)port);
    *out_header = header;
    return OK;
}

static enum err parse_v1(struct str in, struct net_proxy_header *out_header, size_t *out_used)
{
    struct str line = str_first(in, LINE_MAX_BYTES);
    size_t lf = str_find(line, '\n');
    if (lf == SIZE_MAX)
        return line.len == LINE_MAX_BYTES ? ERR_SYNTAX : ERR_MORE;
    line = str_first(line, lf);
    if (!str_ends(line, STR("\r")))
        return ERR_SYNTAX;
    struct str words = str_from(str_first(line, line.len - 1), v1_start.len);
    enum err err = parse_words(words, out_header);
    if (!err)
        *out_used = lf + 1;
    return err;
}

/* ---- version 2: signature, version and command, family, length, addresses, and more ---- */

#define HEAD_BYTES 16

enum { COMMAND_LOCAL, COMMAND_PROXY };
enum { TCP_OVER_IPV4 = 0x11, TCP_OVER_IPV6 = 0x21 };

static const struct str v2_start = STR("\r\n\r\n\0\r\nQUIT\n");

static uint16_t number_at(struct str bytes, size_t at)
{
    return (uint16_t)((uint8_t)bytes.at[at] << 8 | (uint8_t)bytes.at[at + 1]);
}

/* Both addresses, then both ports; the first of each is the client's. */
static enum err parse_v4(struct str body, struct net_proxy_header *header)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    if (body.len < 12)
        return ERR_SYNTAX;
    memcpy(&v4.sin_addr, body.at, sizeof v4.sin_addr);
    v4.sin_port = htons(number_at(body, 8));
    header->client = net_address_from((const struct sockaddr *)&v4, sizeof v4);
    header->has_client = true;
    return OK;
}

static enum err parse_v6(struct str body, struct net_proxy_header *header)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (body.len < 36)
        return ERR_SYNTAX;
    memcpy(&v6.sin6_addr, body.at, sizeof v6.sin6_addr);
    v6.sin6_port = htons(number_at(body, 32));
    header->client = net_address_from((const struct sockaddr *)&v6, sizeof v6);
    header->has_client = true;
    return OK;
}

static enum err parse_body(unsigned command, unsigned family, struct str body,
                           struct net_proxy_header *out_header)
{
    struct net_proxy_header header = {.has_client = false};
    enum err err = OK;
    if (command == COMMAND_PROXY && family == TCP_OVER_IPV4)
        err = parse_v4(body, &header);
    else if (command == COMMAND_PROXY && family == TCP_OVER_IPV6)
        err = parse_v6(body, &header);
    if (!err)
        *out_header = header;
    return err;
}

static enum err parse_v2(struct str in, struct net_proxy_header *out_header, size_t *out_used)
{
    if (in.len < HEAD_BYTES)
        return ERR_MORE;
    unsigned version = (uint8_t)in.at[12] >> 4, command = (uint8_t)in.at[12] & 15;
    size_t len = HEAD_BYTES + (size_t)number_at(in, 14);
    if (version != 2 || command > COMMAND_PROXY || len > NET_PROXY_MAX_BYTES)
        return ERR_SYNTAX;
    if (in.len < len)
        return ERR_MORE;
    struct str body = str_from(str_first(in, len), HEAD_BYTES);
    enum err err = parse_body(command, (uint8_t)in.at[13], body, out_header);
    if (!err)
        *out_used = len;
    return err;
}

/* ---- either ---- */

enum err net_proxy_parse(struct str in, struct net_proxy_header *out_header, size_t *out_used)
{
    if (str_starts(in, v1_start))
        return parse_v1(in, out_header, out_used);
    if (str_starts(in, v2_start))
        return parse_v2(in, out_header, out_used);
    bool is_start = str_starts(v1_start, in) || str_starts(v2_start, in);
    return is_start ? ERR_MORE : ERR_SYNTAX;
}
