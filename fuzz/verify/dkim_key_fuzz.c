/* Law: a record gives a key of allowed size, or a verdict with a reason; no key proves rubbish. */
#include "verify/dkim_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t digest[32] = {1};
    struct arena arena = arena_make();
    struct dkim_key key;
    dkim_key_parse(&arena, str_make((const char *)data, size), &key);
    assert(key.verdict.result == DKIM_PASS || key.verdict.result == DKIM_POLICY ||
           key.verdict.result == DKIM_PERMERROR);
    assert(dkim_is_good(key.verdict) == (*key.verdict.reason == '\0'));
    if (dkim_is_good(key.verdict)) {
        assert(key.key && key.bits >= 256 && key.bits <= DKIM_RSA_BITS_MAX);
        struct str rubbish = str_make((const char *)data, min_size(size, 64));
        assert(!dkim_is_good(dkim_key_prove(&key, digest, rubbish)));
    }
    dkim_key_done(&key);
    arena_reset(&arena);
    return 0;
}
