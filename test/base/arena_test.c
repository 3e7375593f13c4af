#include "base/arena.h"
#include "test.h"

#include <stdalign.h>

TEST(memory_is_aligned_for_any_type)
{
    struct arena arena = arena_make();
    for (size_t size = 0; size < 40; size++)
        CHECK((uintptr_t)arena_alloc(&arena, size) % alignof(max_align_t) == 0);
    arena_reset(&arena);
}

TEST(pieces_do_not_overlap)
{
    struct arena arena = arena_make();
    unsigned char *pieces[200];
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        pieces[i] = arena_alloc(&arena, i * 7);
        memset(pieces[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        for (size_t at = 0; at < i * 7; at++)
            REQUIRE(pieces[i][at] == (unsigned char)i);
    arena_reset(&arena);
}

TEST(cleared_memory_is_zero_even_where_it_was_used_before)
{
    struct arena arena = arena_make();
    memset(arena_alloc(&arena, 500), 0xff, 500);
    const char *cleared = arena_zalloc(&arena, 5000);
    for (size_t i = 0; i < 5000; i++)
        REQUIRE(cleared[i] == 0);
    arena_reset(&arena);
}

TEST(a_piece_larger_than_a_block_is_whole)
{
    struct arena arena = arena_make();
    char *large = arena_alloc(&arena, 1000000);
    memset(large, 'x', 1000000);
    char *after = arena_alloc(&arena, 8);
    memset(after, 'y', 8);
    CHECK(large[999999] == 'x');
    arena_reset(&arena);
}

TEST(a_copy_is_independent_and_terminated)
{
    struct arena arena = arena_make();
    char original[] = "abc";
    struct str copy = arena_copy(&arena, str_of(original));
    original[0] = 'z';
    CHECK_STR(copy, STR("abc"));
    CHECK(copy.at[3] == '\0');
    CHECK_STR(arena_copy(&arena, STR_EMPTY), STR(""));
    arena_reset(&arena);
}

TEST(printing_fits_short_and_long_text)
{
    struct arena arena = arena_make();
    CHECK_STR(arena_printf(&arena, "%d-%s", 7, "x"), STR("7-x"));
    struct str wide = arena_printf(&arena, "%5000d", 1);
    CHECK_INT(wide.len, 5000);
    CHECK(wide.at[4999] == '1');
    arena_reset(&arena);
}

TEST(an_arena_is_usable_after_a_reset)
{
    struct arena arena = arena_make();
    arena_alloc(&arena, 3000);
    arena_reset(&arena);
    CHECK(arena.blocks == NULL);
    CHECK_STR(arena_copy(&arena, STR("again")), STR("again"));
    arena_reset(&arena);
    arena_reset(&arena);
}

int main(void)
{
    RUN(memory_is_aligned_for_any_type);
    RUN(pieces_do_not_overlap);
    RUN(cleared_memory_is_zero_even_where_it_was_used_before);
    RUN(a_piece_larger_than_a_block_is_whole);
    RUN(a_copy_is_independent_and_terminated);
    RUN(printing_fits_short_and_long_text);
    RUN(an_arena_is_usable_after_a_reset);
    return test_summary();
}
