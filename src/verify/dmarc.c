#include "verify/dmarc.h"

#include "verify/dmarc_walk.h"
#include "verify/domain.h"

struct check {
    struct resolver *resolver;
    const struct dmarc_query *query;
    uint64_t deadline_ms;
    struct arena *arena;
};

struct str dmarc_result_text(enum dmarc_result result)
{
    static const char *const texts[] = {
        [DMARC_RESULT_NONE] = "none",           [DMARC_RESULT_PASS] = "pass",
        [DMARC_RESULT_FAIL] = "fail",           [DMARC_RESULT_TEMPERROR] = "temperror",
        [DMARC_RESULT_PERMERROR] = "permerror",
    };
    return str_of(texts[result]);
}

static void conclude(struct dmarc_answer *answer, enum dmarc_result result, struct str reason)
{
    answer->result = result;
    answer->reason = reason;
}

/* ---- Alignment (section 4.10.2) ------------------------------------------------------------ */

enum alignment { NOT_ALIGNED, ALIGNED, UNKNOWN };

/* An organizational domain is the name itself or one above it, so an identifier that does not lie
 * within the author's cannot share it, and needs no walk. */
static MAY_YIELD enum alignment align_relaxed(const struct check *check, struct dmarc_walk *author,
                                              struct str domain)
{
    dmarc_walk_finish(author);
    if (author->is_incomplete)
        return UNKNOWN;
    struct str organization = dmarc_walk_organization(author);
    if (!domain_is_within(domain, organization))
        return NOT_ALIGNED;
    struct dmarc_walk walk;
    dmarc_walk_begin(check->resolver, domain, check->deadline_ms, check->arena, &walk);
    dmarc_walk_finish(&walk);
    if (walk.is_incomplete)
        return UNKNOWN;
    return str_eq_nocase(dmarc_walk_organization(&walk), organization) ? ALIGNED : NOT_ALIGNED;
}

static MAY_YIELD enum alignment align(const struct check *check, struct dmarc_walk *author,
                                      const struct dmarc_record *record,
                                      const struct dmarc_identifier *identifier)
{
    struct str domain;
    bool is_strict =
        identifier->method == DMARC_BY_SPF ? record->is_strict_spf : record->is_strict_dkim;
    if (domain_to_ascii(check->arena, identifier->domain, &domain))
        return NOT_ALIGNED;
    if (str_eq_nocase(domain, author->domain))
        return ALIGNED;
    return is_strict ? NOT_ALIGNED : align_relaxed(check, author, domain);
}

static void note_aligned(struct dmarc_answer *answer, enum dmarc_method method)
{
    *(method == DMARC_BY_SPF ? &answer->aligned_spf : &answer->aligned_dkim) = true;
}

static bool is_noted(const struct dmarc_answer *answer, enum dmarc_method method)
{
    return method == DMARC_BY_SPF ? answer->aligned_spf : answer->aligned_dkim;
}

/* Returns true when an answer that did not come might have made it pass. */
static MAY_YIELD bool align_all(const struct check *check, struct dmarc_walk *author,
                                const struct dmarc_record *record, struct dmarc_answer *answer)
{
    bool is_uncertain = false;
    for (size_t i = 0; i < check->query->identifier_count; i++) {
        const struct dmarc_identifier *identifier = &check->query->identifiers[i];
        if (is_noted(answer, identifier->method))
            continue;
        enum alignment alignment = align(check, author, record, identifier);
        if (alignment == ALIGNED && !identifier->is_temporary)
            note_aligned(answer, identifier->method);
        else if (alignment != NOT_ALIGNED)
            is_uncertain = true;
    }
    return is_uncertain;
}

/* ---- Policy (section 4.10.1) --------------------------------------------------------------- */

enum existence { EXISTS, EXISTS_NOT, EXISTS_MAYBE };

/* Section 3.2.13: NXDOMAIN for the name itself. */
static MAY_YIELD enum existence find_existence(const struct check *check,
                                               const struct dmarc_walk *author)
{
    struct dns_answer answer;
    if (author->name_exists)
        return EXISTS;
    enum err err =
        dns_ask(check->resolver, author->domain, DNS_A, check->deadline_ms, check->arena, &answer);
    if (err || answer.result == DNS_FAILED)
        return EXISTS_MAYBE;
    return answer.result == DNS_NO_NAME ? EXISTS_NOT : EXISTS;
}

/* Whether the name exists is asked only where it matters. */
static MAY_YIELD enum existence set_policy(const struct check *check,
                                           const struct dmarc_walk *author,
                                           const struct dmarc_step *step,
                                           struct dmarc_answer *answer)
{
    bool is_subdomain = step->domain.len != author->domain.len;
    enum existence existence = EXISTS;
    if (is_subdomain && step->record.nonexistent_policy)
        existence = find_existence(check, author);
    answer->policy = dmarc_record_policy(&step->record, is_subdomain, existence == EXISTS_NOT);
    answer->record = step->record;
    answer->record_domain = step->domain;
    return existence;
}

