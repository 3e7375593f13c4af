/* Memory that lives as long as something with a name: a connection, a transaction, a job.
 * Allocation is a pointer bump; clean-up is one reset. An arena is an explicit parameter of every
 * function that returns memory. Not for several threads. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

#include <stdarg.h>

struct arena {
    struct arena_block *blocks; /* newest first */
    char *next;
    char *end;
};

static inline struct arena arena_make(void) { return (struct arena){0}; }
/* Gives everything back. The arena is empty and usable again. */
void arena_reset(struct arena *arena);

/* Never NULL; aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);
/* A copy that lives in the arena; it is followed by a NUL, which is not counted. */
struct str arena_copy(struct arena *arena, struct str s);
struct str arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
struct str arena_vprintf(struct arena *arena, const char *format, va_list args) PRINTF_LIKE(2, 0);

#define ARENA_NEW(arena, type)          ((type *)arena_zalloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_zalloc((arena), sizeof(type) * (count)))

#endif
