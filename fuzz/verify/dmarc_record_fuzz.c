/* Laws: a record begins with its version; there is always a policy; tags behind the known ones
 * change nothing; addresses are slices of the record without separators. */
#include "verify/dmarc_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_uris(struct str list)
{
    struct str uri, whole = list;
    while (dmarc_record_next_uri(&list, &uri)) {
        assert(uri.at >= whole.at && uri.at + uri.len <= whole.at + whole.len);
        assert(str_find(uri, ',') == SIZE_MAX && str_find(uri, ';') == SIZE_MAX);
        assert(str_find(uri, ':') != SIZE_MAX && str_find(uri, '!') == SIZE_MAX);
    }
}

static void check_policies(const struct dmarc_record *a, const struct dmarc_record *b)
{
    for (int i = 0; i < 4; i++) {
        enum dmarc_policy policy = dmarc_record_policy(a, i & 1, i & 2);
        assert(policy >= DMARC_POLICY_NONE && policy <= DMARC_POLICY_REJECT);
        assert(policy == dmarc_record_policy(b, i & 1, i & 2));
        assert(dmarc_policy_text(policy).len > 0);
    }
    assert(dmarc_record_is_usable(a) == dmarc_record_is_usable(b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct str txt = str_make((const char *)data, size);
    struct dmarc_record record, longer;
    if (dmarc_record_parse(txt, &record)) {
        assert(char_lower(txt.at[0]) == 'v' && str_search(txt, STR("DMARC1")) < size);
        static const char more[] = "; pct=1; x=y; v=DMARC1";
        char *bytes = arena_alloc(&arena, size + sizeof more);
        memcpy(bytes, data, size);
        memcpy(bytes + size, more, sizeof more - 1);
        bool is_record = dmarc_record_parse(str_make(bytes, size + sizeof more - 1), &longer);
        assert(is_record);
        check_policies(&record, &longer);
        check_uris(record.rua);
        check_uris(record.ruf);
    }
    arena_reset(&arena);
    return 0;
}
