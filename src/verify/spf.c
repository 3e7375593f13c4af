#include "verify/spf.h"

#include "mail/text.h"
#include "verify/domain.h"
#include "verify/spf_mechanism.h"

struct str spf_result_text(enum spf_result result)
{
    static const char *const texts[] = {
        [SPF_RESULT_NONE] = "none",           [SPF_RESULT_NEUTRAL] = "neutral",
        [SPF_RESULT_PASS] = "pass",           [SPF_RESULT_FAIL] = "fail",
        [SPF_RESULT_SOFTFAIL] = "softfail",   [SPF_RESULT_TEMPERROR] = "temperror",
        [SPF_RESULT_PERMERROR] = "permerror",
    };
    return str_of(texts[result]);
}

static void conclude(struct spf_verdict *verdict, enum spf_result result, struct str reason)
{
    verdict->result = result;
    verdict->reason = reason;
}

/* ---- Directives ---------------------------------------------------------------------------- */

static enum spf_result result_of(enum spf_qualifier qualifier)
{
    switch (qualifier) {
    case SPF_MINUS:
        return SPF_RESULT_FAIL;
    case SPF_TILDE:
        return SPF_RESULT_SOFTFAIL;
    case SPF_QUESTION:
        return SPF_RESULT_NEUTRAL;
    case SPF_PLUS:
        break;
    }
    return SPF_RESULT_PASS;
}

static void conclude_match(struct spf_evaluation *evaluation, const struct spf_question *question,
                           enum spf_match match, struct spf_verdict *verdict)
{
    struct str text = question->directive->text;
    verdict->mechanism = text;
    if (match == SPF_MATCH)
        conclude(verdict, result_of(question->directive->qualifier),
                 arena_printf(evaluation->arena, "%.*s of %.*s matches", STR_FMT(text),
                              STR_FMT(question->domain)));
    else
        conclude(verdict,
                 match == SPF_MATCH_TEMPERROR ? SPF_RESULT_TEMPERROR : SPF_RESULT_PERMERROR,
                 question->reason);
}

/* True when one of the directives decided. */
static MAY_YIELD bool evaluate_directives(struct spf_evaluation *evaluation, struct str domain,
                                          const struct spf_record *record,
                                          struct spf_verdict *verdict)
{
    for (size_t i = 0; i < record->count; i++) {
        struct spf_question question = {evaluation, &record->directives[i], domain, domain,
                                        STR_EMPTY};
        enum spf_match match = spf_mechanism_match(&question);
        if (match != SPF_NO_MATCH) {
            conclude_match(evaluation, &question, match, verdict);
            return true;
        }
    }
    return false;
}

/* ---- Records ------------------------------------------------------------------------------- */

/* Section 4.5. False: the verdict says why there is no record. */
static bool select_record(struct spf_evaluation *evaluation, const struct dns_answer *answer,
                          struct str domain, struct spf_verdict *verdict, struct str *out_txt)
{
    size_t count = 0;
    for (size_t i = 0; i < answer->count; i++) {
        struct str txt;
        if (dns_txt_parse(answer->records[i].data, evaluation->arena, &txt) ||
            !spf_record_is_one(txt))
            continue;
        *out_txt = txt;
        count++;
    }
    if (count == 0)
        conclude(verdict, SPF_RESULT_NONE,
                 arena_printf(evaluation->arena, "%.*s has no SPF record", STR_FMT(domain)));
    if (count > 1)
        conclude(
            verdict, SPF_RESULT_PERMERROR,
            arena_printf(evaluation->arena, "%.*s has %zu SPF records", STR_FMT(domain), count));
    return count == 1;
}

/* Sections 4.3 and 4.4. */
static MAY_YIELD bool fetch_record(struct spf_evaluation *evaluation, struct str domain,
                                   struct spf_verdict *verdict, struct str *out_txt)
{
    struct dns_answer answer = {.count = 0};
    if (!domain_is_name(domain) || domain_label_count(domain) < 2 || str_has_8bit(domain)) {
        conclude(
            verdict, SPF_RESULT_NONE,
            arena_printf(evaluation->arena, "\"%.*s\" is not a full domain name", STR_FMT(domain)));
        return false;
    }
    if (spf_lookup(&evaluation->lookups, domain, DNS_TXT, &answer) == SPF_UNAVAILABLE) {
        conclude(verdict, SPF_RESULT_TEMPERROR,
                 arena_printf(evaluation->arena,
                              "the DNS gave no answer for the SPF record of %.*s",
                              STR_FMT(domain)));
        return false;
    }
    return select_record(evaluation, &answer, domain, verdict, out_txt);
}

