#include "verify/authres_verdicts.h"

#define SIGNATURE_SHOWN_BYTES 8 /* RFC 6008 section 3 */

struct authres_result authres_of_iprev(struct arena *arena, enum iprev_result result,
                                       const struct net_address *client, struct str name)
{
    struct authres_result made = {.method = "iprev",
                                  .result = iprev_result_text(result),
                                  .comment = name,
                                  .reason = STR_EMPTY};
    authres_add_property(&made, "policy", "iprev", net_address_print_ip(arena, client));
    return made;
}

struct authres_result authres_of_spf(const struct spf_query *query, const struct spf_answer *answer)
{
    struct authres_result made = {.method = "spf",
                                  .result = spf_result_text(answer->result),
                                  .comment = STR_EMPTY,
                                  .reason = answer->reason};
    if (answer->is_helo)
        authres_add_property(&made, "smtp", "helo", answer->domain);
    else
        authres_add_property(&made, "smtp", "mailfrom", query->sender);
    return made;
}

/* What cannot be read from the signature is left out. */
static void add_if_known(struct authres_result *result, const char *name, struct str value)
{
    if (value.len)
        authres_add_property(result, "header", name, value);
}

static struct str describe_key(struct arena *arena, const struct dkim_verified *signature)
{
    if (signature->key_bits == 0)
        return STR_EMPTY;
    return arena_printf(arena, "%u-bit key%s", signature->key_bits,
                        signature->is_testing ? ", testing" : "");
}

struct authres_result authres_of_dkim(struct arena *arena, const struct dkim_verified *signature)
{
    struct authres_result made = {.method = "dkim",
                                  .result = dkim_result_text(signature->verdict.result),
                                  .comment = describe_key(arena, signature),
                                  .reason = str_of(signature->verdict.reason)};
    add_if_known(&made, "d", signature->domain);
    add_if_known(&made, "s", signature->selector);
    add_if_known(&made, "a", signature->algorithm);
    add_if_known(&made, "b", str_first(signature->signature_text, SIGNATURE_SHOWN_BYTES));
    return made;
}

struct authres_result authres_of_no_dkim(void)
{
    return (struct authres_result){
        .method = "dkim", .result = STR("none"), .comment = STR_EMPTY, .reason = STR_EMPTY};
}

struct authres_result authres_of_dmarc(struct arena *arena, const struct dmarc_answer *answer)
{
    struct authres_result made = {.method = "dmarc",
                                  .result = dmarc_result_text(answer->result),
                                  .comment = STR_EMPTY,
                                  .reason = answer->reason};
    if (answer->record_domain.len)
        made.comment =
            arena_printf(arena, "p=%.*s dis=%.*s", STR_FMT(dmarc_policy_text(answer->policy)),
                         STR_FMT(dmarc_policy_text(answer->disposition)));
    add_if_known(&made, "from", answer->author_domain);
    return made;
}
