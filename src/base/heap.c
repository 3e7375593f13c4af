#include "base/heap.h"

#include "base/mem.h"

#define WIDTH 4

static void place(struct heap *heap, size_t at, struct heap_node *node)
{
    heap->nodes[at] = node;
    node->index = at + 1;
}

static void sift_up(struct heap *heap, size_t at, struct heap_node *node)
{
    while (at > 0) {
        size_t parent = (at - 1) / WIDTH;
        if (heap->nodes[parent]->key <= node->key)
            break;
        place(heap, at, heap->nodes[parent]);
        at = parent;
    }
    place(heap, at, node);
}

static size_t smallest_child(const struct heap *heap, size_t at)
{
    size_t first = at * WIDTH + 1;
    size_t smallest = first;
    for (size_t child = first + 1; child < first + WIDTH && child < heap->count; child++)
        if (heap->nodes[child]->key < heap->nodes[smallest]->key)
            smallest = child;
    return smallest;
}

static void sift_down(struct heap *heap, size_t at, struct heap_node *node)
{
    while (at * WIDTH + 1 < heap->count) {
        size_t child = smallest_child(heap, at);
        if (heap->nodes[child]->key >= node->key)
            break;
        place(heap, at, heap->nodes[child]);
        at = child;
    }
    place(heap, at, node);
}

static void settle(struct heap *heap, size_t at, struct heap_node *node)
{
    if (at > 0 && heap->nodes[(at - 1) / WIDTH]->key > node->key)
        sift_up(heap, at, node);
    else
        sift_down(heap, at, node);
}

void heap_set(struct heap *heap, struct heap_node *node, uint64_t key)
{
    node->key = key;
    if (heap_has(node)) {
        settle(heap, node->index - 1, node);
        return;
    }
    if (heap->count == heap->cap) {
        heap->cap = max_size(heap->cap * 2, 64);
        heap->nodes = mem_grow(heap->nodes, heap->cap * sizeof(struct heap_node *));
    }
    sift_up(heap, heap->count++, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (!heap_has(node))
        return;
    size_t at = node->index - 1;
    node->index = 0;
    struct heap_node *last = heap->nodes[--heap->count];
    if (last != node)
        settle(heap, at, last);
}

void heap_done(struct heap *heap)
{
    assert(heap->count == 0);
    mem_free(heap->nodes);
    *heap = (struct heap){0};
}