static MAY_YIELD bool read_record(struct spf_evaluation *evaluation, struct str domain,
                                  struct spf_verdict *verdict, struct spf_record *out_record)
{
    struct str txt, fault;
    if (!fetch_record(evaluation, domain, verdict, &txt))
        return false;
    if (verdict->record.len == 0)
        verdict->record = txt;
    if (spf_record_parse(evaluation->arena, txt, out_record, &fault)) {
        verdict->mechanism = fault;
        conclude(verdict, SPF_RESULT_PERMERROR,
                 arena_printf(evaluation->arena,
                              "the record of %.*s has a syntax error at \"%.*s\"", STR_FMT(domain),
                              STR_FMT(fault)));
        return false;
    }
    return true;
}

/* ---- spf_check_host() --------------------------------------------------------------------------
 */

/* Section 6.1. True when there is another record to evaluate. */
static MAY_YIELD bool follow_redirect(struct spf_evaluation *evaluation, struct str *domain,
                                      struct spf_record *record, struct spf_verdict *verdict)
{
    struct str target;
    verdict->mechanism =
        arena_printf(evaluation->arena, "redirect=%.*s", STR_FMT(record->redirect));
    if (!spf_lookups_begin_term(&evaluation->lookups) ||
        !spf_evaluation_expand(evaluation, *domain, record->redirect, &target)) {
        conclude(verdict, SPF_RESULT_PERMERROR, spf_too_many_lookups);
        return false;
    }
    *domain = target;
    if (read_record(evaluation, target, verdict, record))
        return true;
    if (verdict->result == SPF_RESULT_NONE)
        verdict->result = SPF_RESULT_PERMERROR;
    return false;
}

void spf_check_host(struct spf_evaluation *evaluation, struct str domain,
                    struct spf_verdict *out_verdict)
{
    struct spf_verdict verdict = {SPF_RESULT_NONE, STR_EMPTY, STR_EMPTY,
                                  STR_EMPTY,       STR_EMPTY, STR_EMPTY};
    struct spf_record record;
    bool has_record = read_record(evaluation, domain, &verdict, &record);
    while (has_record) {
        verdict.explanation_spec = record.explanation;
        verdict.explanation_domain = domain;
        if (evaluate_directives(evaluation, domain, &record, &verdict))
            break;
        if (record.redirect.len == 0) {
            verdict.mechanism = STR("default");
            conclude(&verdict, SPF_RESULT_NEUTRAL,
                     arena_printf(evaluation->arena, "nothing in the record of %.*s matches",
                                  STR_FMT(domain)));
            break;
        }
        has_record = follow_redirect(evaluation, &domain, &record, &verdict);
    }
    *out_verdict = verdict;
}

/* Section 6.2: whatever goes wrong, there is no explanation. It changes no counts. */
static MAY_YIELD struct str explain(struct spf_evaluation *evaluation,
                                    const struct spf_verdict *verdict)
{
    struct spf_lookups *lookups = &evaluation->lookups;
    struct dns_answer answer;
    struct str target, text, explanation;
    if (verdict->result != SPF_RESULT_FAIL || verdict->explanation_spec.len == 0)
        return STR_EMPTY;
    lookups->terms = 0;
    if (!spf_evaluation_expand(evaluation, verdict->explanation_domain, verdict->explanation_spec,
                               &target) ||
        spf_lookup(lookups, target, DNS_TXT, &answer) != SPF_FOUND || answer.count != 1 ||
        dns_txt_parse(answer.records[0].data, evaluation->arena, &text) ||
        spf_macro_check(text, SPF_MACRO_EXPLANATION) ||
        !spf_evaluation_set_values(evaluation, verdict->explanation_domain, text) ||
        spf_macro_expand_explanation(evaluation->arena, text, &evaluation->values, &explanation))
        return STR_EMPTY;
    return mail_text_clean(evaluation->arena, explanation); /* macros hold what a client said */
}

enum spf_result spf_check(struct resolver *resolver, const struct spf_query *query,
                          uint64_t deadline_ms, struct arena *arena, struct spf_answer *out_answer)
{
    struct spf_evaluation evaluation;
    struct spf_verdict verdict;
    spf_evaluation_init(&evaluation, resolver, query, deadline_ms, arena);
    spf_check_host(&evaluation, evaluation.sender.domain, &verdict);
    *out_answer = (struct spf_answer){
        .result = verdict.result,
        .is_helo = evaluation.sender.is_helo,
        .domain = evaluation.sender.domain,
        .record = verdict.record,
        .mechanism = verdict.mechanism,
        .reason = verdict.reason,
        .lookups = evaluation.lookups.terms,
        .void_lookups = evaluation.lookups.voids,
    };
    out_answer->explanation = explain(&evaluation, &verdict);
    return verdict.result;
}
