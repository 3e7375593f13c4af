#include "deliver/callout_memory.h"

#include "test.h"

#include <pthread.h>
#include <stdio.h>

#define THREADS 4
#define ROUNDS  5000

static const struct route_way way = {.via = ROUTE_LMTP, .name = {"lmtp:unix:/l", 12}};

static void keep(struct callout_memory *memory, const char *address, uint64_t now_ms,
                 enum callout_verdict verdict)
{
    struct callout_answer answer = {verdict, MAIL_STATUS(2, 1, 5), STR("as it was said")};
    callout_memory_keep(memory, &way, str_of(address), now_ms, &answer);
}

/* The verdict, or -1. */
static int find(struct callout_memory *memory, const char *address, uint64_t now_ms)
{
    struct arena arena = arena_make();
    struct callout_answer answer;
    int verdict = -1;
    if (callout_memory_find(memory, &way, str_of(address), now_ms, &arena, &answer)) {
        CHECK_STR(answer.words, STR("as it was said"));
        CHECK(mail_status_eq(answer.status, MAIL_STATUS(2, 1, 5)));
        verdict = (int)answer.verdict;
    }
    arena_reset(&arena);
    return verdict;
}

TEST(answers_are_kept_as_long_as_their_kind)
{
    static const struct {
        enum callout_verdict verdict;
        uint64_t keep_ms;
    } rows[] = {
        {CALLOUT_YES, 3600 * 1000},
        {CALLOUT_NO, 300 * 1000},
        {CALLOUT_LATER, 10 * 1000},
        {CALLOUT_UNKNOWN, 10 * 1000},
    };
    struct callout_memory *memory = callout_memory_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        keep(memory, "a@b.example", 1000, rows[i].verdict);
        CHECK_INT(find(memory, "a@b.example", 1000 + rows[i].keep_ms - 1), (int)rows[i].verdict);
        CHECK_INT(find(memory, "a@b.example", 1000 + rows[i].keep_ms), -1);
        CHECK_INT(find(memory, "b@b.example", 1000), -1);
        CHECK_INT(find(memory, "", 1000), -1);
    }
    callout_memory_free(memory);
}

TEST(a_flood_of_one_kind_leaves_the_others)
{
    char address[40];
    struct callout_memory *memory = callout_memory_new();
    keep(memory, "alice@b.example", 1, CALLOUT_YES);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(address, sizeof address, "guess%u@b.example", i);
        keep(memory, address, 1 + i / 1000, CALLOUT_NO);
    }
    CHECK_INT(find(memory, "alice@b.example", 30), CALLOUT_YES);
    CHECK_INT(find(memory, "guess0@b.example", 30), -1);
    CHECK_INT(find(memory, "guess14999@b.example", 30), -1);
    CHECK_INT(find(memory, "guess15000@b.example", 30), CALLOUT_NO);
    CHECK_INT(find(memory, "guess19999@b.example", 30), CALLOUT_NO);
    callout_memory_free(memory);
}

/* What many threads keep and find is always whole. */
static void *crowd(void *argument)
{
    char address[40];
    for (unsigned i = 0; i < ROUNDS; i++) {
        snprintf(address, sizeof address, "a%u@b.example", i % 50);
        keep(argument, address, i * 100, (enum callout_verdict)(i % 4));
        find(argument, address, i * 100);
    }
    return NULL;
}

TEST(threads_share_it)
{
    pthread_t threads[THREADS];
    struct callout_memory *memory = callout_memory_new();
    for (size_t i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, crowd, memory), 0);
    for (size_t i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    callout_memory_free(memory);
}

int main(void)
{
    RUN(answers_are_kept_as_long_as_their_kind);
    RUN(a_flood_of_one_kind_leaves_the_others);
    RUN(threads_share_it);
    return test_summary();
}
