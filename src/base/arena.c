#include "base/arena.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stdio.h>

#define BLOCK_BYTES 1024 /* small: most transactions need a few hundred bytes */

struct arena_block {
    struct arena_block *next;
    alignas(max_align_t) char bytes[];
};

void arena_reset(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    while (block) {
        struct arena_block *next = block->next;
        mem_free(block);
        block = next;
    }
    *arena = arena_make();
}

static size_t round_up(size_t size)
{
    size_t unit = alignof(max_align_t);
    assert(size <= SIZE_MAX / 2);
    return (size + unit - 1) / unit * unit;
}

static void add_block(struct arena *arena, size_t at_least)
{
    size_t size = max_size(at_least, BLOCK_BYTES - sizeof(struct arena_block));
    struct arena_block *block = mem_alloc(sizeof *block + size);
    block->next = arena->blocks;
    arena->blocks = block;
    arena->next = block->bytes;
    arena->end = block->bytes + size;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = round_up(max_size(size, 1));
    if ((size_t)(arena->end - arena->next) < size)
        add_block(arena, size);
    void *memory = arena->next;
    arena->next += size;
    return memory;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    void *memory = arena_alloc(arena, size);
    memset(memory, 0, size);
    return memory;
}

struct str arena_copy(struct arena *arena, struct str s)
{
    char *copy = arena_alloc(arena, s.len + 1);
    if (s.len)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return str_make(copy, s.len);
}

struct str arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    assert(format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    assert(len >= 0);
    char *text = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return str_make(text, (size_t)len);
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}
