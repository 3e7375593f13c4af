/* The system's resolver: one libunbound context for each loop, through its event API.
 *
 * A question is a `struct lookup`. Its asker parks; the fiber "dns questions" has it handed to
 * libunbound on the thread's own stack (see event_base.h); libunbound's callback reads the answer
 * into the asker's arena and wakes it. An asker that leaves early marks the lookup abandoned:
 * libunbound is never told to cancel, since it may be the one that is running, and its late answer
 * is dropped. */
#include "base/mem.h"
#include "dns/event_base.h"
#include "dns/message.h"
#include "dns/resolv_conf.h"
#include "dns/resolver_internal.h"
#include "fiber/loop.h"

#include <pthread.h>
#include <unbound.h>

#define CLASS_IN         1
#define TROUBLE_TEXT_MAX 300

struct unbound_resolver {
    struct resolver resolver; /* first */
    struct ub_ctx *context;
    struct event_base_fibers *base;
    struct fiber_group group;
    struct fiber *questioner;
    struct list queued; /* lookups that libunbound has not heard of */
    struct list asked;
};

struct lookup {
    struct list link;
    struct fiber *fiber; /* NULL: abandoned */
    struct arena *arena;
    struct dns_answer answer;
    enum dns_type type;
    bool is_asked;
    bool is_done;
    struct dns_name name;
};

/* ---- answers ---- */
enum security { SECURITY_NONE, SECURITY_BOGUS, SECURITY_SECURE }; /* as libunbound numbers them */

static struct dns_answer read_answer(const struct lookup *lookup, int rcode, struct str packet,
                                     int security, const char *why_bogus)
{
    struct arena *arena = lookup->arena;
    if (security == SECURITY_BOGUS) {
        struct str why =
            why_bogus ? str_first(str_of(why_bogus), TROUBLE_TEXT_MAX) : STR("no reason");
        struct str problem = arena_printf(arena, "DNSSEC validation failed: %.*s", STR_FMT(why));
        struct dns_answer bogus = dns_answer_failed(arena, &lookup->name, problem);
        bogus.bogus = true;
        return bogus;
    }
    if (rcode)
        return dns_answer_failed(arena, &lookup->name, dns_rcode_text((unsigned)rcode));
    struct dns_answer answer;
    if (dns_message_read_answer(packet, &lookup->name, lookup->type, arena, &answer))
        return dns_answer_failed(arena, &lookup->name, STR("the answer is malformed"));
    answer.secure = security == SECURITY_SECURE;
    return answer;
}

/* Called by libunbound, perhaps within ub_resolve_event. Must not yield. */
static void on_answer(void *context, int rcode, void *packet, int packet_len, int security,
                      char *why_bogus, int was_ratelimited)
{
    UNUSED(was_ratelimited);
    struct lookup *lookup = context;
    list_remove(&lookup->link);
    if (!lookup->fiber) {
        mem_free(lookup);
        return;
    }
    struct str bytes = packet && packet_len > 0 ? str_make(packet, (size_t)packet_len) : STR_EMPTY;
    lookup->answer = read_answer(lookup, rcode, bytes, security, why_bogus);
    lookup->is_done = true;
    fiber_wake(lookup->fiber);
}

/* ---- questions ---- */
static void put_question(struct unbound_resolver *self, struct lookup *lookup)
{
    /* Longest for a name of nothing but escapes. */
    struct arena arena = arena_make();
    struct str text = dns_name_print(&arena, &lookup->name);
    struct str absolute = arena_printf(&arena, "%.*s.", STR_FMT(text));
    lookup->is_asked = true;
    list_push_back(&self->asked, &lookup->link);
    /* The callback may come at once; then the lookup may be gone. */
    if (ub_resolve_event(self->context, absolute.at, (int)lookup->type, CLASS_IN, lookup, on_answer,
                         NULL))
        on_answer(lookup, 2, NULL, 0, SECURITY_NONE, NULL, 0);
    arena_reset(&arena);
}

