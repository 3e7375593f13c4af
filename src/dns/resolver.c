#include "dns/resolver.h"

#include "dns/resolver_internal.h"

struct dns_answer dns_answer_failed(struct arena *arena, const struct dns_name *name,
                                    struct str problem)
{
    return (struct dns_answer){
        .result = DNS_FAILED,
        .problem = problem,
        .canonical_name = dns_name_print(arena, name),
    };
}

enum err dns_ask(struct resolver *resolver, struct str name, enum dns_type type,
                 uint64_t deadline_ms, struct arena *arena, struct dns_answer *out_answer)
{
    struct dns_name parsed;
    if (name.len == 0)
        return ERR_SYNTAX;
    enum err err = dns_name_from_text(name, &parsed);
    if (err)
        return err;
    return resolver->methods->ask(resolver, &parsed, type, deadline_ms, arena, out_answer);
}

void resolver_free(struct resolver *resolver)
{
    if (resolver)
        resolver->methods->free(resolver);
}

/* An answer that is malformed, or says no, comes from somebody who does not understand. */
static enum dns_probe_result judge(const struct dns_answer *answer, const char **out_reason)
{
    if (answer->secure && answer->count > 0) {
        *out_reason = "the root's keys are validated";
        return DNS_PROBE_VALIDATES;
    }
    if (answer->result == DNS_FAILED && !answer->bogus) {
        *out_reason = "the name servers do not answer for the root's keys";
        return DNS_PROBE_SILENT;
    }
    *out_reason = "the name servers do not pass on signatures that prove the root's keys";
    return DNS_PROBE_STRIPPED;
}

enum dns_probe_result dns_probe(const struct resolver_options *options, uint64_t deadline_ms,
                                const char **out_reason)
{
    struct resolver_options validating = *options;
    validating.validate = true;
    struct resolver *resolver;
    if (resolver_new(&validating, &resolver)) {
        *out_reason = "no name server is known";
        return DNS_PROBE_SILENT;
    }
    struct arena arena = arena_make();
    struct dns_name root = {.len = 1};
    struct dns_answer answer = {.result = DNS_FAILED};
    enum err err =
        resolver->methods->ask(resolver, &root, DNS_DNSKEY, deadline_ms, &arena, &answer);
    if (err) /* cancelled */
        answer = (struct dns_answer){.result = DNS_FAILED};
    enum dns_probe_result result = judge(&answer, out_reason);
    arena_reset(&arena);
    resolver_free(resolver);
    return result;
}
