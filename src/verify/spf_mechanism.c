#include "verify/spf_mechanism.h"

#include "verify/domain.h"

/* ---- The mechanisms ------------------------------------------------------------------------ */

static enum spf_match match_found(struct spf_question *question, enum spf_found found, bool matches)
{
    if (found == SPF_UNAVAILABLE) {
        question->reason =
            arena_printf(question->evaluation->arena, "the DNS gave no answer for %.*s",
                         STR_FMT(question->directive->text));
        return SPF_MATCH_TEMPERROR;
    }
    return found == SPF_FOUND && matches ? SPF_MATCH : SPF_NO_MATCH;
}

static enum spf_match match_all(struct spf_question *question)
{
    UNUSED(question);
    return SPF_MATCH;
}

static enum spf_match match_network(struct spf_question *question)
{
    const struct spf_directive *directive = question->directive;
    bool ip6 = directive->mechanism == SPF_IP6;
    uint8_t bits = ip6 ? directive->bits6 : directive->bits4;
    const struct net_address *client = &question->evaluation->lookups.client;
    return spf_client_is_in(client, directive->network, ip6, bits) ? SPF_MATCH : SPF_NO_MATCH;
}

static MAY_YIELD enum spf_match match_address(struct spf_question *question, struct str name)
{
    struct spf_lookups *lookups = &question->evaluation->lookups;
    const struct spf_directive *directive = question->directive;
    struct dns_answer answer;
    enum spf_found found = spf_lookup_addresses(lookups, name, &answer);
    return match_found(question, found,
                       found == SPF_FOUND && spf_addresses_match(lookups, &answer, directive->bits4,
                                                                 directive->bits6));
}

static MAY_YIELD enum spf_match match_a(struct spf_question *question)
{
    return match_address(question, question->target);
}

/* More than ten names are an error before any of them is looked at, so that the result does not
 * depend on their order. */
static MAY_YIELD enum spf_match match_mx(struct spf_question *question)
{
    struct spf_lookups *lookups = &question->evaluation->lookups;
    struct dns_answer answer;
    enum spf_found found = spf_lookup(lookups, question->target, DNS_MX, &answer);
    if (found != SPF_FOUND)
        return match_found(question, found, false);
    if (answer.count > SPF_NAMES_MAX) {
        question->reason = STR("there are more than 10 MX records");
        return SPF_MATCH_PERMERROR;
    }
    enum spf_match match = SPF_NO_MATCH;
    for (size_t i = 0; i < answer.count && match == SPF_NO_MATCH; i++) {
        struct dns_mx mx;
        if (!dns_mx_parse(answer.records[i].data, lookups->arena, &mx))
            match = match_address(question, mx.host);
    }
    return match;
}

static MAY_YIELD enum spf_match match_ptr(struct spf_question *question)
{
    struct spf_lookups *lookups = &question->evaluation->lookups;
    spf_lookup_validated(lookups);
    for (size_t i = 0; i < lookups->validated_count; i++)
        if (domain_is_within(lookups->validated[i], question->target))
            return SPF_MATCH;
    return SPF_NO_MATCH;
}

static MAY_YIELD enum spf_match match_exists(struct spf_question *question)
{
    struct dns_answer answer;
    enum spf_found found =
        spf_lookup(&question->evaluation->lookups, question->target, DNS_A, &answer);
    return match_found(question, found, true);
}

/* The table of section 5.2. */
static MAY_YIELD enum spf_match match_include(struct spf_question *question)
{
    static const enum spf_match matches[] = {
        [SPF_RESULT_PASS] = SPF_MATCH,
        [SPF_RESULT_FAIL] = SPF_NO_MATCH,
        [SPF_RESULT_SOFTFAIL] = SPF_NO_MATCH,
        [SPF_RESULT_NEUTRAL] = SPF_NO_MATCH,
        [SPF_RESULT_TEMPERROR] = SPF_MATCH_TEMPERROR,
        [SPF_RESULT_PERMERROR] = SPF_MATCH_PERMERROR,
        [SPF_RESULT_NONE] = SPF_MATCH_PERMERROR,
    };
    struct spf_verdict verdict;
    spf_check_host(question->evaluation, question->target, &verdict);
    question->reason = verdict.reason;
    return matches[verdict.result];
}

static const struct {
    enum spf_match (*match)(struct spf_question *question);
    bool looks_up;
} mechanisms[] = {
    [SPF_ALL] = {match_all, false},     [SPF_INCLUDE] = {match_include, true},
    [SPF_A] = {match_a, true},          [SPF_MX] = {match_mx, true},
    [SPF_PTR] = {match_ptr, true},      [SPF_IP4] = {match_network, false},
    [SPF_IP6] = {match_network, false}, [SPF_EXISTS] = {match_exists, true},
};

/* ---- The limits ---------------------------------------------------------------------------- */

const struct str spf_too_many_lookups = STR("more than 10 terms look something up");
static const struct str too_many_voids = STR("more than 2 look-ups had no answer");

static MAY_YIELD enum spf_match match_limited(struct spf_question *question)
{
    struct spf_lookups *lookups = &question->evaluation->lookups;
    struct str spec = question->directive->domain_spec;
    if (!spf_lookups_begin_term(lookups) ||
        (spec.len &&
         !spf_evaluation_expand(question->evaluation, question->domain, spec, &question->target))) {
        question->reason = spf_too_many_lookups;
        return SPF_MATCH_PERMERROR;
    }
    enum spf_match match = mechanisms[question->directive->mechanism].match(question);
    bool has_voids_left = spf_lookups_end_term(lookups, match == SPF_MATCH);
    if (match == SPF_NO_MATCH && !has_voids_left) {
        question->reason = too_many_voids;
        return SPF_MATCH_PERMERROR;
    }
    return match;
}

/* Whether a term is void is its own affair, not that of the include it may stand in. */
static MAY_YIELD enum spf_match evaluate_lookup(struct spf_question *question)
{
    struct spf_lookups *lookups = &question->evaluation->lookups;
    bool outer_has_void = lookups->term_has_void;
    enum spf_match match = match_limited(question);
    lookups->term_has_void = outer_has_void;
    return match;
}

enum spf_match spf_mechanism_match(struct spf_question *question)
{
    const enum spf_mechanism mechanism = question->directive->mechanism;
    return mechanisms[mechanism].looks_up ? evaluate_lookup(question)
                                          : mechanisms[mechanism].match(question);
}