static void put_questions(void *argument)
{
    struct unbound_resolver *self = argument;
    struct list *link;
    while ((link = list_pop_front(&self->queued)))
        put_question(self, CONTAINER_OF(link, struct lookup, link));
}

static void questions_main(void *argument)
{
    struct unbound_resolver *self = argument;
    self->questioner = fiber_current();
    enum err err = OK;
    while (!err) {
        if (!list_is_empty(&self->queued))
            event_base_call(put_questions, self);
        else
            err = fiber_park(DEADLINE_NEVER);
    }
}

static struct lookup *lookup_new(struct unbound_resolver *self, const struct dns_name *name,
                                 enum dns_type type, struct arena *arena)
{
    struct lookup *lookup = NEW(struct lookup);
    lookup->fiber = fiber_current();
    lookup->arena = arena;
    lookup->name = *name;
    lookup->type = type;
    list_push_back(&self->queued, &lookup->link);
    if (self->questioner)
        fiber_wake(self->questioner);
    return lookup;
}

static void abandon(struct lookup *lookup)
{
    lookup->fiber = NULL;
    if (lookup->is_asked)
        return; /* libunbound still points to it */
    list_remove(&lookup->link);
    mem_free(lookup);
}

static enum err unbound_ask(struct resolver *resolver, const struct dns_name *name,
                            enum dns_type type, uint64_t deadline_ms, struct arena *arena,
                            struct dns_answer *out_answer)
{
    struct lookup *lookup = lookup_new((struct unbound_resolver *)resolver, name, type, arena);
    enum err err = OK;
    while (!lookup->is_done && !err)
        err = fiber_park(deadline_ms);
    if (lookup->is_done) {
        *out_answer = lookup->answer;
        mem_free(lookup);
        return OK;
    }
    abandon(lookup);
    if (err != ERR_TIMEOUT)
        return err;
    *out_answer = dns_answer_failed(arena, name, STR("no answer in time"));
    return OK;
}

/* ---- settings ---- */
struct option {
    const char *name;
    const char *value;
};

static const struct option options_always[] = {
    {"do-not-query-localhost:", "no"}, /* a name server on this machine is an ordinary one */
    {"infra-keep-probing:", "yes"}, /* a server that was down is tried again soon, not in 15 min */
    {"outgoing-range:", "256"},        {"outgoing-num-tcp:", "16"},   {"msg-cache-size:", "4m"},
    {"rrset-cache-size:", "8m"},       {"unblock-lan-zones:", "yes"}, /* reverse names of private
                                                                         networks, which the servers
                                                                         may know */
    {"insecure-lan-zones:", "yes"},
};

/* libunbound answers for these zones itself, with "no such name", unless told that they are
 * ordinary. Only localhost and onion (RFC 7686) are not. */
static const char *const open_zones[] = {
    "test.",
    "invalid.",
    "home.arpa.",
    "127.in-addr.arpa.",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
    "2.0.192.in-addr.arpa.",
    "100.51.198.in-addr.arpa.",
    "113.0.203.in-addr.arpa.",
    "8.b.d.0.1.0.0.2.ip6.arpa.",
};

/* The root's keys as IANA publishes them (those of 2017 and 2024). */
static const char *const root_anchors[] = {
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

static bool set_option(struct ub_ctx *context, const char *name, const char *value)
{
    return ub_ctx_set_option(context, name, value) == 0;
}

static bool set_options(struct ub_ctx *context)
{
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(options_always); i++)
        ok = ok && set_option(context, options_always[i].name, options_always[i].value);
    struct arena arena = arena_make();
    for (size_t i = 0; i < ARRAY_LEN(open_zones); i++)
        ok = ok &&
             set_option(context,
                        "local-zone:", arena_printf(&arena, "%s transparent", open_zones[i]).at);
    arena_reset(&arena);
    return ok;
}

static bool set_validation(struct ub_ctx *context, const struct resolver_options *options)
{
    if (!options->validate)
        return set_option(context, "module-config:", "iterator");
    if (options->trust_anchor)
        return ub_ctx_add_ta(context, options->trust_anchor) == 0;
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(root_anchors); i++)
        ok = ok && ub_ctx_add_ta(context, root_anchors[i]) == 0;
    return ok;
}

