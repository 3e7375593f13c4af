/* An ordered tree whose nodes live in its members: two pointers each, no memory of its own, no
 * moment at which it grows. Keys are given by a function of the node and are unique within a tree.
 *
 * A treap (Seidel and Aragon 1996): a node's priority is a hash of its key, so the shape depends on
 * the keys alone. All operations are O(log n) expected. */
#ifndef QUEUE_TREE_H
#define QUEUE_TREE_H

#include "base/defs.h"

struct tree_node {
    struct tree_node *left;
    struct tree_node *right;
};

typedef uint64_t tree_key(const struct tree_node *node);

void tree_add(struct tree_node **root, struct tree_node *node, tree_key *key_of);
/* The node is in the tree. */
void tree_remove(struct tree_node **root, struct tree_node *node, tree_key *key_of);
/* NULL when there is none. */
struct tree_node *tree_find(struct tree_node *root, uint64_t key, tree_key *key_of);
struct tree_node *tree_first(struct tree_node *root);
/* The smallest with a key of at least `key`, or NULL. */
struct tree_node *tree_at_least(struct tree_node *root, uint64_t key, tree_key *key_of);

#endif
