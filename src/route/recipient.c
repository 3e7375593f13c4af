/* Who stands behind an address. Aliases are followed with a list of what is still to be looked at
 * instead of recursion, and no address is looked at twice: whatever the aliases say, it ends. */
#include "route/explain.h"
#include "route/table.h"

#include "base/list.h"
#include "mail/idna.h"

#define FOUND_MAX   1000  /* recipients that one address may become */
#define VISITED_MAX 10000 /* addresses looked at for it */

/* What a name of one of our domains means, and by what. */
struct match {
    enum route_meaning meaning;
    enum route_rule rule;
    const struct route_alias *alias; /* of ROUTE_MEANS_ALIAS */
    struct mail_address sender;      /* of ROUTE_MEANS_SENDER */
};

/* A set of addresses that remembers the order in which they came. */
struct address_set {
    struct map by_text; /* of struct member */
    struct list members;
};

struct member {
    struct list link;
    struct mail_address address;
    struct str text;
};

struct expansion {
    const struct route_table *table;
    struct arena *arena;
    int64_t wall_us;
    struct address_set visited;
    struct address_set found;
    enum route_answer no; /* the answer if nobody is found */
    struct list *steps;   /* of struct noted_step; NULL: nobody wants to know */
};

struct noted_step {
    struct list link;
    struct route_step step;
};

/* ---- One domain's names --------------------------------------------------------------------- */

static bool find_user(const struct route_domain *domain, struct str name, enum route_rule *out_rule)
{
    struct str base = route_without_detail(name, domain->separator);
    if (map_get(&domain->user_names, name))
        *out_rule = ROUTE_BY_NAME;
    else if (map_get(&domain->user_names, base))
        *out_rule = ROUTE_BY_BASE;
    else if (domain->users == ROUTE_USERS_ANY)
        *out_rule = ROUTE_BY_ANY;
    else
        return false;
    return true;
}

/* RFC 5321 section 4.5.1: always there. */
static bool is_postmaster(const struct route_domain *domain, struct str name)
{
    return str_eq(route_without_detail(name, domain->separator), STR("postmaster"));
}

static bool find_mailbox(const struct route_domain *domain, struct str name,
                         enum route_rule *out_rule)
{
    *out_rule = ROUTE_BY_POSTMASTER;
    return find_user(domain, name, out_rule) || is_postmaster(domain, name);
}

static const struct route_alias *find_alias(const struct route_domain *domain, struct str name,
                                            enum route_rule *out_rule)
{
    const struct route_alias *alias = map_get(&domain->aliases, name);
    *out_rule = ROUTE_BY_NAME;
    if (alias || map_get(&domain->user_names, name))
        return alias;
    *out_rule = ROUTE_BY_BASE;
    return map_get(&domain->aliases, route_without_detail(name, domain->separator));
}

/* `local` is in lower case. `a+b` is looked for as it stands before it is taken for `a`. A
 * catch-all goes before the mailbox of a postmaster that nobody listed, for somebody reads its
 * mail. */
static struct match meaning_of(const struct route_domain *domain, struct str local)
{
    struct match match = {.meaning = ROUTE_MEANS_ALIAS};
    match.alias = find_alias(domain, local, &match.rule);
    if (match.alias)
        return match;
    match.meaning = ROUTE_MEANS_MAILBOX;
    if (find_user(domain, local, &match.rule))
        return match;
    if (domain->catch_all)
        return (struct match){ROUTE_MEANS_ALIAS, ROUTE_BY_CATCH_ALL, .alias = domain->catch_all};
    match.rule = ROUTE_BY_POSTMASTER;
    if (!is_postmaster(domain, local))
        match.meaning = ROUTE_MEANS_NOBODY;
    return match;
}

/* Whether a name stands for itself, though it looks like a sender of ours: it is listed, or the
 * next host has the users and may write such senders too. */
static bool is_known(const struct route_domain *domain, const struct match *match)
{
    bool is_somebody = match->meaning == ROUTE_MEANS_ALIAS || match->meaning == ROUTE_MEANS_MAILBOX;
    bool asks_others = match->rule == ROUTE_BY_ANY && domain->way.via != ROUTE_MAILDIR;
    return is_somebody && (match->rule == ROUTE_BY_NAME || asks_others);
}

/* ---- Sets of addresses ---------------------------------------------------------------------- */

/* Local addresses are the same in any case, foreign ones may differ by the case of their local
 * part. Domains are never told apart by case. */
static struct str set_key(struct arena *arena, const struct mail_address *address, bool is_local)
{
    struct mail_address key = *address;
    key.domain = mail_domain_canonical(arena, address->domain);
    if (is_local)
        key.local = mail_domain_lower(arena, address->local);
    return mail_address_text(arena, &key);
}

