#include "cli/verdict_json.h"

#include "mail/text.h"

json_t *verdict_text(struct str text)
{
    struct arena arena = arena_make();
    struct str clean = mail_text_clean(&arena, text);
    json_t *made = json_stringn(clean.at, clean.len);
    arena_reset(&arena);
    return made;
}

json_t *verdict_of_spf(const struct spf_answer *answer)
{
    return json_pack(
        "{s:o, s:o, s:o, s:i, s:i, s:o, s:s, s:o}", "result",
        verdict_text(spf_result_text(answer->result)), "mechanism", verdict_text(answer->mechanism),
        "explanation", verdict_text(answer->explanation), "lookups", (int)answer->lookups,
        "void_lookups", (int)answer->void_lookups, "domain", verdict_text(answer->domain),
        "identity", answer->is_helo ? "helo" : "mailfrom", "reason", verdict_text(answer->reason));
}

json_t *verdict_of_dkim(const struct dkim_verified *signature)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:b, s:b}", "domain",
                     verdict_text(signature->domain), "selector", verdict_text(signature->selector),
                     "algorithm", verdict_text(signature->algorithm), "result",
                     verdict_text(dkim_result_text(signature->verdict.result)), "reason",
                     signature->verdict.reason, "identity", verdict_text(signature->identity),
                     "body_length", signature->has_body_length, "testing", signature->is_testing);
}

json_t *verdict_of_arc(const struct arc_chain *chain)
{
    return json_pack("{s:o, s:i, s:s, s:i}", "result", verdict_text(arc_result_text(chain->result)),
                     "instance", (int)chain->instance, "reason", chain->reason, "oldest_pass",
                     (int)chain->oldest_pass);
}

json_t *verdict_of_dmarc(const struct dmarc_answer *answer)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o}", "result",
                     verdict_text(dmarc_result_text(answer->result)), "policy",
                     verdict_text(dmarc_policy_text(answer->policy)), "disposition",
                     verdict_text(dmarc_policy_text(answer->disposition)), "from",
                     verdict_text(answer->author_domain), "aligned_spf", answer->aligned_spf,
                     "aligned_dkim", answer->aligned_dkim, "record_domain",
                     verdict_text(answer->record_domain), "reason", verdict_text(answer->reason));
}

void verdict_print(json_t *verdict)
{
    json_dumpf(verdict, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(verdict);
}
