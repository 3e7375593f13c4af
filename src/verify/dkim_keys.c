#include "verify/dkim_keys.h"

#include "fiber/loop.h"

/* What the DNS says of one selector. */
struct dkim_key_set {
    struct dkim_key_set *next;
    struct str name;
    struct dkim_verdict verdict; /* good: there are records */
    struct dkim_key *keys;
    size_t count;
};

void dkim_keys_done(struct dkim_keys *keys)
{
    for (struct dkim_key_set *set = keys->sets; set; set = set->next)
        for (size_t i = 0; i < set->count; i++)
            dkim_key_done(&set->keys[i]);
    keys->sets = NULL;
}

/* ---- asking ---- */

static void set_take_answer(struct dkim_keys *keys, const struct dns_answer *answer,
                            struct dkim_key_set *set)
{
    size_t max = min_size(answer->count, DKIM_RECORDS_MAX);
    set->keys = ARENA_ARRAY(keys->arena, struct dkim_key, max + 1);
    for (size_t i = 0; i < max; i++) {
        struct str text;
        if (dns_txt_parse(answer->records[i].data, keys->arena, &text) == OK)
            dkim_key_parse(keys->arena, text, &set->keys[set->count++]);
    }
}

static uint64_t question_deadline(const struct dkim_keys *keys)
{
    uint64_t now = loop_now_ms();
    return keys->deadline_ms <= now ? now : now + (keys->deadline_ms - now + 1) / 2;
}

MAY_YIELD static enum err set_ask(struct dkim_keys *keys, struct dkim_key_set *set)
{
    struct dns_answer answer;
    enum err err =
        dns_ask(keys->resolver, set->name, DNS_TXT, question_deadline(keys), keys->arena, &answer);
    set->verdict = dkim_verdict(DKIM_PERMERROR, "there is no key");
    if (err == ERR_SYNTAX)
        return OK; /* too long for a name: nobody can have published it */
    if (err)
        return err;
    if (answer.result == DNS_FAILED)
        set->verdict = dkim_verdict(DKIM_TEMPERROR, "the key could not be looked up");
    if (answer.result != DNS_FOUND || answer.count == 0)
        return OK;
    set->verdict = dkim_good();
    set_take_answer(keys, &answer, set);
    return OK;
}

MAY_YIELD static enum err set_get(struct dkim_keys *keys, const struct dkim_signature *signature,
                                  struct dkim_key_set **out_set)
{
    struct str name = arena_printf(keys->arena, "%.*s._domainkey.%.*s",
                                   STR_FMT(signature->selector), STR_FMT(signature->domain));
    for (struct dkim_key_set *set = keys->sets; set; set = set->next)
        if (str_eq_nocase(set->name, name)) {
            *out_set = set;
            return OK;
        }
    struct dkim_key_set *set = ARENA_NEW(keys->arena, struct dkim_key_set);
    set->name = name;
    enum err err = set_ask(keys, set);
    if (err)
        return err;
    set->next = keys->sets;
    keys->sets = set;
    *out_set = set;
    return OK;
}

/* ---- proving ---- */

static struct dkim_proof prove_with(const struct dkim_key *key,
                                    const struct dkim_signature *signature,
                                    const uint8_t digest[32], struct dkim_verdict so_far)
{
    struct dkim_verdict verdict = dkim_key_fits(key, signature);
    if (!dkim_is_good(verdict))
        return (struct dkim_proof){verdict, key->is_testing, 0};
    if (dkim_is_good(so_far))
        so_far = dkim_key_prove(key, digest, signature->signature);
    return (struct dkim_proof){so_far, key->is_testing, key->bits};
}

/* Which failure tells more about the signature: that of a key that fits. */
static int telling(struct dkim_verdict verdict)
{
    return verdict.result == DKIM_FAIL ? 2 : verdict.result == DKIM_POLICY ? 1 : 0;
}

enum err dkim_keys_prove(struct dkim_keys *keys, const struct dkim_signature *signature,
                         const uint8_t digest[32], struct dkim_verdict so_far,
                         struct dkim_proof *out_proof)
{
    struct dkim_key_set *set;
    enum err err = set_get(keys, signature, &set);
    if (err)
        return err;
    struct dkim_proof best = {.verdict = set->verdict};
    if (dkim_is_good(set->verdict) && set->count == 0)
        best.verdict = dkim_verdict(DKIM_PERMERROR, "there is no key record");
    for (size_t i = 0; i < set->count; i++) {
        struct dkim_proof proof = prove_with(&set->keys[i], signature, digest, so_far);
        if (i == 0 || dkim_is_good(proof.verdict) || telling(proof.verdict) > telling(best.verdict))
            best = proof;
        if (dkim_is_good(best.verdict))
            break;
    }
    *out_proof = best;
    return OK;
}
