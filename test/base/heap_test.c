#include "base/heap.h"
#include "base/random.h"
#include "test.h"

TEST(an_empty_heap_has_no_top)
{
    struct heap heap = {0};
    struct heap_node node = {0};
    CHECK(heap_top(&heap) == NULL);
    heap_remove(&heap, &node);
    heap_done(&heap);
}

TEST(members_leave_in_the_order_of_their_keys)
{
    struct heap heap = {0};
    struct heap_node nodes[500] = {0};
    struct random random = random_seeded(3);
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
        heap_set(&heap, &nodes[i], random_below(&random, 100));
    uint64_t before = 0;
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        struct heap_node *top = heap_top(&heap);
        REQUIRE(top && top->key >= before);
        before = top->key;
        heap_remove(&heap, top);
        CHECK(!heap_has(top));
    }
    CHECK(heap_top(&heap) == NULL);
    heap_done(&heap);
}

static bool top_is_smallest(const struct heap *heap, const struct heap_node *nodes, size_t count)
{
    uint64_t smallest = UINT64_MAX;
    size_t members = 0;
    for (size_t i = 0; i < count; i++) {
        if (!heap_has(&nodes[i]))
            continue;
        members++;
        smallest = nodes[i].key < smallest ? nodes[i].key : smallest;
    }
    return members == heap->count && (members == 0 || heap_top(heap)->key == smallest);
}

TEST(any_mixture_of_changes_keeps_the_smallest_on_top)
{
    struct heap heap = {0};
    struct heap_node nodes[60] = {0};
    struct random random = random_seeded(4);
    for (int i = 0; i < 20000; i++) {
        struct heap_node *node = &nodes[random_below(&random, ARRAY_LEN(nodes))];
        if (random_below(&random, 3) == 0)
            heap_remove(&heap, node);
        else
            heap_set(&heap, node, random_below(&random, 1000));
        REQUIRE(top_is_smallest(&heap, nodes, ARRAY_LEN(nodes)));
    }
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
        heap_remove(&heap, &nodes[i]);
    heap_done(&heap);
}

int main(void)
{
    RUN(an_empty_heap_has_no_top);
    RUN(members_leave_in_the_order_of_their_keys);
    RUN(any_mixture_of_changes_keeps_the_smallest_on_top);
    return test_summary();
}
