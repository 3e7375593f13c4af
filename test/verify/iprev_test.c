#include "verify/iprev.h"

#include "verify/zone.h"

static const struct zone_row zone[] = {
    {"1.2.0.192.in-addr.arpa", DNS_PTR, "other.example.org"},
    {"1.2.0.192.in-addr.arpa", DNS_PTR, "mail.example.org"},
    {"mail.example.org", DNS_A, "192.0.2.1"},
    {"mail.example.org", DNS_AAAA, "2001:db8::1"},
    {"other.example.org", DNS_A, "192.0.2.99"},
    {"2.2.0.192.in-addr.arpa", DNS_PTR, "other.example.org"},
    {"3.2.0.192.in-addr.arpa", DNS_PTR, NULL},
    {"5.2.0.192.in-addr.arpa", DNS_PTR, "down.example.org"},
    {"5.2.0.192.in-addr.arpa", DNS_PTR, "other.example.org"},
    {"down.example.org", DNS_A, NULL},
    {"6.2.0.192.in-addr.arpa", DNS_PTR, "nowhere.example.org"},
    {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", DNS_PTR,
     "mail.example.org"},
};

/* RFC 8601 section 2.7.3 */
TEST_VIRTUAL(results_of_iprev)
{
    static const struct {
        const char *row, *ip, *want, *name;
    } rows[] = {
        {"one of the names leads back", "192.0.2.1", "pass", "mail.example.org"},
        {"IPv6", "2001:db8::1", "pass", "mail.example.org"},
        {"a name that leads elsewhere", "192.0.2.2", "fail", ""},
        {"a name that does not exist", "192.0.2.6", "fail", ""},
        {"the reverse look-up fails", "192.0.2.3", "temperror", ""},
        {"one forward look-up fails", "192.0.2.5", "temperror", ""},
        {"no name is published", "192.0.2.4", "permerror", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_make();
        struct resolver *resolver = zone_resolver(zone, ARRAY_LEN(zone));
        struct net_address client;
        struct str name;
        REQUIRE(net_address_parse_ip(str_of(rows[i].ip), &client) == OK);
        net_address_set_port(&client, 40000);
        enum iprev_result result = iprev_check(resolver, &client, soon(), &arena, &name);
        CHECK_ROW(rows[i].row, str_eq(iprev_result_text(result), str_of(rows[i].want)));
        CHECK_STR(name, str_of(rows[i].name));
        arena_reset(&arena);
        resolver_free(resolver);
    }
}

int main(void)
{
    RUN(results_of_iprev);
    return test_summary();
}
