#include "receive/seal.h"

#include "receive/sign.h"
#include "verify/judgement.h"
#include "verify/keyring.h"

struct seal {
    const struct judgement *judgement;
    struct arc_sealer *sealer;
    const struct dkim_signing_key *key;
    struct str results;
    struct str fields;
    enum err err;
};

/* Those who look at ARC know RSA (RFC 8617 names no other algorithm). */
static const struct dkim_signing_key *prefer_rsa(const struct keyring_domain *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        if (private_key_algorithm(keys->keys[i].key) == DKIM_RSA_SHA256)
            return &keys->keys[i];
    return &keys->keys[0];
}

static const struct dkim_signing_key *find_key(const struct session *session)
{
    const struct spool_envelope *envelope = &session->transaction.envelope;
    for (uint32_t i = 0; i < envelope->recipient_count; i++) {
        struct str alias = envelope->recipients[i].forwarded_by;
        struct str domain = str_from(alias, str_find_last(alias, '@') + 1);
        const struct keyring_domain *keys =
            alias.len ? keyring_find(session->service->keyring, domain) : NULL;
        if (keys)
            return prefer_rsa(keys);
    }
    return NULL;
}

struct seal *seal_begin(struct session *session, struct judgement *judgement)
{
    const struct dkim_signing_key *key = session->service->keyring ? find_key(session) : NULL;
    if (!key)
        return NULL;
    struct seal *seal = ARENA_NEW(judgement->arena, struct seal);
    seal->judgement = judgement;
    seal->sealer = arc_sealer_new(judgement->message);
    seal->key = key;
    return seal;
}

/* On a thread of the pool, while the session waits. */
static void make_set(void *argument)
{
    struct seal *seal = argument;
    const struct judgement *judgement = seal->judgement;
    seal->err =
        arc_seal_finish(seal->sealer, &judgement->arc, seal->key, seal->results,
                        judgement->query.wall_us / 1000000, judgement->arena, &seal->fields);
}

const struct answer *seal_finish(struct session *session, struct incoming *incoming,
                                 struct str results)
{
    struct seal *seal = incoming->seal;
    seal->results = results;
    if (blocking_run(session->service->signing_pool, make_set, seal))
        return &sign_pool_full;
    if (seal->err) {
        incoming_tell(session, incoming,
                      STR("not sealed with ARC: its chain or its header allow "
                          "no further set"));
        return NULL;
    }
    incoming_put_on_top(session, incoming, seal->fields);
    incoming_tell(session, incoming,
                  arena_printf(seal->judgement->arena, "sealed with ARC for %.*s with %.*s",
                               STR_FMT(seal->key->domain), STR_FMT(seal->key->selector)));
    return NULL;
}