static void set_add(struct address_set *set, struct arena *arena,
                    const struct mail_address *address, bool is_local)
{
    struct str key = set_key(arena, address, is_local);
    if (map_get(&set->by_text, key))
        return;
    struct member *member = ARENA_NEW(arena, struct member);
    member->address = *address;
    member->address.domain = mail_domain_canonical(arena, address->domain);
    map_set(&set->by_text, key, member);
    list_push_back(&set->members, &member->link);
}

static struct address_set set_make(void) { return (struct address_set){.by_text = map_make()}; }

/* ---- Expansion ------------------------------------------------------------------------------ */

static void visit_later(struct expansion *expansion, const struct mail_address *address)
{
    bool is_local = route_is_local_domain(expansion->table, address->domain);
    set_add(&expansion->visited, expansion->arena, address, is_local);
}

static void follow(struct expansion *expansion, const struct route_domain *domain,
                   const struct route_alias *alias)
{
    for (size_t i = 0; i < alias->target_count; i++) {
        const struct mail_address *target = &alias->targets[i];
        enum route_rule rule;
        bool is_itself = route_table_domain(expansion->table, target->domain) == domain &&
                         str_eq_nocase(target->local, alias->name);
        if (!is_itself)
            visit_later(expansion, target);
        else if (find_mailbox(domain, alias->name, &rule))
            set_add(&expansion->found, expansion->arena, target, true);
    }
}

static void note(struct arena *arena, struct list *steps, const struct mail_address *address,
                 const struct match *match)
{
    struct noted_step *noted = ARENA_NEW(arena, struct noted_step);
    struct route_step *step = &noted->step;
    *step = (struct route_step){.address = mail_address_text(arena, address),
                                .meaning = match->meaning,
                                .rule = match->rule};
    if (match->meaning == ROUTE_MEANS_SENDER) {
        step->targets = ARENA_NEW(arena, struct str);
        step->targets[step->target_count++] = mail_address_text(arena, &match->sender);
    } else if (match->alias) {
        step->target_count = match->alias->target_count;
        step->targets = ARENA_ARRAY(arena, struct str, step->target_count);
        for (size_t i = 0; i < step->target_count; i++)
            step->targets[i] = mail_address_text(arena, &match->alias->targets[i]);
    }
    list_push_back(steps, &noted->link);
}

static struct match match_in(const struct expansion *expansion, const struct route_domain *domain,
                             const struct mail_address *address)
{
    static const enum route_meaning meanings[] = {
        [SRS_OURS] = ROUTE_MEANS_SENDER,
        [SRS_FORGED] = ROUTE_MEANS_FORGED,
        [SRS_EXPIRED] = ROUTE_MEANS_EXPIRED,
    };
    struct route_key key;
    struct match match = meaning_of(domain, route_key_make(&key, address->local));
    struct mail_address ours = {address->local, domain->name, false};
    struct mail_address sender = {STR_EMPTY, STR_EMPTY, false};
    const struct srs_key *srs_key = expansion->table->srs_key;
    enum srs_answer srs = SRS_NONE;
    if (srs_key)
        srs = srs_reverse(srs_key, expansion->wall_us, &ours, expansion->arena, &sender);
    if (srs == SRS_NONE || (srs != SRS_OURS && is_known(domain, &match)))
        return match;
    return (struct match){.meaning = meanings[srs], .sender = sender};
}

static struct match match_of(const struct expansion *expansion, const struct mail_address *address)
{
    const struct route_domain *domain =
        address->is_literal ? NULL : route_table_domain(expansion->table, address->domain);
    return domain ? match_in(expansion, domain, address)
                  : (struct match){.meaning = ROUTE_MEANS_FOREIGN};
}

static void visit(struct expansion *expansion, const struct mail_address *address)
{
    struct match match = match_of(expansion, address);
    if (expansion->steps)
        note(expansion->arena, expansion->steps, address, &match);
    switch (match.meaning) {
    case ROUTE_MEANS_NOBODY:
        expansion->no = ROUTE_NO_SUCH_USER;
        break;
    case ROUTE_MEANS_FORGED:
        expansion->no = ROUTE_FORGED;
        break;
    case ROUTE_MEANS_EXPIRED:
        expansion->no = ROUTE_EXPIRED;
        break;
    case ROUTE_MEANS_SENDER:
        visit_later(expansion, &match.sender);
        break;
    case ROUTE_MEANS_FOREIGN:
    case ROUTE_MEANS_MAILBOX:
        set_add(&expansion->found, expansion->arena, address, match.meaning == ROUTE_MEANS_MAILBOX);
        break;
    case ROUTE_MEANS_ALIAS:
        follow(expansion, route_table_domain(expansion->table, address->domain), match.alias);
        break;
    }
}

