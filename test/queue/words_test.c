#include "queue/words.h"

#include "test.h"

#include <stdio.h>

TEST(equal_words_are_kept_once)
{
    struct queue_words words = {0};
    uint32_t one = queue_words_take(&words, STR("451 later"));
    uint32_t two = queue_words_take(&words, STR("451 later"));
    CHECK_INT(one, two);
    CHECK_STR(queue_words_text(&words, one), STR("451 later"));
    queue_words_drop(&words, one);
    CHECK_STR(queue_words_text(&words, two), STR("451 later"));
    queue_words_drop(&words, two);
    CHECK_INT(words.by_text.count, 0);
    queue_words_done(&words);
}

TEST(no_words_are_nothing)
{
    struct queue_words words = {0};
    CHECK_INT(queue_words_take(&words, STR_EMPTY), 0);
    CHECK_STR(queue_words_text(&words, 0), STR_EMPTY);
    queue_words_drop(&words, 0);
    queue_words_done(&words);
}

TEST(long_words_are_cut_between_characters)
{
    char text[300];
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xbc", 2);
    memmove(text + 1, text, sizeof text - 1);
    text[0] = 'x';
    struct queue_words words = {0};
    uint32_t handle = queue_words_take(&words, str_make(text, sizeof text));
    struct str kept = queue_words_text(&words, handle);
    CHECK_INT(kept.len, 199);
    CHECK(str_is_utf8(kept));
    queue_words_done(&words);
}

TEST(too_many_different_words_are_not_kept)
{
    struct queue_words words = {0};
    uint32_t last = 1;
    char text[20];
    for (unsigned i = 0; i < 40000; i++) {
        snprintf(text, sizeof text, "%u", i);
        last = queue_words_take(&words, str_of(text));
    }
    CHECK_INT(last, 0);
    uint64_t memory = words.memory_bytes;
    queue_words_drop(&words, 1);
    CHECK(words.memory_bytes < memory);
    CHECK(queue_words_take(&words, STR("again")) == 1); /* there is room for one again */
    queue_words_done(&words);
}

int main(void)
{
    RUN(equal_words_are_kept_once);
    RUN(no_words_are_nothing);
    RUN(long_words_are_cut_between_characters);
    RUN(too_many_different_words_are_not_kept);
    return test_summary();
}
