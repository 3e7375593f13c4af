#include "net/interfaces.h"

#include "test.h"

TEST(an_interface_has_a_loopback_address)
{
    struct arena arena = arena_make();
    struct net_address *addresses;
    size_t count, loopback = 0;
    REQUIRE(interfaces_list(&arena, &addresses, &count) == OK);
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(net_address_port(&addresses[i]), 0);
        loopback += net_address_is_loopback(&addresses[i]);
    }
    CHECK(loopback > 0);
    arena_reset(&arena);
}

int main(void)
{
    RUN(an_interface_has_a_loopback_address);
    return test_summary();
}
