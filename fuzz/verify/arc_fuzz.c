/* Laws: a chain has a verdict, the same one in whatever pieces the message comes; what can be
 * sealed has a chain of one more set afterwards, that passes unless it failed before. The first
 * byte says how large the pieces are. */
#include "on_fiber.h"
#include "verify/arc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8463 section A.2 */
#define RECORD "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define PEM                                                              \
    "-----BEGIN PRIVATE KEY-----\n"                                      \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n" \
    "-----END PRIVATE KEY-----\n"

struct input {
    struct str bytes;
    size_t piece;
};

struct passing {
    struct resolver *resolver;
    struct dkim_signing_key key;
    struct arena *arena;
    struct arc_chain chain;
    enum err seal_err;
    struct str fields;
};

static void pass(struct passing *passing, struct str bytes, size_t piece)
{
    struct verify_message *message = verify_message_new();
    struct arc_sealer *sealer = arc_sealer_new(message);
    struct arc_validator *validator = arc_validator_new(message);
    for (; bytes.len; bytes = str_from(bytes, min_size(piece, bytes.len)))
        verify_message_add(message, str_first(bytes, piece));
    verify_message_end(message);
    struct dkim_keys keys = dkim_keys_make(passing->resolver, 20000, passing->arena);
    enum err err = arc_validator_finish(validator, &keys, 1000, &passing->chain);
    assert(err == OK);
    dkim_keys_done(&keys);
    passing->seal_err =
        arc_seal_finish(sealer, &passing->chain, &passing->key, STR("football.example.com; none"),
                        900, passing->arena, &passing->fields);
    verify_message_free(message);
}

static void check_sealed(const struct passing *before, struct str bytes)
{
    struct passing after = *before;
    struct buf sealed = buf_make(SIZE_MAX); /* not by printf, for which NUL would be the end */
    enum err err = buf_add(&sealed, before->fields);
    if (!err)
        err = buf_add(&sealed, bytes);
    assert(!err);
    pass(&after, buf_str(&sealed), SIZE_MAX);
    buf_free(&sealed);
    assert(after.chain.instance == before->chain.instance + 1);
    bool several_from = after.chain.result == ARC_FAIL && before->chain.result == ARC_NONE;
    assert(several_from || (after.chain.result == ARC_PASS) == (before->chain.result != ARC_FAIL));
}

/* Read once: that takes longer than all else. */
static const struct private_key *our_key(void)
{
    static struct private_key *key;
    enum err err = key ? OK : private_key_parse(STR(PEM), &key);
    assert(err == OK);
    return key;
}

static void run(void *context)
{
    const struct input *input = context;
    struct arena arena = arena_make();
    struct passing whole = {
        .resolver = resolver_scripted_new(),
        .key = {STR("football.example.com"), STR("brisbane"), our_key()},
        .arena = &arena,
    };
    resolver_script(whole.resolver, "brisbane._domainkey.football.example.com", DNS_TXT, RECORD);
    struct passing cut = whole;
    pass(&whole, input->bytes, SIZE_MAX);
    pass(&cut, input->bytes, input->piece);
    assert(whole.chain.result == cut.chain.result && whole.chain.instance == cut.chain.instance);
    assert(whole.seal_err == cut.seal_err);
    assert((whole.chain.result == ARC_FAIL) == (*whole.chain.reason != '\0'));
    if (!whole.seal_err)
        check_sealed(&whole, input->bytes);
    resolver_free(whole.resolver);
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
