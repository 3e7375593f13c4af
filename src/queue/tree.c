#include "queue/tree.h"

/* The finalizer of splitmix64: neighbouring keys get unrelated priorities. */
static uint64_t priority(uint64_t key)
{
    key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9u;
    key = (key ^ (key >> 27)) * 0x94d049bb133111ebu;
    return key ^ (key >> 31);
}

/* Parts the tree below `node` into what is smaller than `key` and what is greater. */
static void split(struct tree_node *node, uint64_t key, tree_key *key_of,
                  struct tree_node **out_smaller, struct tree_node **out_greater)
{
    while (node) {
        if (key_of(node) < key) {
            *out_smaller = node;
            out_smaller = &node->right;
            node = node->right;
        } else {
            *out_greater = node;
            out_greater = &node->left;
            node = node->left;
        }
    }
    *out_smaller = *out_greater = NULL;
}

/* Joins two trees; all of `smaller` stands before all of `greater`. */
static void join(struct tree_node *smaller, struct tree_node *greater, tree_key *key_of,
                 struct tree_node **out_root)
{
    while (smaller && greater) {
        if (priority(key_of(smaller)) > priority(key_of(greater))) {
            *out_root = smaller;
            out_root = &smaller->right;
            smaller = smaller->right;
        } else {
            *out_root = greater;
            out_root = &greater->left;
            greater = greater->left;
        }
    }
    *out_root = smaller ? smaller : greater;
}

void tree_add(struct tree_node **root, struct tree_node *node, tree_key *key_of)
{
    uint64_t key = key_of(node);
    uint64_t own = priority(key);
    while (*root && priority(key_of(*root)) >= own) {
        assert(key_of(*root) != key);
        root = key < key_of(*root) ? &(*root)->left : &(*root)->right;
    }
    split(*root, key, key_of, &node->left, &node->right);
    *root = node;
}

void tree_remove(struct tree_node **root, struct tree_node *node, tree_key *key_of)
{
    uint64_t key = key_of(node);
    while (*root != node) {
        assert(*root);
        root = key < key_of(*root) ? &(*root)->left : &(*root)->right;
    }
    join(node->left, node->right, key_of, root);
}

struct tree_node *tree_find(struct tree_node *root, uint64_t key, tree_key *key_of)
{
    struct tree_node *node = tree_at_least(root, key, key_of);
    return node && key_of(node) == key ? node : NULL;
}

struct tree_node *tree_first(struct tree_node *root)
{
    while (root && root->left)
        root = root->left;
    return root;
}

struct tree_node *tree_at_least(struct tree_node *root, uint64_t key, tree_key *key_of)
{
    struct tree_node *best = NULL;
    while (root) {
        if (key_of(root) >= key) {
            best = root;
            root = root->left;
        } else {
            root = root->right;
        }
    }
    return best;
}
