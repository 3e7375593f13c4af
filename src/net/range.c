#include "net/address.h"

static size_t bits_of(uint8_t family) { return family == 4 ? 32 : 128; }

/* The bytes of an IP address, and 4 or 6; 0 for other families. */
static uint8_t bytes_of(const struct net_address *address, const uint8_t **out_bytes)
{
    switch (address->socket.any.sa_family) {
    case AF_INET:
        *out_bytes = (const uint8_t *)&address->socket.v4.sin_addr;
        return 4;
    case AF_INET6:
        *out_bytes = address->socket.v6.sin6_addr.s6_addr;
        return 6;
    default:
        return 0;
    }
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, size_t bits)
{
    size_t whole = bits / 8;
    if (whole && memcmp(a, b, whole) != 0)
        return false;
    return bits % 8 == 0 || (a[whole] ^ b[whole]) >> (8 - bits % 8) == 0;
}

static bool is_zero_behind(const struct net_range *range)
{
    for (size_t bit = range->bits; bit < bits_of(range->family); bit++)
        if (range->bytes[bit / 8] & (0x80 >> bit % 8))
            return false;
    return true;
}

enum err net_range_parse(struct str text, struct net_range *out_range)
{
    struct str ip = text;
    struct str bits_text = STR_EMPTY;
    bool has_bits = str_cut(text, '/', &ip, &bits_text);
    struct net_address address;
    enum err err = net_address_parse_ip(ip, &address);
    if (err)
        return err;

    struct net_range range = {0};
    const uint8_t *bytes = NULL;
    range.family = bytes_of(&address, &bytes);
    size_t bits_max = bits_of(range.family);
    assert(bytes);
    memcpy(range.bytes, bytes, bits_max / 8);

    /* "::ffff:192.0.2.0/124" names IPv4 hosts, which are IPv4 addresses everywhere here. */
    bool is_mapped = range.family == 4 && str_find(ip, ':') != SIZE_MAX;
    size_t hidden = is_mapped ? 96 : 0;
    uint64_t bits = bits_max + hidden;
    if (has_bits && (bits_text.len > 3 || !str_to_u64(bits_text, bits_max + hidden, &bits)))
        return ERR_SYNTAX;
    if (bits < hidden)
        return ERR_SYNTAX;
    range.bits = (uint8_t)(bits - hidden);
    if (!is_zero_behind(&range))
        return ERR_SYNTAX;
    *out_range = range;
    return OK;
}

bool net_range_has(const struct net_range *range, const struct net_address *address)
{
    const uint8_t *bytes = NULL;
    return bytes_of(address, &bytes) == range->family && bytes &&
           same_prefix(range->bytes, bytes, range->bits);
}

/* The first that has an address says what it is. RFC 6890 lists them; ranges for documentation are
 * not among these: to a router they are like any other. */
static const struct {
    struct net_range range;
    enum net_scope scope;
} scopes[] = {
    {{{10}, 4, 8}, NET_SCOPE_PRIVATE},          {{{172, 16}, 4, 12}, NET_SCOPE_PRIVATE},
    {{{192, 168}, 4, 16}, NET_SCOPE_PRIVATE},   {{{100, 64}, 4, 10}, NET_SCOPE_PRIVATE},
    {{{169, 254}, 4, 16}, NET_SCOPE_LINK},      {{{127}, 4, 8}, NET_SCOPE_LOOPBACK},
    {{{0}, 4, 8}, NET_SCOPE_NOWHERE},           {{{224}, 4, 4}, NET_SCOPE_NOWHERE},
    {{{240}, 4, 4}, NET_SCOPE_NOWHERE},         {{{0xfc}, 6, 7}, NET_SCOPE_PRIVATE},
    {{{0xfe, 0xc0}, 6, 10}, NET_SCOPE_PRIVATE}, /* the site-local of old */
    {{{0xfe, 0x80}, 6, 10}, NET_SCOPE_LINK},    {{{[15] = 1}, 6, 128}, NET_SCOPE_LOOPBACK},
    {{{0}, 6, 96}, NET_SCOPE_NOWHERE}, /* unspecified, IPv4-compatible */
    {{{0xff}, 6, 8}, NET_SCOPE_NOWHERE},
};

enum net_scope net_address_scope(const struct net_address *address)
{
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (net_range_has(&scopes[i].range, address))
            return scopes[i].scope;
    return NET_SCOPE_PUBLIC;
}

static bool is_within(const struct net_range *range, const struct net_range *outer)
{
    return outer->family == range->family && outer->bits <= range->bits &&
           same_prefix(outer->bytes, range->bytes, outer->bits);
}

bool net_range_is_private(const struct net_range *range)
{
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (is_within(range, &scopes[i].range))
            return scopes[i].scope == NET_SCOPE_PRIVATE || scopes[i].scope == NET_SCOPE_LINK;
    return false;
}

bool net_ranges_have(const struct net_range *ranges, size_t count,
                     const struct net_address *address)
{
    for (size_t i = 0; i < count; i++)
        if (net_range_has(&ranges[i], address))
            return true;
    return false;
}
