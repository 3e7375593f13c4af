/* The hosts of a domain, by its MX: RFC 5321 section 5, RFC 7505. */
#include "deliver/target_internal.h"
#include "mail/address.h"
#include "verify/domain.h"

#define HOSTS_MAX     32
#define SET_BYTES_MAX 1024

struct hosts {
    struct dns_mx at[HOSTS_MAX];
    size_t count;
};

/* ---- order ---- */

static void swap_mx(struct dns_mx *one, struct dns_mx *other)
{
    struct dns_mx kept = *one;
    *one = *other;
    *other = kept;
}

static int by_preference(const struct dns_mx *a, const struct dns_mx *b)
{
    return (a->preference > b->preference) - (a->preference < b->preference);
}

static int by_preference_and_name(const struct dns_mx *a, const struct dns_mx *b)
{
    int order = by_preference(a, b);
    return order ? order : str_cmp(a->host, b->host);
}

/* What is equal keeps its order. */
static void sort(struct hosts *hosts, int (*compare)(const struct dns_mx *, const struct dns_mx *))
{
    for (size_t i = 1; i < hosts->count; i++)
        for (size_t j = i; j && compare(&hosts->at[j - 1], &hosts->at[j]) > 0; j--)
            swap_mx(&hosts->at[j - 1], &hosts->at[j]);
}

/* Those of equal preference share the load (RFC 5321 section 5.1). */
static void shuffle(struct search *search, struct hosts *hosts)
{
    struct random kernel = random_system();
    struct random *random = search->options->random ? search->options->random : &kernel;
    for (size_t i = hosts->count; i > 1; i--)
        swap_mx(&hosts->at[i - 1], &hosts->at[random_below(random, i)]);
}

/* ---- the set ---- */

/* Groups of equal preference begin with a line end, their hosts with a blank; names hold neither.
 * Only the order of preferences counts. What would be too long, or of which not all was read,
 * stands for its domain alone. */
static struct str name_set(struct search *search, struct hosts hosts, struct str domain)
{
    struct buf text = buf_make(SET_BYTES_MAX);
    enum err err = hosts.count < HOSTS_MAX ? OK : ERR_LIMIT;
    sort(&hosts, by_preference_and_name);
    for (size_t i = 0; i < hosts.count && !err; i++) {
        bool is_equal = i && by_preference(&hosts.at[i - 1], &hosts.at[i]) == 0;
        err = buf_printf(&text, "%s %.*s", is_equal ? "" : "\n", STR_FMT(hosts.at[i].host));
    }
    struct str set = err ? domain : arena_copy(search->arena, buf_str(&text));
    buf_free(&text);
    return set;
}

/* ---- hosts ---- */

/* An address in the place of a name is a common mistake, and no host's name. */
static bool is_host(const struct dns_mx *mx)
{
    struct net_address address;
    return mx->host.len && net_address_parse_ip(mx->host, &address) != OK;
}

/* *out_read: how many records could be. */
static void read_hosts(struct search *search, const struct dns_answer *answer, struct hosts *hosts,
                       size_t *out_read, size_t *out_roots)
{
    size_t read = 0, roots = 0;
    for (size_t i = 0; i < answer->count && hosts->count < HOSTS_MAX; i++) {
        struct dns_mx *mx = &hosts->at[hosts->count];
        if (dns_mx_parse(answer->records[i].data, search->arena, mx))
            continue;
        read++;
        roots += mx->host.len == 0;
        mx->host = mail_domain_lower(search->arena, mx->host);
        hosts->count += is_host(mx);
    }
    *out_read = read;
    *out_roots = roots;
}

/* Mail to us, or to who is no better than us, would go in circles (RFC 5321 section 5.1). */
static bool find_hosts(struct search *search, struct str domain, struct hosts *hosts)
{
    struct targets *targets = search->targets;
    size_t better = 0; /* targets of smaller preference */
    struct str unanswered = STR_EMPTY;
    targets->set = name_set(search, *hosts, domain);
    shuffle(search, hosts);
    sort(hosts, by_preference);
    for (size_t i = 0; i < hosts->count && !search->is_here && better < TARGETS_MAX; i++) {
        const struct dns_mx *mx = &hosts->at[i];
        if (i && by_preference(&hosts->at[i - 1], mx) < 0) {
            better = targets->count;
            unanswered = search->unanswered;
        }
        if (str_eq_nocase(mx->host, search->options->hostname))
            search->is_here = true;
        else
            search_add_host(search, mx->host, TARGET_MX_PORT);
    }
    if (search->is_here) {
        targets->count = better;
        search->unanswered = unanswered;
    }
    return search_judge(search, domain);
}

static bool find_mx(struct search *search, struct str domain, const struct dns_answer *answer)
{
    struct hosts hosts = {.count = 0};
    size_t read, roots;
    read_hosts(search, answer, &hosts, &read, &roots);
    if (read == 0)
        return search_waits(
            search, arena_printf(search->arena, "the MX of %.*s are malformed", STR_FMT(domain)));
    if (roots == read) /* RFC 7505 */
        return search_fails(
            search,
            arena_printf(search->arena, "5.1.10 %.*s takes no mail (null MX)", STR_FMT(domain)));
    return find_hosts(search, domain, &hosts);
}

static bool find_implicit_mx(struct search *search, struct str domain)
{
    struct hosts hosts = {.at = {{.host = mail_domain_lower(search->arena, domain)}}, .count = 1};
    return find_hosts(search, domain, &hosts);
}

static bool find_literal(struct search *search, struct str domain)
{
    struct net_address address;
    struct str text = str_first(str_from(domain, 1), domain.len - 2);
    if (str_starts_nocase(text, STR("IPv6:")))
        text = str_from(text, 5);
    if (net_address_parse_ip(text, &address))
        return search_fails(search, STR("5.1.2 the address literal is none"));
    search->targets->set = domain;
    search_add(search, text, &address, TARGET_MX_PORT);
    return search_judge(search, domain);
}

bool search_mx(struct search *search, struct str domain)
{
    struct str name;
    struct dns_answer answer = {.result = DNS_NO_NAME};
    if (domain.len > 2 && domain.at[0] == '[')
        return find_literal(search, domain);
    if (domain_to_ascii(search->arena, domain, &name) == OK)
        search_ask(search, name, DNS_MX, &answer);
    switch (answer.result) {
    case DNS_FOUND:
        return find_mx(search, name, &answer);
    case DNS_NO_DATA:
        return find_implicit_mx(search, name);
    case DNS_NO_NAME:
        return search_fails(
            search,
            arena_printf(search->arena, "5.1.2 the domain %.*s does not exist", STR_FMT(domain)));
    case DNS_FAILED:
        break;
    }
    return search_waits(search, arena_printf(search->arena, "the MX of %.*s were not found: %.*s",
                                             STR_FMT(domain), STR_FMT(answer.problem)));
}
