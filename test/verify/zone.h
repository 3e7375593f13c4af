/* Zones for tests: what a scripted resolver answers, as a table. */
#ifndef TEST_VERIFY_ZONE_H
#define TEST_VERIFY_ZONE_H

#include "dns/resolver.h"
#include "on_loop.h"

struct zone_row {
    const char *name;
    enum dns_type type;
    const char *data; /* NULL: the server fails */
};

static inline struct resolver *zone_resolver(const struct zone_row *rows, size_t count)
{
    struct resolver *resolver = resolver_scripted_new();
    for (size_t i = 0; i < count; i++)
        if (rows[i].data)
            resolver_script(resolver, rows[i].name, rows[i].type, rows[i].data);
        else
            resolver_script_failure(resolver, rows[i].name, rows[i].type);
    return resolver;
}

#endif
