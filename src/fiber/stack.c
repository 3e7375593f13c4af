#include "fiber/stack.h"

#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13; Debian 12's headers are older */
#endif

#define KEEP_MAX 256 /* free stacks kept; their few touched pages stay resident */

static size_t guard_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

/* A free stack holds its link in its topmost bytes, which are resident anyway. */
static struct list *link_of(const struct stack_pool *pool, char *stack)
{
    return (struct list *)(void *)(stack + pool->stack_size - sizeof(struct list));
}

void stack_pool_init(struct stack_pool *pool, size_t stack_size)
{
    list_init(&pool->free);
    pool->free_count = 0;
    pool->stack_size = stack_size;
}

static void unmap(struct stack_pool *pool, char *stack)
{
    munmap(stack - guard_size(), guard_size() + pool->stack_size);
}

static char *map(struct stack_pool *pool)
{
    size_t guard = guard_size();
    char *base = mmap(NULL, guard + pool->stack_size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    if (madvise(base, guard, MADV_GUARD_INSTALL) != 0 && mprotect(base, guard, PROT_NONE) != 0) {
        munmap(base, guard + pool->stack_size);
        return NULL;
    }
    return base + guard;
}

void stack_pool_done(struct stack_pool *pool)
{
    struct list *link;
    while ((link = list_pop_front(&pool->free)))
        unmap(pool, (char *)link + sizeof *link - pool->stack_size);
    pool->free_count = 0;
}

char *stack_take(struct stack_pool *pool)
{
    struct list *link = list_pop_front(&pool->free);
    if (!link)
        return map(pool);
    pool->free_count--;
    return (char *)link + sizeof *link - pool->stack_size;
}

void stack_give(struct stack_pool *pool, char *stack)
{
    if (pool->free_count == KEEP_MAX) {
        unmap(pool, stack);
        return;
    }
    /* Last in, first out: the pages most lately used are the next to be used. */
    list_push_front(&pool->free, link_of(pool, stack));
    pool->free_count++;
}
