#include "base/clock.h"
#include "test.h"

TEST(the_system_clock_does_not_go_back)
{
    struct clock clock = clock_system();
    uint64_t before = clock_now_ms(&clock);
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_now_ms(&clock);
        REQUIRE(now >= before);
        before = now;
    }
}

TEST(the_wall_clock_is_in_this_century)
{
    struct clock clock = clock_system();
    CHECK(clock_wall_us(&clock) > INT64_C(1577836800000000)); /* 2020 */
    CHECK(clock_wall_us(&clock) < INT64_C(4102444800000000)); /* 2100 */
}

TEST(virtual_time_moves_only_when_told)
{
    struct clock clock = clock_virtual(1000000);
    CHECK_INT(clock_now_ms(&clock), 0);
    CHECK_INT(clock_wall_us(&clock), 1000000);
    clock.virtual_ms += 250;
    CHECK_INT(clock_now_ms(&clock), 250);
    CHECK_INT(clock_wall_us(&clock), 1250000);
}

int main(void)
{
    RUN(the_system_clock_does_not_go_back);
    RUN(the_wall_clock_is_in_this_century);
    RUN(virtual_time_moves_only_when_told);
    return test_summary();
}
