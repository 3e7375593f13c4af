/* Law: a key that is read from PEM signs, is published as a record that proves what it signed, and
 * is printed as PEM that is read as the same key. */
#include "verify/dkim_key.h"
#include "verify/private_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(struct arena *arena, const struct private_key *key)
{
    static const uint8_t digest[32] = {1};
    struct dkim_key public_key;
    struct private_key *again = NULL;
    struct str record = private_key_record(arena, key);
    dkim_key_parse(arena, record, &public_key);
    if (dkim_is_good(public_key.verdict)) {
        struct str signature = private_key_sign(arena, key, digest);
        assert(dkim_is_good(dkim_key_prove(&public_key, digest, signature)));
    }
    dkim_key_done(&public_key);
    enum err err = private_key_parse(private_key_print(arena, key), &again);
    assert(!err && str_eq(private_key_record(arena, again), record));
    private_key_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct private_key *key;
    enum err err = private_key_parse(str_make((const char *)data, size), &key);
    assert(err == OK || err == ERR_SYNTAX || err == ERR_UNSUPPORTED);
    if (!err) {
        check_key(&arena, key);
        private_key_free(key);
    }
    arena_reset(&arena);
    return 0;
}
