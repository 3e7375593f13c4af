#include "net/address.h"

#include "test.h"

static const struct {
    const char *row;
    const char *text;
    uint16_t default_port;
    const char *printed; /* NULL: ERR_SYNTAX */
    const char *literal;
} addresses[] = {
    {"an IPv4 address with a port", "192.0.2.1:25", 0, "192.0.2.1:25", "[192.0.2.1]"},
    {"a default port", "192.0.2.1", 25, "192.0.2.1:25", "[192.0.2.1]"},
    {"a given port wins", "192.0.2.1:26", 25, "192.0.2.1:26", "[192.0.2.1]"},
    {"port zero, for any", "127.0.0.1:0", 0, "127.0.0.1:0", "[127.0.0.1]"},
    {"IPv6 in brackets", "[2001:db8::1]:25", 0, "[2001:db8::1]:25", "[IPv6:2001:db8::1]"},
    {"IPv6 with a default port", "[::]", 25, "[::]:25", "[IPv6:::]"},
    {"a mapped address is IPv4", "[::ffff:192.0.2.1]:25", 0, "192.0.2.1:25", "[192.0.2.1]"},
    {"a long form is shortened", "[2001:DB8:0:0:0:0:0:1]:25", 0, "[2001:db8::1]:25",
     "[IPv6:2001:db8::1]"},
    {"a UNIX socket", "unix:/run/x", 0, "unix:/run/x", "unix:/run/x"},
    {"a missing port", "192.0.2.1", 0, NULL, NULL},
    {"an empty port", "192.0.2.1:", 25, NULL, NULL},
    {"a port too high", "192.0.2.1:65536", 0, NULL, NULL},
    {"a port with a sign", "192.0.2.1:+25", 0, NULL, NULL},
    {"a port with many zeros", "192.0.2.1:000025", 0, NULL, NULL},
    {"bare IPv6 is ambiguous", "2001:db8::1", 25, NULL, NULL},
    {"IPv4 in brackets", "[192.0.2.1]:25", 0, NULL, NULL},
    {"an open bracket", "[::1", 25, NULL, NULL},
    {"text behind the bracket", "[::1]25", 25, NULL, NULL},
    {"a zone", "[fe80::1%eth0]:25", 0, NULL, NULL},
    {"a leading zero", "192.0.02.1:25", 0, NULL, NULL},
    {"three numbers", "192.0.2:25", 0, NULL, NULL},
    {"a number too high", "192.0.2.256:25", 0, NULL, NULL},
    {"a blank", " 192.0.2.1:25", 0, NULL, NULL},
    {"a name", "localhost:25", 0, NULL, NULL},
    {"nothing", "", 25, NULL, NULL},
    {"an empty path", "unix:", 0, NULL, NULL},
};

TEST(addresses_are_parsed_and_printed)
{
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        const char *row = addresses[i].row;
        struct net_address address;
        enum err err =
            net_address_parse(str_of(addresses[i].text), addresses[i].default_port, &address);
        CHECK_ROW(row, (err == OK) == (addresses[i].printed != NULL));
        if (err || !addresses[i].printed)
            continue;
        CHECK_ROW(row, str_eq(net_address_print(&arena, &address), str_of(addresses[i].printed)));
        CHECK_ROW(
            row, str_eq(net_address_print_literal(&arena, &address), str_of(addresses[i].literal)));
        struct net_address again;
        REQUIRE(net_address_parse(str_of(addresses[i].printed), 0, &again) == OK);
        CHECK_ROW(row, net_address_eq(&address, &again));
    }
    arena_reset(&arena);
}

TEST(a_nul_does_not_hide_the_rest)
{
    struct net_address address;
    CHECK(net_address_parse(str_make("192.0.2.1\0:25", 13), 25, &address) == ERR_SYNTAX);
    CHECK(net_address_parse_ip(str_make("192.0.2.1\0x", 11), &address) == ERR_SYNTAX);
    CHECK(net_address_parse(str_make("unix:/a\0b", 9), 0, &address) == ERR_SYNTAX);
}

TEST(a_path_that_does_not_fit_is_refused)
{
    char text[200] = "unix:/";
    memset(text + 6, 'a', sizeof text - 7);
    struct net_address address;
    CHECK(net_address_parse(str_make(text, 5 + 107), 0, &address) == OK);
    CHECK(net_address_parse(str_make(text, 5 + 108), 0, &address) == ERR_SYNTAX);
}

