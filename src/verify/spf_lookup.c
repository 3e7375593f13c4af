#include "verify/spf_lookup.h"

#include "verify/domain.h"

bool spf_lookups_begin_term(struct spf_lookups *lookups)
{
    lookups->term_has_void = false;
    return ++lookups->terms <= SPF_TERMS_MAX;
}

bool spf_lookups_end_term(struct spf_lookups *lookups, bool matched)
{
    lookups->voids += lookups->term_has_void && !matched;
    return lookups->voids <= SPF_VOIDS_MAX;
}

/* ---- Questions ----------------------------------------------------------------------------- */

/* A backslash in a name is a byte like any other here, and begins an escape in dns/. */
static struct str to_presentation(struct arena *arena, struct str name)
{
    if (str_find(name, '\\') == SIZE_MAX)
        return name;
    char *text = arena_alloc(arena, 2 * name.len);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '\\')
            text[len++] = '\\';
        text[len++] = name.at[i];
    }
    return str_make(text, len);
}

enum spf_found spf_lookup(struct spf_lookups *lookups, struct str name, enum dns_type type,
                          struct dns_answer *out_answer)
{
    if (!domain_is_name(name))
        return SPF_NOTHING;
    struct dns_answer answer;
    enum err err = dns_ask(lookups->resolver, to_presentation(lookups->arena, name), type,
                           lookups->deadline_ms, lookups->arena, &answer);
    if (err == ERR_SYNTAX)
        return SPF_NOTHING;
    if (err || answer.result == DNS_FAILED)
        return SPF_UNAVAILABLE;
    if (answer.count == 0) {
        lookups->term_has_void = true;
        return SPF_NOTHING;
    }
    *out_answer = answer;
    return SPF_FOUND;
}

static bool is_ip6(const struct net_address *client)
{
    return client->socket.any.sa_family == AF_INET6;
}

enum spf_found spf_lookup_addresses(struct spf_lookups *lookups, struct str name,
                                    struct dns_answer *out_answer)
{
    return spf_lookup(lookups, name, is_ip6(&lookups->client) ? DNS_AAAA : DNS_A, out_answer);
}

/* ---- Addresses ----------------------------------------------------------------------------- */

static bool has_prefix(const uint8_t *address, const uint8_t *network, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(address, network, whole) != 0)
        return false;
    return rest == 0 || (address[whole] ^ network[whole]) >> (8 - rest) == 0;
}

bool spf_client_is_in(const struct net_address *client, const uint8_t *network, bool network_is_ip6,
                      uint8_t bits)
{
    if (is_ip6(client) != network_is_ip6)
        return false;
    const uint8_t *address = network_is_ip6 ? client->socket.v6.sin6_addr.s6_addr
                                            : (const uint8_t *)&client->socket.v4.sin_addr;
    return has_prefix(address, network, bits);
}

bool spf_addresses_match(const struct spf_lookups *lookups, const struct dns_answer *addresses,
                         uint8_t bits4, uint8_t bits6)
{
    bool ip6 = is_ip6(&lookups->client);
    for (size_t i = 0; i < addresses->count; i++) {
        struct str data = addresses->records[i].data;
        if (data.len == (ip6 ? 16 : 4) &&
            spf_client_is_in(&lookups->client, (const uint8_t *)data.at, ip6, ip6 ? bits6 : bits4))
            return true;
    }
    return false;
}

/* ---- The client's own name ----------------------------------------------------------------- */

/* Names with an escape in them are no host names; skipping them keeps a dot within a label from
 * being taken for one between labels. */
static bool is_validated(struct spf_lookups *lookups, struct str name)
{
    struct dns_answer addresses;
    return str_find(name, '\\') == SIZE_MAX &&
           spf_lookup_addresses(lookups, name, &addresses) == SPF_FOUND &&
           spf_addresses_match(lookups, &addresses, 32, 128);
}

static MAY_YIELD void validate_names(struct spf_lookups *lookups)
{
    struct str reverse = dns_reverse_name(lookups->arena, &lookups->client);
    struct dns_answer names;
    if (spf_lookup(lookups, reverse, DNS_PTR, &names) != SPF_FOUND)
        return;
    for (size_t i = 0; i < min_size(names.count, SPF_NAMES_MAX); i++) {
        struct str name;
        if (!dns_name_parse(names.records[i].data, lookups->arena, &name) &&
            is_validated(lookups, name))
            lookups->validated[lookups->validated_count++] = name;
    }
}

/* Every term that wants the names is void where the look-up was, also when it is remembered. */
void spf_lookup_validated(struct spf_lookups *lookups)
{
    bool has_void = lookups->term_has_void;
    if (!lookups->has_validated) {
        lookups->has_validated = true;
        lookups->term_has_void = false;
        validate_names(lookups);
        lookups->validated_has_void = lookups->term_has_void;
    }
    lookups->term_has_void = has_void || lookups->validated_has_void;
}
