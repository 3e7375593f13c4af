/* What may stand in a configuration: one table of sections and keys, from which reading, messages
 * and the test of the documentation all follow. A new key is one line here and one field in
 * config.h. */
#ifndef SERVER_CONFIG_SCHEMA_H
#define SERVER_CONFIG_SCHEMA_H

#include "server/config_tree.h"

struct config_rule;

/* What reading a value needs to know. */
struct config_reading {
    struct arena *arena;
    struct config_problems *problems;
};

/* Reads the value of `key` into `record`. What is wrong becomes a problem, and the field keeps its
 * default. */
typedef void config_take(struct config_reading *reading, const struct config_rule *rule,
                         const struct config_node *key, void *record);

struct config_rule {
    const char *name;
    config_take *take;
    size_t at;           /* of the field in the record; 0 too where `take` knows the record */
    size_t count_at;     /* of the field with the number of items, for lists */
    const char *initial; /* the default, as one would write it; NULL: none */
    const char *choices; /* "none|starttls|implicit": the enum's names in its order */
    const char *min, *max;
    bool is_required;
    const char *example; /* a value as one would write it */
    const char *help;
};

/* Sections that are there once fill the record around them; those that repeat have records of
 * their own, in an array that the record around them points to. */
struct config_section_rule {
    const char *name;
    const char *parent; /* "": the file itself; NULL for that */
    const char *title;  /* an example of it; NULL: it has none */
    config_take *take_title;
    bool repeats;
    size_t record_size;
    size_t records_at;
    size_t record_count_at;
    size_t node_at; /* of the `node` field in the record, when it repeats */
    const struct config_rule *rules;
    size_t rule_count;
    const char *help;
};

extern const struct config_section_rule config_sections[];
extern const size_t config_section_count;

/* NULL when there is none. `parent` NULL: the file. */
const struct config_section_rule *config_section_find(const char *parent, struct str name);
const struct config_rule *config_rule_find(const struct config_section_rule *section,
                                           struct str name);

#endif
