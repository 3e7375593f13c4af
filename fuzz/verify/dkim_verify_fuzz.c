/* Laws: every signature of a message gets a verdict, and the same one in whatever pieces the
 * message comes. The first byte says how large the pieces are. The keys of RFC 8463 appendix A are
 * published. */
#include "on_fiber.h"
#include "verify/dkim_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    struct str bytes;
    size_t piece;
};

static struct dkim_verified_list verify(struct resolver *resolver, struct str bytes, size_t piece,
                                        struct arena *arena)
{
    struct verify_message *message = verify_message_new();
    struct dkim_verifier *verifier = dkim_verifier_new(message);
    for (; bytes.len; bytes = str_from(bytes, min_size(piece, bytes.len)))
        verify_message_add(message, str_first(bytes, piece));
    verify_message_end(message);
    struct dkim_keys keys = dkim_keys_make(resolver, 20000, arena);
    struct dkim_verified_list list;
    enum err err = dkim_verifier_finish(verifier, &keys, 1000, arena, &list);
    assert(err == OK);
    dkim_keys_done(&keys);
    verify_message_free(message);
    return list;
}

static void run(void *context)
{
    const struct input *input = context;
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_scripted_new();
    resolver_script(resolver, "brisbane._domainkey.football.example.com", DNS_TXT,
                    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    resolver_script_failure(resolver, "down._domainkey.football.example.com", DNS_TXT);
    struct dkim_verified_list whole = verify(resolver, input->bytes, SIZE_MAX, &arena);
    struct dkim_verified_list cut = verify(resolver, input->bytes, input->piece, &arena);
    assert(whole.count == cut.count && whole.ignored == cut.ignored);
    assert(whole.count <= DKIM_SIGNATURES_MAX);
    for (size_t i = 0; i < whole.count; i++) {
        const struct dkim_verified *a = &whole.items[i], *b = &cut.items[i];
        assert(a->verdict.result == b->verdict.result && str_eq(a->domain, b->domain));
        assert((a->verdict.result == DKIM_PASS) == (*a->verdict.reason == '\0'));
        assert(a->verdict.result != DKIM_PASS || (a->domain.len && a->selector.len));
    }
    resolver_free(resolver);
    arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct input input = {str_make((const char *)data + 1, size - 1), (size_t)data[0] + 1};
    on_fiber(run, &input);
    return 0;
}