static bool set_server(struct ub_ctx *context, const struct net_address *server)
{
    struct arena arena = arena_make();
    struct str ip = net_address_print_ip(&arena, server);
    struct str text = arena_printf(&arena, "%.*s@%u", STR_FMT(ip), net_address_port(server));
    bool ok = ub_ctx_set_fwd(context, text.at) == 0;
    arena_reset(&arena);
    return ok;
}

static bool set_servers(struct ub_ctx *context, const struct net_address *servers, size_t count)
{
    bool ok = true;
    for (size_t i = 0; i < count; i++)
        ok = ok && set_server(context, &servers[i]);
    return ok;
}

static enum err configure(struct ub_ctx *context, const struct resolver_options *options)
{
    ub_ctx_debugout(context, NULL); /* its remarks are not the operator's log */
    bool ok = set_options(context) && set_validation(context, options) &&
              set_servers(context, options->servers, options->server_count);
    return ok ? OK : ERR_UNSUPPORTED;
}

/* ---- life ---- */
static void drop_lookups(struct list *lookups)
{
    struct list *link;
    while ((link = list_pop_front(lookups))) {
        struct lookup *lookup = CONTAINER_OF(link, struct lookup, link);
        assert(!lookup->fiber); /* whoever asks ends before the resolver does */
        mem_free(lookup);
    }
}

static void delete_context(void *argument) { ub_ctx_delete(argument); }

static void unbound_free(struct resolver *resolver)
{
    struct unbound_resolver *self = (struct unbound_resolver *)resolver;
    fiber_group_cancel(&self->group);
    enum err err = fiber_group_join(&self->group, DEADLINE_NEVER);
    assert(err == OK);
    event_base_call(delete_context, self->context);
    event_base_free(self->base);
    drop_lookups(&self->queued);
    drop_lookups(&self->asked);
    mem_free(self);
}

struct making {
    const struct resolver_options *options;
    struct unbound_resolver *self;
    enum err err;
};

/* The first context of the process sets up what all share (its log), and libunbound has no lock of
 * its own for that: two loops that start together made it twice. */
static pthread_mutex_t making_lock = PTHREAD_MUTEX_INITIALIZER;

static void make_context(void *argument)
{
    struct making *making = argument;
    struct unbound_resolver *self = making->self;
    pthread_mutex_lock(&making_lock);
    self->context = ub_ctx_create_ub_event(event_base_for_unbound(self->base));
    pthread_mutex_unlock(&making_lock);
    making->err = self->context ? configure(self->context, making->options) : ERR_BUSY;
}

static enum err resolver_with(const struct resolver_options *options,
                              struct resolver **out_resolver)
{
    static const struct resolver_methods methods = {unbound_ask, unbound_free};
    struct unbound_resolver *self = NEW(struct unbound_resolver);
    self->resolver.methods = &methods;
    list_init(&self->queued);
    list_init(&self->asked);
    fiber_group_init(&self->group, loop_current());
    enum err err = event_base_new(&self->base);
    if (err) {
        mem_free(self);
        return err;
    }
    struct making making = {options, self, OK};
    event_base_call(make_context, &making);
    if (making.err) {
        unbound_free(&self->resolver);
        return making.err;
    }
    fiber_spawn(&self->group, "dns questions", questions_main, self);
    *out_resolver = &self->resolver;
    return OK;
}

enum err resolver_new(const struct resolver_options *options, struct resolver **out_resolver)
{
    struct net_address found[RESOLV_CONF_SERVERS_MAX];
    struct resolver_options complete = *options;
    if (complete.server_count == 0) {
        complete.servers = found;
        complete.server_count = resolv_conf_read(RESOLV_CONF_PATH, found);
    }
    return complete.server_count ? resolver_with(&complete, out_resolver) : ERR_NOT_FOUND;
}
