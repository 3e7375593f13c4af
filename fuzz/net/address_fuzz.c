/* Laws: what is printed parses to the same address; an IP printed alone does so as well. */
#include "net/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ip(struct arena *arena, const struct net_address *address)
{
    struct net_address again;
    assert(net_address_parse_ip(net_address_print_ip(arena, address), &again) == OK);
    net_address_set_port(&again, net_address_port(address));
    assert(net_address_eq(address, &again));
    assert(net_address_client_key(address).len <= 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    struct arena arena = arena_make();
    struct net_address address;
    if (net_address_parse(text, 25, &address) == OK) {
        struct net_address again;
        assert(net_address_parse(net_address_print(&arena, &address), 0, &again) == OK);
        assert(net_address_eq(&address, &again));
        if (address.socket.any.sa_family != AF_UNIX)
            check_ip(&arena, &address);
        net_address_print_literal(&arena, &address);
    }
    if (net_address_parse_ip(text, &address) == OK)
        check_ip(&arena, &address);
    arena_reset(&arena);
    return 0;
}
