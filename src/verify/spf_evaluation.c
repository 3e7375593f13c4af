#include "verify/spf_evaluation.h"

#include "verify/domain.h"

#include <inttypes.h>

/* ---- The query ----------------------------------------------------------------------------- */

/* Sections 2.4 and 4.3: without a reverse-path, or without a local part, it is the postmaster. */
static struct spf_sender split_sender(const struct spf_query *query)
{
    struct spf_sender sender = {STR("postmaster"), query->sender, query->sender.len == 0};
    if (sender.is_helo) {
        sender.domain = query->helo;
        return sender;
    }
    size_t at = str_find_last(query->sender, '@');
    if (at != SIZE_MAX) {
        sender.domain = str_from(query->sender, at + 1);
        if (at > 0)
            sender.local = str_first(query->sender, at);
    }
    return sender;
}

static struct net_address unmapped(struct net_address client)
{
    const struct in6_addr *ip6 = &client.socket.v6.sin6_addr;
    if (client.socket.any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(ip6))
        return client;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = client.socket.v6.sin6_port};
    memcpy(&v4.sin_addr, ip6->s6_addr + 12, 4);
    return net_address_from((const struct sockaddr *)&v4, sizeof v4);
}

/* RFC 8616 section 4: U-labels are A-labels before anything else. */
static struct str ascii_if_name(struct arena *arena, struct str domain)
{
    struct str ascii;
    return domain_to_ascii(arena, domain, &ascii) ? domain : ascii;
}

/* Dotted nibbles for IPv6. In upper case, as the RFC 7208 test suite wants it; a name in the DNS
 * is the same in either. */
static struct str dotted(struct arena *arena, const struct net_address *client)
{
    if (client->socket.any.sa_family == AF_INET)
        return net_address_print_ip(arena, client);
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t *bytes = client->socket.v6.sin6_addr.s6_addr;
    char text[64];
    for (size_t i = 0; i < 16; i++) {
        text[4 * i] = digits[bytes[i] >> 4];
        text[4 * i + 2] = digits[bytes[i] & 0xf];
        text[4 * i + 1] = text[4 * i + 3] = '.';
    }
    return arena_copy(arena, str_make(text, 63));
}

static void set_fixed_values(struct spf_evaluation *evaluation)
{
    const struct spf_sender *sender = &evaluation->sender;
    struct arena *arena = evaluation->arena;
    const struct net_address *client = &evaluation->lookups.client;
    struct str *of = evaluation->values.of;
    bool is_ip4 = client->socket.any.sa_family == AF_INET;
    struct str receiver = evaluation->query->receiver;
    int64_t seconds = evaluation->query->wall_us / 1000000;
    of[SPF_MACRO('l')] = sender->local;
    of[SPF_MACRO('o')] = sender->domain;
    of[SPF_MACRO('s')] =
        arena_printf(arena, "%.*s@%.*s", STR_FMT(sender->local), STR_FMT(sender->domain));
    of[SPF_MACRO('i')] = dotted(arena, client);
    of[SPF_MACRO('c')] = net_address_print_ip(arena, client);
    of[SPF_MACRO('h')] = ascii_if_name(arena, evaluation->query->helo);
    of[SPF_MACRO('v')] = is_ip4 ? STR("in-addr") : STR("ip6");
    of[SPF_MACRO('r')] = receiver.len ? receiver : STR("unknown");
    of[SPF_MACRO('t')] = arena_printf(arena, "%" PRId64, seconds);
    of[SPF_MACRO('p')] = STR("unknown");
}

void spf_evaluation_init(struct spf_evaluation *evaluation, struct resolver *resolver,
                         const struct spf_query *query, uint64_t deadline_ms, struct arena *arena)
{
    *evaluation = (struct spf_evaluation){
        .query = query,
        .sender = split_sender(query),
        .lookups = {.resolver = resolver,
                    .client = unmapped(query->client),
                    .deadline_ms = deadline_ms,
                    .arena = arena},
        .arena = arena,
    };
    evaluation->sender.domain = ascii_if_name(arena, evaluation->sender.domain);
    set_fixed_values(evaluation);
}

/* ---- Names --------------------------------------------------------------------------------- */

/* Section 7.3: the domain itself, else a name below it, else any. */
static struct str choose_validated(const struct spf_lookups *lookups, struct str domain)
{
    struct str chosen = lookups->validated_count ? lookups->validated[0] : STR("unknown");
    bool has_below = false;
    for (size_t i = 0; i < lookups->validated_count; i++) {
        struct str name = lookups->validated[i];
        if (str_eq_nocase(name, domain))
            return name;
        if (!has_below && domain_is_within(name, domain)) {
            chosen = name;
            has_below = true;
        }
    }
    return chosen;
}

/* The values that depend on the domain in hand. False: %{p} was one look-up too many. */
bool spf_evaluation_set_values(struct spf_evaluation *evaluation, struct str domain,
                               struct str text)
{
    struct spf_lookups *lookups = &evaluation->lookups;
    evaluation->values.of[SPF_MACRO('d')] = domain;
    if (!spf_macro_uses(text, 'p'))
        return true;
    if (!lookups->has_validated && ++lookups->terms > SPF_TERMS_MAX)
        return false;
    spf_lookup_validated(lookups);
    evaluation->values.of[SPF_MACRO('p')] = choose_validated(lookups, domain);
    return true;
}

/* False: too many look-ups. A target that nothing can match is empty. */
bool spf_evaluation_expand(struct spf_evaluation *evaluation, struct str domain, struct str spec,
                           struct str *out_target)
{
    if (!spf_evaluation_set_values(evaluation, domain, spec))
        return false;
    if (spf_macro_expand_domain(evaluation->arena, spec, &evaluation->values, out_target))
        *out_target = STR_EMPTY;
    return true;
}