static struct net_address ip(const char *text)
{
    struct net_address address = {0};
    CHECK_ROW(text, net_address_parse_ip(str_of(text), &address) == OK);
    return address;
}

TEST(ip_addresses_are_printed_alone)
{
    struct arena arena = arena_make();
    struct net_address v4 = ip("192.0.2.1");
    struct net_address v6 = ip("2001:db8::1");
    CHECK_STR(net_address_print_ip(&arena, &v4), STR("192.0.2.1"));
    CHECK_STR(net_address_print_ip(&arena, &v6), STR("2001:db8::1"));
    CHECK_INT(net_address_port(&v4), 0);
    arena_reset(&arena);
}

static bool same_client(const char *a, const char *b)
{
    struct net_address one = ip(a);
    struct net_address other = ip(b);
    return str_eq(net_address_client_key(&one), net_address_client_key(&other));
}

TEST(clients_are_counted_by_ipv4_address_and_ipv6_64)
{
    CHECK(same_client("192.0.2.1", "192.0.2.1"));
    CHECK(same_client("192.0.2.1", "::ffff:192.0.2.1"));
    CHECK(!same_client("192.0.2.1", "192.0.2.2"));
    CHECK(same_client("2001:db8:1:2::1", "2001:db8:1:2:ffff::"));
    CHECK(!same_client("2001:db8:1:2::1", "2001:db8:1:3::1"));
}

TEST(loopback_is_recognised)
{
    struct net_address yes[] = {ip("127.0.0.1"), ip("127.255.0.1"), ip("::1"),
                                ip("::ffff:127.0.0.1")};
    struct net_address no[] = {ip("128.0.0.1"), ip("::2"), ip("::"), ip("0.0.0.0")};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        CHECK(net_address_is_loopback(&yes[i]));
        CHECK(!net_address_is_loopback(&no[i]));
    }
}

static const struct {
    const char *row;
    const char *range; /* with `ip` NULL: must be refused */
    const char *ip;
    bool has;
} ranges[] = {
    {"the first of a /28", "192.0.2.0/28", "192.0.2.0", true},
    {"the last of a /28", "192.0.2.0/28", "192.0.2.15", true},
    {"behind a /28", "192.0.2.0/28", "192.0.2.16", false},
    {"a single address", "192.0.2.7", "192.0.2.7", true},
    {"not the single address", "192.0.2.7", "192.0.2.6", false},
    {"everything", "0.0.0.0/0", "255.255.255.255", true},
    {"IPv4 everything is not IPv6", "0.0.0.0/0", "::1", false},
    {"IPv6 everything is not IPv4", "::/0", "192.0.2.1", false},
    {"a mapped client in an IPv4 range", "192.0.2.0/24", "::ffff:192.0.2.9", true},
    {"a mapped range", "::ffff:192.0.2.0/120", "192.0.2.9", true},
    {"an IPv6 /32", "2001:db8::/32", "2001:db8:ffff::1", true},
    {"beside an IPv6 /32", "2001:db8::/32", "2001:db9::1", false},
    {"an IPv6 /33", "2001:db8:8000::/33", "2001:db8:7fff::", false},
    {"bits behind the prefix", "192.0.2.1/28", NULL, false},
    {"a prefix too long", "192.0.2.0/33", NULL, false},
    {"a mapped prefix too short", "::ffff:0:0/95", NULL, false},
    {"an IPv6 prefix too long", "::/129", NULL, false},
    {"an empty prefix", "192.0.2.0/", NULL, false},
    {"a sign", "192.0.2.0/+8", NULL, false},
    {"a mask", "192.0.2.0/255.255.255.0", NULL, false},
    {"half an address", "10/8", NULL, false},
    {"nothing", "", NULL, false},
};

TEST(ranges_hold_what_they_name)
{
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        struct net_range range;
        enum err err = net_range_parse(str_of(ranges[i].range), &range);
        CHECK_ROW(ranges[i].row, (err == OK) == (ranges[i].ip != NULL));
        if (err || !ranges[i].ip)
            continue;
        struct net_address address = ip(ranges[i].ip);
        CHECK_ROW(ranges[i].row, net_range_has(&range, &address) == ranges[i].has);
    }
}

