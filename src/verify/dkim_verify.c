#include "verify/dkim_verify.h"

#include "verify/header_digest.h"

struct dkim_verifier {
    struct verify_observer observer;
    struct verify_message *message;
    struct dkim_candidate candidates[DKIM_SIGNATURES_MAX];
    size_t count;
    size_t ignored;
};

/* ---- one signature ---- */

void dkim_candidate_begin(struct dkim_candidate *candidate, struct verify_message *message,
                          const struct mail_field *field, const struct tag_list *tags,
                          enum signature_kind kind)
{
    *candidate = (struct dkim_candidate){.field = field};
    struct dkim_signature *signature = &candidate->signature;
    candidate->verdict = dkim_signature_read(&message->arena, tags, kind, signature);
    if (message->is_header_too_large)
        candidate->verdict = dkim_verdict(DKIM_POLICY, "the header is larger than we keep");
    if (!dkim_is_good(candidate->verdict))
        return;
    candidate->body = body_digests_want(&message->body, signature->body_canonicalization,
                                        signature->body_length, &message->arena);
    if (!candidate->body)
        candidate->verdict = dkim_verdict(DKIM_POLICY, "too many different body lengths");
}

/* Section 6.1.3, step 3. */
static struct dkim_verdict check_body(const struct dkim_candidate *candidate)
{
    struct str hash = str_make((const char *)candidate->body->bytes, DIGEST_LEN);
    if (candidate->body->is_too_short)
        return dkim_verdict(DKIM_PERMERROR, "the body is shorter than l= says");
    if (!str_eq(hash, candidate->signature.body_hash))
        return dkim_verdict(DKIM_FAIL, "the body hash does not match");
    return dkim_good();
}

static void hash_header(const struct dkim_candidate *candidate, struct field_index *fields,
                        uint8_t out[DIGEST_LEN])
{
    const struct dkim_signature *signature = &candidate->signature;
    struct header_digest digest;
    header_digest_begin(&digest, signature->header_canonicalization);
    header_digest_add_picked(&digest, fields, signature->signed_names, candidate->field);
    header_digest_end(&digest, candidate->field->raw, signature->signature_raw, out);
}

/* What a good signature does not help against: sections 8.2 and 8.15. */
static struct dkim_verdict check_trust(const struct dkim_candidate *candidate,
                                       const struct field_index *fields)
{
    if (candidate->body->is_partial)
        return dkim_verdict(DKIM_POLICY, "text stands behind what l= covers");
    const struct indexed_field *from = field_index_lowest(fields, STR("From"));
    if (from && from->above)
        return dkim_verdict(DKIM_POLICY, "there is more than one From field");
    return dkim_good();
}

enum err dkim_candidate_finish(struct dkim_candidate *candidate, struct verify_message *message,
                               struct dkim_keys *keys, int64_t now_s, struct dkim_proof *out_proof)
{
    const struct dkim_signature *signature = &candidate->signature;
    struct dkim_proof proof = {.verdict = candidate->verdict};
    if (dkim_is_good(proof.verdict) && now_s > 0 && (uint64_t)now_s > signature->expires_s)
        proof.verdict = dkim_verdict(DKIM_POLICY, "the signature has expired");
    if (dkim_is_good(proof.verdict)) {
        uint8_t digest[DIGEST_LEN];
        hash_header(candidate, &message->fields, digest);
        enum err err = dkim_keys_prove(keys, signature, digest, check_body(candidate), &proof);
        if (err)
            return err;
    }
    if (dkim_is_good(proof.verdict))
        proof.verdict = check_trust(candidate, &message->fields);
    *out_proof = proof;
    return OK;
}

/* ---- all of them ---- */

static void begin_signature(struct dkim_verifier *verifier, const struct mail_field *field)
{
    struct tag_list tags;
    if (verifier->count == DKIM_SIGNATURES_MAX) {
        verifier->ignored++;
        return;
    }
    struct dkim_candidate *candidate = &verifier->candidates[verifier->count++];
    if (tag_list_parse(field->value, &tags) == OK)
        dkim_candidate_begin(candidate, verifier->message, field, &tags, SIGNATURE_DKIM);
    else
        candidate->verdict = dkim_verdict(DKIM_NEUTRAL, "it is no list of tags");
}

static void header_known(struct verify_observer *observer, struct verify_message *message)
{
    struct dkim_verifier *verifier = CONTAINER_OF(observer, struct dkim_verifier, observer);
    for (size_t i = 0; i < message->fields.count; i++) {
        const struct mail_field *field = &message->fields.fields[i].field;
        if (mail_field_is(field, STR("DKIM-Signature")))
            begin_signature(verifier, field);
    }
}

struct dkim_verifier *dkim_verifier_new(struct verify_message *message)
{
    struct dkim_verifier *verifier = ARENA_NEW(&message->arena, struct dkim_verifier);
    verifier->message = message;
    verifier->observer.header_known = header_known;
    verify_message_observe(message, &verifier->observer);
    return verifier;
}

static struct dkim_verified verified_of(const struct dkim_signature *signature,
                                        const struct dkim_proof *proof, struct arena *arena)
{
    return (struct dkim_verified){
        .verdict = proof->verdict,
        .domain = arena_copy(arena, signature->domain),
        .selector = arena_copy(arena, signature->selector),
        .algorithm = arena_copy(arena, signature->algorithm_text),
        .identity = arena_copy(arena, signature->identity),
        .signature_text = arena_copy(arena, signature->signature_text),
        .has_body_length = signature->has_body_length,
        .is_testing = proof->is_testing,
        .key_bits = proof->key_bits,
    };
}

enum err dkim_verifier_finish(struct dkim_verifier *verifier, struct dkim_keys *keys, int64_t now_s,
                              struct arena *arena, struct dkim_verified_list *out_list)
{
    assert(verifier->message->has_ended);
    struct dkim_verified_list list = {
        .items = ARENA_ARRAY(arena, struct dkim_verified, verifier->count + 1),
        .ignored = verifier->ignored,
    };
    while (list.count < verifier->count) {
        struct dkim_candidate *candidate = &verifier->candidates[list.count];
        struct dkim_proof proof;
        enum err err = dkim_candidate_finish(candidate, verifier->message, keys, now_s, &proof);
        if (err)
            return err;
        list.items[list.count++] = verified_of(&candidate->signature, &proof, arena);
    }
    *out_list = list;
    return OK;
}
