/* Addresses that do not answer are remembered for a while, and not too many of them. */
#include "deliver/dead_addresses.h"

#include "test.h"

#include <stdio.h>

static struct dead_addresses dead;

static struct net_address address(unsigned number)
{
    char text[40];
    struct net_address parsed;
    snprintf(text, sizeof text, "192.0.%u.%u:25", number / 256, number % 256);
    if (net_address_parse(str_of(text), 0, &parsed))
        abort();
    return parsed;
}

static bool has(unsigned number, uint64_t now_ms)
{
    struct net_address asked = address(number);
    return dead_addresses_has(&dead, &asked, now_ms);
}

static void add(unsigned number, uint64_t now_ms)
{
    struct net_address added = address(number);
    dead_addresses_add(&dead, &added, now_ms);
}

TEST(they_are_forgotten_after_some_minutes)
{
    dead = (struct dead_addresses){0};
    CHECK(!has(0, 0));
    add(0, 1000);
    CHECK(has(0, 1000) && has(0, 1000 + DEAD_ADDRESS_MS - 1) && !has(1, 1000));
    CHECK(!has(0, 1000 + DEAD_ADDRESS_MS));
    add(0, 2000 + DEAD_ADDRESS_MS);
    CHECK(has(0, 2000 + DEAD_ADDRESS_MS));
}

TEST(one_that_answers_is_forgotten)
{
    dead = (struct dead_addresses){0};
    add(1, 0);
    add(2, 0);
    struct net_address answers = address(1);
    dead_addresses_remove(&dead, &answers);
    CHECK(!has(1, 0) && has(2, 0));
    dead_addresses_remove(&dead, &answers);
}

TEST(another_port_is_another_address)
{
    dead = (struct dead_addresses){0};
    add(1, 0);
    struct net_address other = address(1);
    net_address_set_port(&other, 26);
    CHECK(!dead_addresses_has(&dead, &other, 0));
}

TEST(the_oldest_gives_way)
{
    dead = (struct dead_addresses){0};
    for (unsigned i = 0; i < DEAD_ADDRESSES_MAX; i++)
        add(i, i);
    add(0, 1000); /* again: the second is the oldest now */
    add(DEAD_ADDRESSES_MAX, 1000);
    CHECK(has(0, 1000) && !has(1, 1000) && has(2, 1000) && has(DEAD_ADDRESSES_MAX, 1000));
}

TEST(they_are_put_last_and_all_keep_their_order)
{
    dead = (struct dead_addresses){0};
    add(1, 0);
    add(3, 0);
    struct targets targets = {.count = 5};
    for (unsigned i = 0; i < 5; i++)
        targets.at[i].address = address(i);
    dead_addresses_put_last(&dead, &targets, 0);
    static const unsigned want[] = {0, 2, 4, 1, 3};
    for (size_t i = 0; i < 5; i++) {
        struct net_address expected = address(want[i]);
        CHECK(net_address_eq(&targets.at[i].address, &expected));
    }
    dead_addresses_put_last(NULL, &targets, 0);
    CHECK_INT(targets.count, 5);
}

int main(void)
{
    RUN(they_are_forgotten_after_some_minutes);
    RUN(one_that_answers_is_forgotten);
    RUN(another_port_is_another_address);
    RUN(the_oldest_gives_way);
    RUN(they_are_put_last_and_all_keep_their_order);
    return test_summary();
}
