/* Heap memory. Running out of it ends the process (the parent starts a new engine): everything
 * that a peer can make grow is bounded long before, by a limit that has a reply code. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/defs.h"

/* Never NULL. mem_zalloc clears. Free with mem_free, which takes NULL. */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_grow(void *memory, size_t size);
void mem_free(void *memory);

#define NEW(type) ((type *)mem_zalloc(sizeof(type)))

#endif
