/* Laws: a range holds its own first address; one without a prefix holds no other. */
#include "net/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    struct net_range range;
    if (net_range_parse(text, &range) != OK)
        return 0;
    struct str ip = text;
    struct str bits;
    struct net_address first;
    str_cut(text, '/', &ip, &bits);
    assert(net_address_parse_ip(ip, &first) == OK);
    assert(net_range_has(&range, &first));
    assert(range.bits <= (range.family == 4 ? 32 : 128));
    net_range_is_private(&range);
    return 0;
}
