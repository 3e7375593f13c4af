/* The unit tests' own header: no setjmp, so that a test may run inside a fiber. A check that fails
 * is printed and counted; REQUIRE also leaves the test function. Each test prints one line.
 *
 *     TEST(a_lone_dot_ends_data) { CHECK(...); }
 *     int main(void) { RUN(a_lone_dot_ends_data); return test_summary(); }
 */
#ifndef TEST_TEST_H
#define TEST_TEST_H

#include "base/err.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

/* Weak, so that all files of one test count together: a check in a shared helper fails the test. */
__attribute__((weak)) int test_failed_checks;
__attribute__((weak)) int test_passed;
__attribute__((weak)) int test_failed;

#define TEST(name) static void test_##name(void)

static inline bool test_check(bool ok, const char *what, const char *file, int line)
{
    if (!ok) {
        test_failed_checks++;
        printf("# %s:%d: %s\n", file, line, what);
    }
    return ok;
}

static inline bool test_check_str(struct str got, struct str want, const char *file, int line)
{
    if (str_eq(got, want))
        return true;
    test_failed_checks++;
    printf("# %s:%d: got \"%.*s\", want \"%.*s\"\n", file, line, STR_FMT(got), STR_FMT(want));
    return false;
}

static inline bool test_check_int(long long got, long long want, const char *what, const char *file,
                                  int line)
{
    if (got == want)
        return true;
    test_failed_checks++;
    printf("# %s:%d: %s is %lld, want %lld\n", file, line, what, got, want);
    return false;
}

#define CHECK(condition)     ((void)test_check((condition), #condition, __FILE__, __LINE__))
#define CHECK_STR(got, want) ((void)test_check_str((got), (want), __FILE__, __LINE__))
#define CHECK_INT(got, want) \
    ((void)test_check_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__))
/* For tables: says which row failed. */
#define CHECK_ROW(row, condition) ((void)test_check((condition), (row), __FILE__, __LINE__))
#define REQUIRE(condition)                                            \
    do {                                                              \
        if (!test_check((condition), #condition, __FILE__, __LINE__)) \
            return;                                                   \
    } while (0)

static inline void test_tell(const char *name, bool ok)
{
    ok ? test_passed++ : test_failed++;
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    fflush(stdout);
}

static inline void test_run(const char *name, void (*run)(void))
{
    int before = test_failed_checks;
    run();
    test_tell(name, test_failed_checks == before);
}
#define RUN(name) test_run(#name, test_##name)

/* A row of a table as a test of its own, named by its sentence. */
static inline void test_run_row(const char *sentence, void (*run)(const void *row), const void *row)
{
    int before = test_failed_checks;
    run(row);
    test_tell(sentence, test_failed_checks == before);
}

static inline int test_summary(void)
{
    printf("%d passed, %d failed\n", test_passed, test_failed);
    return test_failed ? 1 : 0;
}

#endif
