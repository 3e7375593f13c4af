/* A 4-ary min-heap whose nodes live in its members: timers, due times. All operations are
 * O(log n); the smallest key is on top. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/defs.h"

struct heap_node {
    uint64_t key;
    size_t index; /* place in the heap + 1; 0: in no heap */
};

struct heap {
    struct heap_node **nodes;
    size_t count;
    size_t cap;
};

static inline bool heap_has(const struct heap_node *node) { return node->index != 0; }
static inline struct heap_node *heap_top(const struct heap *heap)
{
    return heap->count ? heap->nodes[0] : NULL;
}

/* Adds the node, or moves it when it is in the heap. */
void heap_set(struct heap *heap, struct heap_node *node, uint64_t key);
/* Harmless for a node that is in no heap. */
void heap_remove(struct heap *heap, struct heap_node *node);
/* Frees the array, not the nodes; the heap must be empty. */
void heap_done(struct heap *heap);

#endif
