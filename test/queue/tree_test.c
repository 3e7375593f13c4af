#include "queue/tree.h"

#include "base/random.h"
#include "test.h"

#define COUNT 2000

struct item {
    struct tree_node node;
    uint64_t key;
    bool in;
};
static struct item items[COUNT];
static struct tree_node *root;

static uint64_t key_of(const struct tree_node *node)
{
    return CONTAINER_OF((uintptr_t)node, struct item, node)->key;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which is what it measures */
static size_t depth_of(const struct tree_node *node)
{
    return node ? 1 + max_size(depth_of(node->left), depth_of(node->right)) : 0;
}

/* The tree holds exactly the items that are in, in order. */
static void check_all(void)
{
    struct tree_node *node = tree_first(root);
    for (size_t i = 0; i < COUNT; i++) {
        if (!items[i].in) {
            CHECK(tree_find(root, items[i].key, key_of) == NULL);
            continue;
        }
        REQUIRE(node == &items[i].node);
        CHECK(tree_find(root, items[i].key, key_of) == node);
        CHECK(tree_at_least(root, items[i].key - 1, key_of) == node);
        node = tree_at_least(root, items[i].key + 1, key_of);
    }
    CHECK(node == NULL);
}

static void begin(void)
{
    root = NULL;
    for (size_t i = 0; i < COUNT; i++)
        items[i] = (struct item){.key = i * 3 + 10};
}

TEST(an_empty_tree_has_nothing)
{
    begin();
    CHECK(tree_first(root) == NULL);
    CHECK(tree_find(root, 5, key_of) == NULL);
    CHECK(tree_at_least(root, 0, key_of) == NULL);
}

TEST(any_order_of_adding_and_removing_keeps_the_order)
{
    begin();
    struct random random = random_seeded(7);
    for (int round = 0; round < 20000; round++) {
        struct item *item = &items[random_below(&random, COUNT)];
        if (item->in)
            tree_remove(&root, &item->node, key_of);
        else
            tree_add(&root, &item->node, key_of);
        item->in = !item->in;
        if (round % 1000 == 0)
            check_all();
    }
    check_all();
}

TEST(ascending_keys_do_not_make_a_list)
{
    begin();
    for (size_t i = 0; i < COUNT; i++) {
        tree_add(&root, &items[i].node, key_of);
        items[i].in = true;
    }
    check_all();
    CHECK(depth_of(root) < 60);
    for (size_t i = 0; i < COUNT; i++)
        tree_remove(&root, &items[i].node, key_of);
    CHECK(root == NULL);
}

int main(void)
{
    RUN(an_empty_tree_has_nothing);
    RUN(any_order_of_adding_and_removing_keeps_the_order);
    RUN(ascending_keys_do_not_make_a_list);
    return test_summary();
}
