#include "base/random.h"
#include "test.h"

TEST(a_seed_repeats_its_sequence)
{
    struct random a = random_seeded(42);
    struct random b = random_seeded(42);
    for (int i = 0; i < 100; i++)
        CHECK(random_u64(&a) == random_u64(&b));
}

/* The published sequence of splitmix64 for the seed 1234567. */
TEST(the_sequence_is_splitmix64)
{
    struct random random = random_seeded(1234567);
    CHECK(random_u64(&random) == 6457827717110365317u);
    CHECK(random_u64(&random) == 3203168211198807973u);
    CHECK(random_u64(&random) == 9817491932198370423u);
}

TEST(a_bound_is_never_reached_and_everything_below_occurs)
{
    struct random random = random_seeded(6);
    const uint64_t bounds[] = {1, 2, 3, 7, 10};
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        unsigned counts[10] = {0};
        for (int draw = 0; draw < 1000; draw++) {
            uint64_t value = random_below(&random, bounds[i]);
            REQUIRE(value < bounds[i]);
            counts[value]++;
        }
        for (size_t value = 0; value < bounds[i]; value++)
            CHECK(counts[value] > 0);
    }
    CHECK(random_below(&random, UINT64_MAX) < UINT64_MAX);
}

TEST(the_kernel_fills_all_bytes)
{
    unsigned char bytes[1000] = {0};
    unsigned zeros = 0;
    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        zeros += bytes[i] == 0;
    CHECK(zeros < 50); /* about 4 */
    struct random random = random_system();
    CHECK(random_u64(&random) != random_u64(&random));
}

int main(void)
{
    RUN(a_seed_repeats_its_sequence);
    RUN(the_sequence_is_splitmix64);
    RUN(a_bound_is_never_reached_and_everything_below_occurs);
    RUN(the_kernel_fills_all_bytes);
    return test_summary();
}