/* t=y: one level below. */
static enum dmarc_policy disposition_of(const struct dmarc_answer *answer)
{
    if (!answer->record.is_testing || answer->policy == DMARC_POLICY_NONE)
        return answer->policy;
    return answer->policy == DMARC_POLICY_REJECT ? DMARC_POLICY_QUARANTINE : DMARC_POLICY_NONE;
}

/* ---- One author ---------------------------------------------------------------------------- */

static const struct str no_answer = STR("the DNS gave no answer that the result depends on");

static MAY_YIELD void apply(const struct check *check, struct dmarc_walk *author,
                            const struct dmarc_step *step, struct dmarc_answer *answer)
{
    enum existence existence = set_policy(check, author, step, answer);
    bool is_uncertain = align_all(check, author, &step->record, answer);
    if (answer->aligned_spf || answer->aligned_dkim) {
        conclude(answer, DMARC_RESULT_PASS,
                 arena_printf(check->arena, "%s vouches for %.*s",
                              answer->aligned_dkim ? "DKIM" : "SPF", STR_FMT(author->domain)));
    } else if (is_uncertain || existence == EXISTS_MAYBE) {
        conclude(answer, DMARC_RESULT_TEMPERROR, no_answer);
    } else {
        answer->disposition = disposition_of(answer);
        conclude(answer, DMARC_RESULT_FAIL,
                 arena_printf(check->arena,
                              "neither SPF nor DKIM vouches for %.*s; its policy is %.*s%s",
                              STR_FMT(author->domain), STR_FMT(dmarc_policy_text(answer->policy)),
                              answer->record.is_testing ? " (testing)" : ""));
    }
}

static MAY_YIELD void check_author(const struct check *check, struct str domain,
                                   struct dmarc_answer *out_answer)
{
    struct dmarc_answer answer = {.policy = DMARC_POLICY_NONE,
                                  .disposition = DMARC_POLICY_NONE,
                                  .author_domain = domain,
                                  .record_domain = STR_EMPTY};
    struct dmarc_walk author;
    dmarc_walk_begin(check->resolver, domain, check->deadline_ms, check->arena, &author);
    if (author.count == 0)
        dmarc_walk_finish(&author);
    const struct dmarc_step *step = dmarc_walk_policy(&author);
    if (author.is_incomplete)
        conclude(&answer, DMARC_RESULT_TEMPERROR, no_answer);
    else if (!step)
        conclude(&answer, DMARC_RESULT_NONE,
                 arena_printf(check->arena, "no policy is published for %.*s", STR_FMT(domain)));
    else if (!dmarc_record_is_usable(&step->record))
        conclude(&answer, DMARC_RESULT_NONE,
                 arena_printf(check->arena, "the record of %.*s has an invalid policy",
                              STR_FMT(step->domain)));
    else
        apply(check, &author, step, &answer);
    *out_answer = answer;
}

/* ---- All of them --------------------------------------------------------------------------- */

/* Which of several authors' answers counts: a fail by its policy, then an answer that is missing,
 * then the others. */
static int weight(const struct dmarc_answer *answer)
{
    if (answer->result == DMARC_RESULT_FAIL)
        return 10 + (int)answer->disposition;
    return answer->result == DMARC_RESULT_TEMPERROR ? 5 : 0;
}

static struct str describe(const struct dmarc_authors *authors)
{
    if (authors->fields != 1)
        return authors->fields ? STR("there is more than one From field")
                               : STR("there is no From field");
    if (authors->is_unclear)
        return STR("the From field can be read in more than one way, or not at all");
    return authors->addresses ? STR("there is more than one address in From")
                              : STR("there is no address in From");
}

static MAY_YIELD void check_unclear(const struct check *check, struct dmarc_answer *out_answer)
{
    const struct dmarc_authors *authors = check->query->authors;
    struct dmarc_answer worst = {.policy = DMARC_POLICY_NONE,
                                 .disposition = DMARC_POLICY_NONE,
                                 .author_domain = STR_EMPTY,
                                 .record_domain = STR_EMPTY};
    for (size_t i = 0; i < authors->count; i++) {
        struct dmarc_answer answer;
        check_author(check, authors->domains[i], &answer);
        if (i == 0 || weight(&answer) > weight(&worst))
            worst = answer;
    }
    struct str what = describe(authors);
    if (weight(&worst) > 0)
        worst.reason =
            arena_printf(check->arena, "%.*s; %.*s", STR_FMT(what), STR_FMT(worst.reason));
    else
        conclude(&worst, DMARC_RESULT_PERMERROR, what);
    worst.aligned_spf = worst.aligned_dkim = false;
    *out_answer = worst;
}

void dmarc_check(struct resolver *resolver, const struct dmarc_query *query, uint64_t deadline_ms,
                 struct arena *arena, struct dmarc_answer *out_answer)
{
    struct check check = {resolver, query, deadline_ms, arena};
    if (dmarc_authors_are_clear(query->authors))
        check_author(&check, query->authors->domains[0], out_answer);
    else
        check_unclear(&check, out_answer);
}
