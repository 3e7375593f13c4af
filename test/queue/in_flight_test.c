#include "queue/in_flight.h"

#include "base/mem.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/postrider-in-flight-XXXXXX";
static struct in_flight_verdict verdict;

/* What stands in the file now is what a kill would leave. */
static struct in_flight *open_again(void)
{
    struct in_flight *in_flight = NULL;
    CHECK_INT(in_flight_open(path, 4, &verdict, &in_flight), OK);
    return in_flight;
}

static const struct {
    const char *row;
    spool_id found[4], suspects[4];
    spool_id culprit;
    size_t remaining;
} rules[] = {
    {"an end in order accuses nobody", {0}, {0}, 0, 0},
    {"all in flight become suspects", {30, 10, 0, 20}, {0}, 0, 3},
    {"one message in several slots is one suspect", {10, 10, 10}, {0}, 0, 1},
    {"a suspect that was not tried remains one", {0}, {10}, 0, 1},
    {"the only suspect in flight is the culprit", {10}, {10}, 10, 0},
    {"others in flight beside it are suspects", {20, 10, 30}, {10}, 10, 2},
    {"suspects that were not in flight remain", {10}, {10, 20, 30}, 10, 2},
    {"of two suspects in flight nobody can tell", {10, 20}, {10, 20}, 0, 2},
    {"a new message in flight is no culprit", {20}, {10}, 0, 2},
};

TEST(the_rule)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        in_flight_judge(rules[i].found, 4, rules[i].suspects, 4, &verdict);
        CHECK_ROW(rules[i].row, verdict.culprit == rules[i].culprit);
        CHECK_ROW(rules[i].row, verdict.suspect_count == rules[i].remaining);
        for (size_t n = 1; n < verdict.suspect_count; n++)
            CHECK_ROW(rules[i].row, verdict.suspects[n - 1] < verdict.suspects[n]);
    }
}

TEST(too_many_suspects_the_newest_remain)
{
    size_t count = IN_FLIGHT_SUSPECTS_MAX + 100;
    spool_id *ids = mem_alloc(count * sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = count - i;
    in_flight_judge(ids, count, NULL, 0, &verdict);
    CHECK_INT(verdict.suspect_count, IN_FLIGHT_SUSPECTS_MAX);
    CHECK_INT(verdict.suspects[0], 101);
    mem_free(ids);
}

TEST(a_kill_leaves_suspects_and_an_orderly_end_does_not)
{
    struct in_flight *killed = open_again();
    in_flight_set(killed, 0, 10);
    in_flight_set(killed, 3, 20);
    in_flight_set(killed, 1, 30);
    in_flight_set(killed, 1, 0); /* finished */
    struct in_flight *second = open_again();
    CHECK_INT(verdict.suspect_count, 2);
    CHECK_INT(verdict.culprit, 0);
    in_flight_close(second);
    in_flight_close(open_again());
    CHECK_INT(verdict.suspect_count, 0);
    in_flight_close(killed);
}

TEST(the_second_crash_of_the_only_suspect_is_its_own)
{
    struct in_flight *first = open_again();
    in_flight_set(first, 0, 10);
    in_flight_set(first, 1, 20);
    struct in_flight *second = open_again();
    in_flight_set(second, 0, 10);
    in_flight_set(second, 0, 0);
    in_flight_forgive(second, 10); /* it got through */
    in_flight_set(second, 0, 20);
    in_flight_set(second, 1, 99);
    struct in_flight *third = open_again();
    CHECK_INT(verdict.culprit, 20);
    CHECK_INT(verdict.suspect_count, 1);
    CHECK_INT(verdict.suspects[0], 99);
    in_flight_close(first);
    in_flight_close(second);
    in_flight_close(third);
}

TEST(another_number_of_slots_reads_the_old_file)
{
    struct in_flight *first = open_again();
    in_flight_set(first, 3, 10);
    struct in_flight *second;
    REQUIRE(in_flight_open(path, 9, &verdict, &second) == OK);
    CHECK_INT(verdict.suspect_count, 1);
    in_flight_set(second, 8, 11);
    in_flight_close(first);
    in_flight_close(second);
}

TEST(a_file_that_is_not_ours_accuses_nobody)
{
    static const char *const contents[] = {
        "", "rubbish", "PRFLIGH1\xff\xff\xff\xff\xff\xff\xff\xff", "PRFLIGH1\4\0\0\0\0\0\0\0xxxx"};
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        int fd = open(path, O_WRONLY | O_TRUNC);
        REQUIRE(fd >= 0);
        CHECK(write(fd, contents[i], strlen(contents[i])) >= 0);
        close(fd);
        in_flight_close(open_again());
        CHECK_INT(verdict.suspect_count, 0);
        CHECK_INT(verdict.culprit, 0);
    }
}

TEST(where_no_file_can_be_made_it_says_so)
{
    struct in_flight *in_flight;
    CHECK_INT(in_flight_open("/nowhere/at/all", 4, &verdict, &in_flight), ERR_NOT_FOUND);
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    RUN(the_rule);
    RUN(too_many_suspects_the_newest_remain);
    RUN(a_kill_leaves_suspects_and_an_orderly_end_does_not);
    RUN(the_second_crash_of_the_only_suspect_is_its_own);
    RUN(another_number_of_slots_reads_the_old_file);
    RUN(a_file_that_is_not_ours_accuses_nobody);
    RUN(where_no_file_can_be_made_it_says_so);
    unlink(path);
    return test_summary();
}
