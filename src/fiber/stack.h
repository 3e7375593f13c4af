/* Stacks for fibers: mapped memory with a guard page below, kept in a small pool of a loop's own.
 * MADV_GUARD_INSTALL where the kernel has it (6.13): guards that cost no mapping of their own, so
 * that vm.max_map_count does not bound the number of fibers; else mprotect. */
#ifndef FIBER_STACK_H
#define FIBER_STACK_H

#include "base/list.h"

struct stack_pool {
    struct list free;
    size_t free_count;
    size_t stack_size; /* usable bytes; the guard comes on top */
};

void stack_pool_init(struct stack_pool *pool, size_t stack_size);
void stack_pool_done(struct stack_pool *pool);
/* The lowest usable address; NULL when the system has no more to give. */
char *stack_take(struct stack_pool *pool);
void stack_give(struct stack_pool *pool, char *stack);

#endif
