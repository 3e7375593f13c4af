#include "base/map.h"
#include "base/random.h"
#include "test.h"

TEST(an_empty_map_has_nothing)
{
    struct map map = map_make();
    size_t position = 0;
    CHECK(map_get(&map, STR("a")) == NULL);
    CHECK(map_remove(&map, STR("a")) == NULL);
    CHECK(map_next(&map, &position) == NULL);
    map_done(&map);
}

TEST(setting_replaces_and_returns_the_old_value)
{
    struct map map = map_make();
    int first, second;
    CHECK(map_set(&map, STR("key"), &first) == NULL);
    CHECK(map_set(&map, STR("key"), &second) == &first);
    CHECK(map_get(&map, STR("key")) == &second);
    CHECK_INT(map.count, 1);
    CHECK(map_remove(&map, STR("key")) == &second);
    CHECK(map_get(&map, STR("key")) == NULL);
    map_done(&map);
}

/* The old key may be freed together with the old value. */
TEST(setting_replaces_the_key_too)
{
    struct map map = map_make();
    char old_key[] = "key";
    char new_key[] = "key";
    map_set(&map, str_of(old_key), old_key);
    map_set(&map, str_of(new_key), new_key);
    old_key[0] = 'x';
    CHECK(map_get(&map, STR("key")) == new_key);
    map_done(&map);
}

TEST(keys_may_hold_any_byte)
{
    struct map map = map_make();
    int values[4];
    map_set(&map, STR(""), &values[0]);
    map_set(&map, STR("\0"), &values[1]);
    map_set(&map, STR("\0\0"), &values[2]);
    map_set(&map, STR("12345678\0"), &values[3]);
    CHECK(map_get(&map, STR("")) == &values[0]);
    CHECK(map_get(&map, STR("\0")) == &values[1]);
    CHECK(map_get(&map, STR("\0\0")) == &values[2]);
    CHECK(map_get(&map, STR("12345678")) == NULL);
    map_done(&map);
}

#define KEYS 300

static char keys[KEYS][8];

static bool walk_finds(const struct map *map, const bool *is_in)
{
    bool seen[KEYS] = {0};
    size_t position = 0;
    for (const struct map_entry *entry; (entry = map_next(map, &position));) {
        size_t i = (size_t)((char(*)[8])entry->value - keys);
        if (seen[i] || !is_in[i])
            return false;
        seen[i] = true;
    }
    return memcmp(seen, is_in, sizeof seen) == 0;
}

TEST(any_mixture_of_changes_is_remembered)
{
    struct map map = map_make();
    struct random random = random_seeded(5);
    bool is_in[KEYS] = {0};
    for (size_t i = 0; i < KEYS; i++)
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
    for (int round = 0; round < 50000; round++) {
        size_t i = random_below(&random, KEYS);
        void *old = is_in[i] ? keys[i] : NULL;
        is_in[i] = random_below(&random, 2);
        if (is_in[i])
            REQUIRE(map_set(&map, str_of(keys[i]), keys[i]) == old);
        else
            REQUIRE(map_remove(&map, str_of(keys[i])) == old);
        size_t other = random_below(&random, KEYS);
        REQUIRE(map_get(&map, str_of(keys[other])) == (is_in[other] ? keys[other] : NULL));
    }
    CHECK(walk_finds(&map, is_in));
    map_done(&map);
}

int main(void)
{
    RUN(an_empty_map_has_nothing);
    RUN(setting_replaces_and_returns_the_old_value);
    RUN(setting_replaces_the_key_too);
    RUN(keys_may_hold_any_byte);
    RUN(any_mixture_of_changes_is_remembered);
    return test_summary();
}