/* False when it became too much. The list grows behind the place where it is walked. */
static bool visit_all(struct expansion *expansion)
{
    LIST_EACH (&expansion->visited.members, link) {
        visit(expansion, &CONTAINER_OF(link, struct member, link)->address);
        if (expansion->found.by_text.count > FOUND_MAX ||
            expansion->visited.by_text.count > VISITED_MAX)
            return false;
    }
    return true;
}

static struct route_targets targets_of(struct expansion *expansion)
{
    struct route_targets targets = {0};
    targets.addresses = ARENA_ARRAY(expansion->arena, struct str, expansion->found.by_text.count);
    LIST_EACH (&expansion->found.members, link)
        targets.addresses[targets.count++] =
            mail_address_text(expansion->arena, &CONTAINER_OF(link, struct member, link)->address);
    return targets;
}

static enum route_answer expand(struct expansion *expansion, const struct mail_address *address,
                                struct route_targets *out_targets)
{
    visit_later(expansion, address);
    if (!visit_all(expansion))
        return ROUTE_LOOP;
    if (list_is_empty(&expansion->found.members))
        return expansion->no;
    *out_targets = targets_of(expansion);
    return ROUTE_LOCAL;
}

static enum route_answer walk(const struct route_table *table, const struct mail_address *start,
                              int64_t wall_us, struct arena *arena, struct list *steps,
                              struct route_targets *out_targets)
{
    struct expansion expansion = {.table = table,
                                  .arena = arena,
                                  .wall_us = wall_us,
                                  .visited = set_make(),
                                  .found = set_make(),
                                  .no = ROUTE_LOOP,
                                  .steps = steps};
    list_init(&expansion.visited.members);
    list_init(&expansion.found.members);
    enum route_answer answer = expand(&expansion, start, out_targets);
    map_done(&expansion.visited.by_text);
    map_done(&expansion.found.by_text);
    return answer;
}

/* <postmaster> is that of the first domain. */
static enum route_answer answer_for(const struct route_table *table,
                                    const struct mail_address *address, int64_t wall_us,
                                    struct arena *arena, struct list *steps,
                                    struct route_targets *out_targets)
{
    struct mail_address start = *address;
    if (start.domain.len == 0)
        start.domain = route_home_domain(table);
    if (start.domain.len == 0)
        return ROUTE_NO_SUCH_USER;
    if (!start.is_literal && route_is_local_domain(table, start.domain))
        return walk(table, &start, wall_us, arena, steps, out_targets);
    if (steps)
        note(arena, steps, &start, &(struct match){.meaning = ROUTE_MEANS_FOREIGN});
    return ROUTE_FOREIGN;
}

enum route_answer route_recipient(const struct route_table *table,
                                  const struct mail_address *address, int64_t wall_us,
                                  struct arena *arena, struct route_targets *out_targets)
{
    return answer_for(table, address, wall_us, arena, NULL, out_targets);
}

enum route_answer route_recipient_explain(const struct route_table *table,
                                          const struct mail_address *address, int64_t wall_us,
                                          struct arena *arena, struct route_targets *out_targets,
                                          struct route_steps *out_steps)
{
    struct list noted;
    list_init(&noted);
    enum route_answer answer = answer_for(table, address, wall_us, arena, &noted, out_targets);
    size_t count = 0;
    LIST_EACH (&noted, link)
        count++;
    *out_steps = (struct route_steps){.at = ARENA_ARRAY(arena, struct route_step, count)};
    LIST_EACH (&noted, link)
        out_steps->at[out_steps->count++] = CONTAINER_OF(link, struct noted_step, link)->step;
    return answer;
}

/* ---- Whom to ask ---------------------------------------------------------------------------- */

const struct route_way *route_way_to_ask(const struct route_table *table, struct str address)
{
    size_t at = str_find_last(address, '@');
    const struct route_domain *domain =
        at == SIZE_MAX ? NULL : route_table_domain(table, str_from(address, at + 1));
    if (!domain || (domain->way.via != ROUTE_LMTP && domain->way.via != ROUTE_SMTP))
        return NULL;
    struct str base = route_without_detail(str_first(address, at), domain->separator);
    bool is_known = domain->users != ROUTE_USERS_ANY || str_eq_nocase(base, STR("postmaster"));
    return is_known ? NULL : &domain->way;
}
