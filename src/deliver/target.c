#include "deliver/target.h"

#include "fiber/loop.h"

#define ANSWER_WITHIN_MS 20000
#define MX_PORT          25
#define MX_HOSTS_MAX     32

struct search {
    const struct deliver_options *options;
    struct arena *arena;
    uint64_t deadline_ms; /* of all questions together */
    struct targets *targets;
    struct queue_outcome *problem;
    struct str unanswered; /* a question that failed: what was found may not be all */
};

/* ---- answers that are problems ---- */
static bool fails(struct search *search, struct str words)
{
    *search->problem =
        (struct queue_outcome){.kind = QUEUE_FAILED, .reason = SPOOL_REASON_DNS, .words = words};
    return false;
}

static bool waits(struct search *search, struct str words)
{
    *search->problem =
        (struct queue_outcome){.kind = QUEUE_DEFERRED, .reason = SPOOL_REASON_DNS, .words = words};
    return false;
}

static void ask(struct search *search, struct str name, enum dns_type type,
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

/* ---- hosts ---- */
static void add_target(struct search *search, struct str host, struct net_address address,
                       uint16_t port)
{
    struct targets *targets = search->targets;
    if (targets->count == TARGETS_MAX)
        return;
    if (address.socket.any.sa_family != AF_UNIX)
        net_address_set_port(&address, port);
    for (size_t i = 0; i < targets->count; i++)
        if (net_address_eq(&targets->at[i].address, &address))
            return;
    targets->at[targets->count++] = (struct target){host, address};
}

/* Adds the host's addresses of one family. DNS_NO_NAME: there is no such host. */
static enum dns_result add_family(struct search *search, struct str host, enum dns_type type,
                                  uint16_t port)
{
    struct dns_answer answer;
    ask(search, host, type, &answer);
    if (answer.result == DNS_FAILED)
        search->unanswered = answer.problem.len ? answer.problem : STR("no answer");
    for (size_t i = 0; answer.result == DNS_FOUND && i < answer.count; i++) {
        struct net_address address;
        if (!dns_address_parse(answer.records[i].data, type, &address))
            add_target(search, host, address, port);
    }
    return answer.result;
}

static void add_host(struct search *search, struct str host, uint16_t port)
{
    if (add_family(search, host, DNS_AAAA, port) != DNS_NO_NAME)
        add_family(search, host, DNS_A, port);
}

static bool judge_hosts(struct search *search, struct str name)
{
    if (search->targets->count)
        return true;
    if (search->unanswered.len)
        return waits(search, arena_printf(search->arena, "the address of %.*s was not found: %.*s",
                                          STR_FMT(name), STR_FMT(search->unanswered)));
    return fails(search, arena_printf(search->arena, "5.4.4 %.*s has no address", STR_FMT(name)));
}

/* A host of the configuration: what is wrong with it can be put right, so nothing is refused. */
static bool find_host(struct search *search, const struct route_way *way)
{
    struct net_address address;
    if (str_starts(way->host, STR("unix:"))) {
        enum err err = net_address_parse(way->host, 0, &address);
        if (err)
            return waits(search, STR("the route's path is no socket's"));
        add_target(search, STR("localhost"), address, 0);
        return true;
    }
    if (!net_address_parse_ip(way->host, &address)) {
        add_target(search, way->host, address, way->port);
        return true;
    }
    add_host(search, way->host, way->port);
    if (judge_hosts(search, way->host))
        return true;
    search->problem->kind = QUEUE_DEFERRED;
    return false;
}

/* ---- MX ---- */
static void swap_mx(struct dns_mx *one, struct dns_mx *other)
{
    struct dns_mx kept = *one;
    *one = *other;
    *other = kept;
}

/* Those of equal preference share the load (RFC 5321 section 5.1): shuffled first, sorted then by a
 * sort that keeps their order. */
static void order_mx(struct search *search, struct dns_mx *hosts, size_t count)
{
    struct random kernel = random_system();
    struct random *random = search->options->random ? search->options->random : &kernel;
    for (size_t i = count; i > 1; i--)
        swap_mx(&hosts[i - 1], &hosts[random_below(random, i)]);
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j && hosts[j - 1].preference > hosts[j].preference; j--)
            swap_mx(&hosts[j - 1], &hosts[j]);
}

