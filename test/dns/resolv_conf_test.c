#include "dns/resolv_conf.h"

#include "test.h"

TEST(servers_are_found_and_the_rest_is_skipped)
{
    struct arena arena = arena_make();
    struct net_address servers[RESOLV_CONF_SERVERS_MAX];
    struct str text = STR("# a comment\nsearch example.org\nnameserver 192.0.2.1\n"
                          "nameserver\t2001:db8::1 \r\nnameserverx 192.0.2.9\nnameserver\n"
                          " nameserver 192.0.2.8\nnameserver dns.example\n"
                          "nameserver 192.0.2.2 # near\nnameserver 192.0.2.3");
    REQUIRE(resolv_conf_parse(text, servers) == 3);
    CHECK_STR(net_address_print(&arena, &servers[0]), STR("192.0.2.1:53"));
    CHECK_STR(net_address_print(&arena, &servers[1]), STR("[2001:db8::1]:53"));
    CHECK_STR(net_address_print(&arena, &servers[2]), STR("192.0.2.2:53"));
    CHECK_INT(resolv_conf_parse(STR(""), servers), 0);
    CHECK_INT(resolv_conf_parse(STR("nameserver 192.0.2.1"), servers), 1);
    CHECK_INT(resolv_conf_read("/nonexistent/resolv.conf", servers), 0);
    arena_reset(&arena);
}

int main(void)
{
    RUN(servers_are_found_and_the_rest_is_skipped);
    return test_summary();
}