TEST(private_ranges_are_recognised)
{
    static const struct {
        const char *range;
        bool is_private;
    } rows[] = {
        {"10.0.0.0/8", true}, {"172.17.0.0/16", true}, {"192.168.1.1", true},
        {"fd00::/64", true},  {"100.64.0.0/10", true}, {"8.0.0.0/6", false},
        {"127.0.0.1", false}, {"192.0.2.0/24", false}, {"2001:db8::/32", false},
        {"fe80::/64", true},  {"0.0.0.0/0", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct net_range range;
        REQUIRE(net_range_parse(str_of(rows[i].range), &range) == OK);
        CHECK_ROW(rows[i].range, net_range_is_private(&range) == rows[i].is_private);
    }
}

TEST(scopes_say_who_else_may_be_meant)
{
    static const struct {
        const char *ip;
        enum net_scope scope;
    } rows[] = {
        {"192.0.2.1", NET_SCOPE_PUBLIC},
        {"8.8.8.8", NET_SCOPE_PUBLIC},
        {"2001:db8::1", NET_SCOPE_PUBLIC},
        {"2606:4700::1", NET_SCOPE_PUBLIC},
        {"10.255.0.1", NET_SCOPE_PRIVATE},
        {"11.0.0.1", NET_SCOPE_PUBLIC},
        {"172.15.0.1", NET_SCOPE_PUBLIC},
        {"172.16.0.1", NET_SCOPE_PRIVATE},
        {"172.31.255.255", NET_SCOPE_PRIVATE},
        {"172.32.0.1", NET_SCOPE_PUBLIC},
        {"192.168.255.1", NET_SCOPE_PRIVATE},
        {"192.169.0.1", NET_SCOPE_PUBLIC},
        {"100.63.0.1", NET_SCOPE_PUBLIC},
        {"100.127.0.1", NET_SCOPE_PRIVATE},
        {"169.254.0.1", NET_SCOPE_LINK},
        {"127.255.255.254", NET_SCOPE_LOOPBACK},
        {"0.0.0.0", NET_SCOPE_NOWHERE},
        {"0.1.2.3", NET_SCOPE_NOWHERE},
        {"224.0.0.1", NET_SCOPE_NOWHERE},
        {"240.0.0.1", NET_SCOPE_NOWHERE},
        {"255.255.255.255", NET_SCOPE_NOWHERE},
        {"::", NET_SCOPE_NOWHERE},
        {"::1", NET_SCOPE_LOOPBACK},
        {"::2", NET_SCOPE_NOWHERE},
        {"::ffff:127.0.0.1", NET_SCOPE_LOOPBACK},
        {"::ffff:10.0.0.1", NET_SCOPE_PRIVATE},
        {"fc00::1", NET_SCOPE_PRIVATE},
        {"fdff::1", NET_SCOPE_PRIVATE},
        {"fe80::1", NET_SCOPE_LINK},
        {"fec0::1", NET_SCOPE_PRIVATE},
        {"ff02::1", NET_SCOPE_NOWHERE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct net_address address = ip(rows[i].ip);
        CHECK_ROW(rows[i].ip, net_address_scope(&address) == rows[i].scope);
    }
}

TEST(any_address_is_recognised)
{
    static const struct {
        const char *ip;
        bool is_any;
    } rows[] = {{"0.0.0.0", true}, {"::", true}, {"0.0.0.1", false}, {"::1", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct net_address address = ip(rows[i].ip);
        CHECK_ROW(rows[i].ip, net_address_is_any(&address) == rows[i].is_any);
    }
}

int main(void)
{
    RUN(addresses_are_parsed_and_printed);
    RUN(a_nul_does_not_hide_the_rest);
    RUN(a_path_that_does_not_fit_is_refused);
    RUN(ip_addresses_are_printed_alone);
    RUN(clients_are_counted_by_ipv4_address_and_ipv6_64);
    RUN(loopback_is_recognised);
    RUN(ranges_hold_what_they_name);
    RUN(private_ranges_are_recognised);
    RUN(scopes_say_who_else_may_be_meant);
    RUN(any_address_is_recognised);
    return test_summary();
}
