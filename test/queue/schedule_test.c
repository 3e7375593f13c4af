#include "queue/schedule.h"

#include "test.h"

static const struct queue_schedule schedule = {
    .first = 60, .max = 14400, .warn = 14400, .expire = 432000};

TEST(pauses_double_up_to_the_longest_within_20_percent)
{
    struct random random = random_seeded(3);
    for (uint32_t failures = 1; failures < 300; failures++) {
        uint64_t middle = failures > 8 ? 14400 : (uint64_t)60 << (failures - 1);
        uint64_t least = UINT64_MAX, most = 0;
        for (int i = 0; i < 200; i++) {
            uint64_t pause = queue_schedule_pause_s(&schedule, failures, &random);
            least = pause < least ? pause : least;
            most = pause > most ? pause : most;
        }
        CHECK(least >= middle * 8 / 10 && most <= middle * 12 / 10);
        CHECK(least < middle * 9 / 10 && most > middle * 11 / 10); /* the jitter is really there */
    }
}

TEST(there_is_always_a_pause)
{
    struct random random = random_seeded(3);
    struct queue_schedule fast = {.first = 1, .max = 1, .expire = 10};
    for (int i = 0; i < 100; i++)
        CHECK(queue_schedule_pause_s(&fast, 1, &random) >= 1);
}

TEST(the_last_attempt_comes_when_the_time_is_over)
{
    struct random random = random_seeded(3);
    int64_t now = 1000000, arrived = now - 432000 + 100;
    CHECK_INT(queue_schedule_due_s(&schedule, arrived, now, 20, &random), now + 100);
    CHECK(queue_schedule_due_s(&schedule, arrived - 200, now, 20, &random) >= now + 14400 * 8 / 10);
}

static const struct {
    const char *row;
    int64_t age;
    bool warning, expired;
} ages[] = {
    {"new mail", 0, false, false},          {"a second before the warning", 14399, false, false},
    {"at the warning", 14400, true, false}, {"a second before the end", 431999, true, false},
    {"at the end", 432000, true, true},     {"a clock that went back", -5000, false, false},
};

TEST(warning_and_end_come_with_age)
{
    for (size_t i = 0; i < ARRAY_LEN(ages); i++) {
        CHECK_ROW(ages[i].row, queue_schedule_wants_warning(
                                   &schedule, 10000, 10000 + ages[i].age) == ages[i].warning);
        CHECK_ROW(ages[i].row, queue_schedule_is_expired(&schedule, 10000, 10000 + ages[i].age) ==
                                   ages[i].expired);
    }
    struct queue_schedule silent = {.first = 60, .max = 60, .expire = 100};
    CHECK(!queue_schedule_wants_warning(&silent, 0, 1000000));
}

int main(void)
{
    RUN(pauses_double_up_to_the_longest_within_20_percent);
    RUN(there_is_always_a_pause);
    RUN(the_last_attempt_comes_when_the_time_is_over);
    RUN(warning_and_end_come_with_age);
    return test_summary();
}
