#include "verify/iprev.h"

struct str iprev_result_text(enum iprev_result result)
{
    static const char *const texts[] = {
        [IPREV_PASS] = "pass",
        [IPREV_FAIL] = "fail",
        [IPREV_TEMPERROR] = "temperror",
        [IPREV_PERMERROR] = "permerror",
    };
    return str_of(texts[result]);
}

static bool has_address(const struct dns_answer *answer, enum dns_type type,
                        const struct net_address *client)
{
    for (size_t i = 0; i < answer->count; i++) {
        struct net_address address;
        if (dns_address_parse(answer->records[i].data, type, &address))
            continue;
        net_address_set_port(&address, net_address_port(client));
        if (net_address_eq(&address, client))
            return true;
    }
    return false;
}

static MAY_YIELD enum iprev_result check_name(struct resolver *resolver, struct str name,
                                              const struct net_address *client,
                                              uint64_t deadline_ms, struct arena *arena)
{
    enum dns_type type = client->socket.any.sa_family == AF_INET6 ? DNS_AAAA : DNS_A;
    struct dns_answer answer;
    enum err err = dns_ask(resolver, name, type, deadline_ms, arena, &answer);
    if (err == ERR_SYNTAX)
        return IPREV_FAIL;
    if (err || answer.result == DNS_FAILED)
        return IPREV_TEMPERROR;
    return has_address(&answer, type, client) ? IPREV_PASS : IPREV_FAIL;
}

static MAY_YIELD enum iprev_result check_names(struct resolver *resolver,
                                               const struct dns_answer *names,
                                               const struct net_address *client,
                                               uint64_t deadline_ms, struct arena *arena,
                                               struct str *out_name)
{
    enum iprev_result worst = IPREV_FAIL;
    for (size_t i = 0; i < min_size(names->count, IPREV_NAMES_MAX); i++) {
        struct str name;
        if (dns_name_parse(names->records[i].data, arena, &name))
            continue;
        enum iprev_result result = check_name(resolver, name, client, deadline_ms, arena);
        if (result == IPREV_PASS) {
            *out_name = name;
            return IPREV_PASS;
        }
        if (result == IPREV_TEMPERROR)
            worst = IPREV_TEMPERROR;
    }
    return worst;
}

enum iprev_result iprev_check(struct resolver *resolver, const struct net_address *client,
                              uint64_t deadline_ms, struct arena *arena, struct str *out_name)
{
    struct str reverse = dns_reverse_name(arena, client);
    struct dns_answer names;
    *out_name = STR_EMPTY;
    enum err err = dns_ask(resolver, reverse, DNS_PTR, deadline_ms, arena, &names);
    if (err || names.result == DNS_FAILED)
        return IPREV_TEMPERROR;
    if (names.count == 0)
        return IPREV_PERMERROR;
    return check_names(resolver, &names, client, deadline_ms, arena, out_name);
}
