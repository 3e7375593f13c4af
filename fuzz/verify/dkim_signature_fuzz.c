/* Laws: what a good signature says can be looked up and used: names that can be asked for, From
 * among the signed fields, an identity within the domain, bytes as many as b= writes; a
 * bad one has a reason. The first byte says which field it is. */
#include "verify/dkim_signature.h"

#include "base/encode.h"
#include "verify/body_digest.h"
#include "verify/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_signature(struct arena *arena, const struct dkim_signature *signature)
{
    assert(dkim_name_is_valid(signature->domain, 2) && !str_has_8bit(signature->domain));
    assert(dkim_name_is_valid(signature->selector, 1) && !str_has_8bit(signature->selector));
    assert(domain_is_within(signature->identity_domain, signature->domain));
    assert(str_eq(signature->algorithm_text, dkim_algorithm_text(signature->algorithm)));
    assert(base64_encode(arena, signature->signature).len == signature->signature_text.len);
    assert(!signature->has_time || signature->time_s < signature->expires_s ||
           signature->expires_s == UINT64_MAX);
    assert(signature->has_body_length == (signature->body_length != BODY_LENGTH_WHOLE));
}

static void check_signed(const struct dkim_signature *signature)
{
    struct tag_items items = tag_items_make(signature->signed_names);
    struct str name;
    bool has_from = false;
    while (tag_items_next(&items, &name)) {
        assert(str_find(name, ' ') == SIZE_MAX && !str_has_8bit(name));
        has_from = has_from || str_eq_nocase(name, STR("from"));
    }
    assert(has_from && signature->body_hash.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum signature_kind kinds[] = {SIGNATURE_DKIM, SIGNATURE_ARC_MESSAGE,
                                                SIGNATURE_ARC_SEAL};
    struct tag_list tags;
    if (size == 0 || tag_list_parse(str_make((const char *)data + 1, size - 1), &tags))
        return 0;
    struct arena arena = arena_make();
    struct dkim_signature signature;
    enum signature_kind kind = kinds[data[0] % ARRAY_LEN(kinds)];
    struct dkim_verdict verdict = dkim_signature_read(&arena, &tags, kind, &signature);
    assert(dkim_is_good(verdict) == (*verdict.reason == '\0'));
    if (dkim_is_good(verdict)) {
        check_signature(&arena, &signature);
        if (kind != SIGNATURE_ARC_SEAL)
            check_signed(&signature);
    }
    arena_reset(&arena);
    return 0;
}
