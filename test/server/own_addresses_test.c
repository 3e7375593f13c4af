/* Where the server takes mail, as deliveries are to know it. */
#include "server/own_addresses.h"

#include "test.h"

static struct net_address parse(const char *text)
{
    struct net_address address;
    if (net_address_parse(str_of(text), 0, &address) &&
        net_address_parse_ip(str_of(text), &address))
        abort();
    return address;
}

static bool has(const struct own_addresses *own, const char *text)
{
    struct net_address wanted = parse(text);
    for (size_t i = 0; i < own->count; i++)
        if (net_address_eq(&own->at[i], &wanted))
            return true;
    return false;
}

TEST(a_listener_on_all_addresses_is_each_interface_of_its_family)
{
    struct arena arena = arena_make();
    struct net_address mx[] = {parse("0.0.0.0:25"), parse("[2001:db8::1]:25")};
    struct net_address submission[] = {parse("[::]:587"), parse("unix:/run/submission")};
    struct config_listener listeners[] = {{.binds = mx, .bind_count = 2},
                                          {.binds = submission, .bind_count = 2}};
    struct config config = {.listeners = listeners, .listener_count = 2};
    struct net_address interfaces[] = {parse("127.0.0.1"), parse("192.0.2.1"),
                                       parse("2001:db8::2")};
    struct own_addresses own = own_addresses_of(&config, interfaces, 3, &arena);
    static const char *const want[] = {"0.0.0.0:25",          "127.0.0.1:25", "192.0.2.1:25",
                                       "[2001:db8::1]:25",    "[::]:587",     "[2001:db8::2]:587",
                                       "unix:/run/submission"};
    CHECK_INT(own.count, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        CHECK_ROW(want[i], has(&own, want[i]));
    arena_reset(&arena);
}

TEST(without_listeners_there_are_none)
{
    struct arena arena = arena_make();
    struct config config = {0};
    CHECK_INT(own_addresses_of(&config, NULL, 0, &arena).count, 0);
    arena_reset(&arena);
}

int main(void)
{
    RUN(a_listener_on_all_addresses_is_each_interface_of_its_family);
    RUN(without_listeners_there_are_none);
    return test_summary();
}
