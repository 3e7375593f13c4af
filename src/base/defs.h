/* Small macros that every file may use. Nothing here has behaviour. */
#ifndef BASE_DEFS_H
#define BASE_DEFS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef NDEBUG
#error "assertions are part of the program; NDEBUG must not be set"
#endif

#define MUST_CHECK               __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))

/* Marks a function that may switch to another fiber. It takes an absolute deadline; after the
 * call, assume that everything shared has changed. */
#define MAY_YIELD

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#define UNUSED(name) ((void)(name))

static inline size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t max_size(size_t a, size_t b) { return a > b ? a : b; }

/* A deadline that never comes, in the milliseconds of clock_now_ms(). */
#define DEADLINE_NEVER UINT64_MAX

#endif
