/* A resolver that asks another one, which can be exchanged while questions are under way. */
#include "base/mem.h"
#include "dns/resolver_internal.h"

struct inner {
    struct resolver *resolver;
    size_t asking;
    struct fiber *waiting; /* for `asking` to become none */
};

struct exchangeable {
    struct resolver resolver; /* first */
    struct inner *inner;
};

static struct inner *inner_new(struct resolver *resolver)
{
    struct inner *inner = NEW(struct inner);
    inner->resolver = resolver;
    return inner;
}

static void inner_free(struct inner *inner)
{
    resolver_free(inner->resolver);
    mem_free(inner);
}

static enum err exchangeable_ask(struct resolver *resolver, const struct dns_name *name,
                                 enum dns_type type, uint64_t deadline_ms, struct arena *arena,
                                 struct dns_answer *out_answer)
{
    struct inner *inner = ((struct exchangeable *)resolver)->inner;
    inner->asking++;
    enum err err =
        inner->resolver->methods->ask(inner->resolver, name, type, deadline_ms, arena, out_answer);
    if (--inner->asking == 0 && inner->waiting)
        fiber_wake(inner->waiting);
    return err;
}

static void exchangeable_free(struct resolver *resolver)
{
    struct exchangeable *self = (struct exchangeable *)resolver;
    assert(self->inner->asking == 0);
    inner_free(self->inner);
    mem_free(self);
}

static const struct resolver_methods methods = {exchangeable_ask, exchangeable_free};

struct resolver *resolver_exchangeable(struct resolver *first)
{
    struct exchangeable *self = NEW(struct exchangeable);
    self->resolver.methods = &methods;
    self->inner = inner_new(first);
    return &self->resolver;
}

void resolver_exchange(struct resolver *resolver, struct resolver *by)
{
    assert(resolver->methods == &methods);
    struct exchangeable *self = (struct exchangeable *)resolver;
    struct inner *old = self->inner;
    self->inner = inner_new(by);
    old->waiting = fiber_current();
    enum err err = OK;
    fiber_shield_begin();
    while (old->asking && !err)
        err = fiber_park(DEADLINE_NEVER); /* questions have deadlines */
    assert(!err);
    inner_free(old);
    fiber_shield_end();
}
