#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static void *or_abort(void *memory)
{
    if (!memory) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *mem_alloc(size_t size) { return or_abort(malloc(max_size(size, 1))); }

void *mem_zalloc(size_t size) { return or_abort(calloc(1, max_size(size, 1))); }

void *mem_grow(void *memory, size_t size) { return or_abort(realloc(memory, max_size(size, 1))); }

void mem_free(void *memory) { free(memory); }
