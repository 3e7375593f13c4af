/* The shape of a configuration file: sections and keys, each with its line. Knows no names.
 *
 *     file    = { item }
 *     item    = WORD "=" value | WORD [ WORD | STRING ] "{" { item } "}"
 *     value   = scalar | "{" [ scalar { "," scalar } [ "," ] ] "}"
 *     scalar  = WORD | STRING          on the line of its "="
 *
 * After a mistake it goes on at the next item. */
#ifndef SERVER_CONFIG_TREE_H
#define SERVER_CONFIG_TREE_H

#include "server/config_problem.h"

struct config_value {
    struct str text;
    uint32_t line;
};

struct config_node {
    struct str name;
    uint32_t line;
    bool is_section;
    struct config_node *next; /* behind it, in the same section */

    /* A key: one value, or a list of any number. */
    struct config_value *values;
    size_t value_count;
    bool is_list;
    bool is_broken; /* its value could not be read, which was said */

    /* A section. */
    struct str title;
    bool has_title;
    struct config_node *children;
    struct config_node *last_child;
};

/* The whole file as a section without name. */
struct config_node *config_tree_parse(struct str text, struct arena *arena,
                                      struct config_problems *problems);

/* The first key or section of that name within `section`; NULL when there is none. */
const struct config_node *config_node_find(const struct config_node *section, const char *name);
/* The line of a key within `section`, or the section's own when the key is not written. */
uint32_t config_node_line(const struct config_node *section, const char *key);

#endif
