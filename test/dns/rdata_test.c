#include "dns/resolver.h"

#include "test.h"

TEST(mx_data)
{
    struct arena arena = arena_make();
    struct dns_mx mx = {0};
    REQUIRE(dns_mx_parse(STR("\0\12\2mx\7example\0"), &arena, &mx) == OK);
    CHECK_INT(mx.preference, 10);
    CHECK_STR(mx.host, STR("mx.example"));
    REQUIRE(dns_mx_parse(STR("\xff\xff\0"), &arena, &mx) == OK);
    CHECK_INT(mx.preference, 65535);
    CHECK_STR(mx.host, STR(""));
    CHECK_INT(dns_mx_parse(STR("\0\12"), &arena, &mx), ERR_SYNTAX);
    CHECK_INT(dns_mx_parse(STR("\0\12\2mx\0x"), &arena, &mx), ERR_SYNTAX);
    CHECK_INT(dns_mx_parse(STR("\0\12\xc0\0"), &arena, &mx), ERR_SYNTAX);
    CHECK_INT(dns_mx_parse(STR(""), &arena, &mx), ERR_SYNTAX);
    arena_reset(&arena);
}

TEST(text_strings_are_joined)
{
    struct arena arena = arena_make();
    struct str text = STR_EMPTY;
    REQUIRE(dns_txt_parse(STR("\5v=spf\2"
                              "1 \4-all"),
                          &arena, &text) == OK);
    CHECK_STR(text, STR("v=spf1 -all"));
    REQUIRE(dns_txt_parse(STR("\0"), &arena, &text) == OK);
    CHECK_STR(text, STR(""));
    CHECK_INT(dns_txt_parse(STR(""), &arena, &text), ERR_SYNTAX);
    CHECK_INT(dns_txt_parse(STR("\5v=sp"), &arena, &text), ERR_SYNTAX);
    CHECK_INT(dns_txt_parse(STR("\1a\xff"), &arena, &text), ERR_SYNTAX);
    arena_reset(&arena);
}

TEST(addresses)
{
    struct arena arena = arena_make();
    struct net_address address;
    REQUIRE(dns_address_parse(STR("\xc0\0\2\1"), DNS_A, &address) == OK);
    CHECK_STR(net_address_print_ip(&arena, &address), STR("192.0.2.1"));
    REQUIRE(dns_address_parse(STR("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), DNS_AAAA, &address) ==
            OK);
    CHECK_STR(net_address_print_ip(&arena, &address), STR("2001:db8::1"));
    CHECK_INT(dns_address_parse(STR("\xc0\0\2"), DNS_A, &address), ERR_SYNTAX);
    CHECK_INT(dns_address_parse(STR("\xc0\0\2\1"), DNS_AAAA, &address), ERR_SYNTAX);
    arena_reset(&arena);
}

TEST(reverse_names)
{
    struct arena arena = arena_make();
    struct net_address address;
    REQUIRE(net_address_parse_ip(STR("192.0.2.1"), &address) == OK);
    CHECK_STR(dns_reverse_name(&arena, &address), STR("1.2.0.192.in-addr.arpa"));
    REQUIRE(net_address_parse_ip(STR("2001:db8::567:89ab"), &address) == OK);
    CHECK_STR(dns_reverse_name(&arena, &address),
              STR("b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"));
    arena_reset(&arena);
}

int main(void)
{
    RUN(mx_data);
    RUN(text_strings_are_joined);
    RUN(addresses);
    RUN(reverse_names);
    return test_summary();
}
