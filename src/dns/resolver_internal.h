/* The seam between the resolvers: what each of them must be able to do. */
#ifndef DNS_RESOLVER_INTERNAL_H
#define DNS_RESOLVER_INTERNAL_H

#include "dns/name.h"
#include "dns/resolver.h"

struct resolver_methods {
    /* As dns_ask, for a name that is one. */
    enum err (*ask)(struct resolver *resolver, const struct dns_name *name, enum dns_type type,
                    uint64_t deadline_ms, struct arena *arena, struct dns_answer *out_answer);
    void (*free)(struct resolver *resolver);
};

struct resolver {
    const struct resolver_methods *methods;
};

/* `problem` is static text or lives in the arena. */
struct dns_answer dns_answer_failed(struct arena *arena, const struct dns_name *name,
                                    struct str problem);

#endif
