#include "deliver/target_internal.h"

#include "fiber/loop.h"

#define ANSWER_WITHIN_MS 20000

/* ---- answers that are problems ---- */
bool search_fails(struct search *search, struct str words)
{
    *search->problem =
        (struct queue_outcome){.kind = QUEUE_FAILED, .reason = SPOOL_REASON_DNS, .words = words};
    return false;
}

bool search_waits(struct search *search, struct str words)
{
    *search->problem =
        (struct queue_outcome){.kind = QUEUE_DEFERRED, .reason = SPOOL_REASON_DNS, .words = words};
    return false;
}

void search_ask(struct search *search, struct str name, enum dns_type type,
                struct dns_answer *out_answer)
{
    *out_answer = (struct dns_answer){.result = DNS_FAILED, .problem = STR("no resolver is set")};
    if (!search->options->resolver)
        return;
    enum err err = dns_ask(search->options->resolver, name, type, search->deadline_ms,
                           search->arena, out_answer);
    if (err == ERR_SYNTAX)
        *out_answer = (struct dns_answer){.result = DNS_NO_NAME};
    else if (err)
        *out_answer = (struct dns_answer){.result = DNS_FAILED, .problem = str_of(err_text(err))};
}

/* ---- what is followed ---- */

/* What listens on all addresses listens on all of 127.0.0.0/8, which no interface lists. */
static bool is_ours(const struct deliver_options *options, const struct net_address *address)
{
    for (size_t i = 0; i < options->own_address_count; i++) {
        const struct net_address *own = &options->own_addresses[i];
        bool is_like = own->socket.any.sa_family == address->socket.any.sa_family &&
                       net_address_port(own) == net_address_port(address);
        bool is_any = net_address_is_any(own) && net_address_is_loopback(address);
        if (net_address_eq(own, address) || (is_like && is_any))
            return true;
    }
    return false;
}

static bool is_followed(struct search *search, const struct net_address *address)
{
    static const char *const names[] = {
        [NET_SCOPE_PRIVATE] = "private",
        [NET_SCOPE_LINK] = "link-local",
        [NET_SCOPE_LOOPBACK] = "loopback",
        [NET_SCOPE_NOWHERE] = "no host's",
    };
    enum net_scope scope = net_address_scope(address);
    bool is_allowed = search->options->private_targets && scope != NET_SCOPE_NOWHERE;
    if (!search->is_foreign || scope == NET_SCOPE_PUBLIC || is_allowed)
        return true;
    struct str ip = net_address_print_ip(search->arena, address);
    search->refused = arena_printf(search->arena, "%.*s, which is %s%s", STR_FMT(ip), names[scope],
                                   scope == NET_SCOPE_NOWHERE ? "" : " (private_targets = no)");
    return false;
}

static bool has_target(const struct targets *targets, const struct net_address *address)
{
    for (size_t i = 0; i < targets->count; i++)
        if (net_address_eq(&targets->at[i].address, address))
            return true;
    return false;
}

void search_add(struct search *search, struct str host, const struct net_address *address,
                uint16_t port)
{
    struct targets *targets = search->targets;
    struct target target = {host, *address};
    net_address_set_port(&target.address, port);
    if (search->is_foreign && is_ours(search->options, &target.address)) {
        search->is_here = true;
        return;
    }
    if (targets->count < TARGETS_MAX && is_followed(search, &target.address) &&
        !has_target(targets, &target.address))
        targets->at[targets->count++] = target;
}

/* ---- hosts ---- */

/* The host's addresses of one family; returns how many. */
static size_t ask_family(struct search *search, struct str host, enum dns_type type,
                         struct net_address *addresses)
{
    size_t count = 0;
    struct dns_answer answer;
    search_ask(search, host, type, &answer);
    if (answer.result == DNS_FAILED)
        search->unanswered = answer.problem.len ? answer.problem : STR("no answer");
    for (size_t i = 0; answer.result == DNS_FOUND && i < answer.count && count < TARGETS_MAX; i++)
        if (!dns_address_parse(answer.records[i].data, type, &addresses[count]))
            count++;
    return count;
}

/* Some name servers deny the name itself when they have no AAAA (RFC 4074 section 4.2), so A is
 * asked for in any case. */
void search_add_host(struct search *search, struct str host, uint16_t port)
{
    struct net_address v6[TARGETS_MAX], v4[TARGETS_MAX];
    size_t v6_count = ask_family(search, host, DNS_AAAA, v6);
    size_t v4_count = ask_family(search, host, DNS_A, v4);
    for (size_t i = 0; i < max_size(v6_count, v4_count); i++) {
        if (i < v6_count)
            search_add(search, host, &v6[i], port);
        if (i < v4_count)
            search_add(search, host, &v4[i], port);
    }
}

/* An address that nobody may follow does not become right by waiting, and the sender had better
 * know at once (as with null MX, RFC 7505). */
bool search_judge(struct search *search, struct str name)
{
    struct arena *arena = search->arena;
    if (search->targets->count)
        return true;
    if (search->unanswered.len)
        return search_waits(search, arena_printf(arena, "the address of %.*s was not found: %.*s",
                                                 STR_FMT(name), STR_FMT(search->unanswered)));
    if (search->is_here)
        return search_fails(
            search, arena_printf(arena, "5.4.6 the best MX of %.*s is this host", STR_FMT(name)));
    if (search->refused.len)
        return search_fails(search,
                            arena_printf(arena, "5.4.4 %.*s leads to %.*s: it is not followed",
                                         STR_FMT(name), STR_FMT(search->refused)));
    return search_fails(search, arena_printf(arena, "5.4.4 %.*s has no address", STR_FMT(name)));
}

/* A host of the configuration: what is wrong with it can be put right, so nothing is refused. */
static bool find_host(struct search *search, const struct route_way *way)
{
    struct net_address address;
    if (str_starts(way->host, STR("unix:"))) {
        enum err err = net_address_parse(way->host, 0, &address);
        if (err)
            return search_waits(search, STR("the route's path is no socket's"));
        search_add(search, STR("localhost"), &address, 0);
        return true;
    }
    if (!net_address_parse_ip(way->host, &address)) {
        search_add(search, way->host, &address, way->port);
        return true;
    }
    search_add_host(search, way->host, way->port);
    if (search_judge(search, way->host))
        return true;
    search->problem->kind = QUEUE_DEFERRED;
    return false;
}

bool targets_find(const struct deliver_options *options, const struct route_way *way,
                  struct str domain, struct arena *arena, struct targets *out_targets,
                  struct queue_outcome *out_problem)
{
    bool is_mx = way->via == ROUTE_MX;
    struct targets targets = {.count = 0, .set = STR_EMPTY};
    struct search search = {
        .options = options,
        .arena = arena,
        .deadline_ms = loop_now_ms() + ANSWER_WITHIN_MS,
        .targets = &targets,
        .problem = out_problem,
        .is_foreign = is_mx,
    };
    bool found = is_mx ? search_mx(&search, domain) : find_host(&search, way);
    if (found)
        *out_targets = targets;
    return found;
}