/* Drops ourselves and who is no better: mail would go in circles (RFC 5321 section 5.1). */
static size_t drop_ourselves(const struct search *search, const struct dns_mx *hosts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!str_eq_nocase(hosts[i].host, search->options->hostname))
            continue;
        size_t better = 0;
        while (hosts[better].preference < hosts[i].preference)
            better++;
        return better;
    }
    return count;
}

static size_t read_mx(struct search *search, const struct dns_answer *answer, struct dns_mx *hosts)
{
    size_t count = 0;
    for (size_t i = 0; i < answer->count && count < MX_HOSTS_MAX; i++)
        if (!dns_mx_parse(answer->records[i].data, search->arena, &hosts[count]))
            count++;
    return count;
}

static bool find_mx_hosts(struct search *search, struct str domain, const struct dns_answer *answer)
{
    struct dns_mx hosts[MX_HOSTS_MAX];
    size_t count = read_mx(search, answer, hosts);
    if (count == 1 && hosts[0].host.len == 0) /* RFC 7505 */
        return fails(search, arena_printf(search->arena, "5.1.10 %.*s takes no mail (null MX)",
                                          STR_FMT(domain)));
    order_mx(search, hosts, count);
    size_t usable = drop_ourselves(search, hosts, count);
    if (count && !usable)
        return fails(search, arena_printf(search->arena, "5.4.6 the best MX of %.*s is this host",
                                          STR_FMT(domain)));
    for (size_t i = 0; i < usable; i++)
        if (hosts[i].host.len)
            add_host(search, hosts[i].host, MX_PORT);
    return judge_hosts(search, domain);
}

static bool find_literal(struct search *search, struct str domain)
{
    struct net_address address;
    struct str text = str_first(str_from(domain, 1), domain.len - 2);
    if (str_starts_nocase(text, STR("IPv6:")))
        text = str_from(text, 5);
    if (net_address_parse_ip(text, &address))
        return fails(search, STR("5.1.2 the address literal is none"));
    add_target(search, text, address, MX_PORT);
    return true;
}

static bool find_mx(struct search *search, struct str domain)
{
    if (domain.len > 2 && domain.at[0] == '[')
        return find_literal(search, domain);
    struct dns_answer answer;
    ask(search, domain, DNS_MX, &answer);
    switch (answer.result) {
    case DNS_FOUND:
        return find_mx_hosts(search, domain, &answer);
    case DNS_NO_DATA: /* the implicit MX */
        add_host(search, domain, MX_PORT);
        return judge_hosts(search, domain);
    case DNS_NO_NAME:
        return fails(search, arena_printf(search->arena, "5.1.2 the domain %.*s does not exist",
                                          STR_FMT(domain)));
    case DNS_FAILED:
        break;
    }
    return waits(search, arena_printf(search->arena, "the MX of %.*s were not found: %.*s",
                                      STR_FMT(domain), STR_FMT(answer.problem)));
}

bool targets_find(const struct deliver_options *options, const struct route_way *way,
                  struct str domain, struct arena *arena, struct targets *out_targets,
                  struct queue_outcome *out_problem)
{
    struct targets targets = {.count = 0};
    struct search search = {
        .options = options,
        .arena = arena,
        .deadline_ms = loop_now_ms() + ANSWER_WITHIN_MS,
        .targets = &targets,
        .problem = out_problem,
    };
    bool found = way->via == ROUTE_MX ? find_mx(&search, domain) : find_host(&search, way);
    if (found)
        *out_targets = targets;
    return found;
}
