/* Laws: joined text is shorter than its data; what is well-formed for a whole is not with a byte
 * more (a name, an MX). */
#include "dns/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_make((const char *)data, size);
    struct arena arena = arena_make();
    struct str longer = arena_copy(&arena, bytes); /* a NUL follows */
    longer.len++;
    struct str text;
    struct dns_mx mx;
    struct net_address address;
    if (dns_txt_parse(bytes, &arena, &text) == OK)
        assert(text.len < size);
    if (dns_name_parse(bytes, &arena, &text) == OK)
        assert(dns_name_parse(longer, &arena, &text) == ERR_SYNTAX);
    if (dns_mx_parse(bytes, &arena, &mx) == OK)
        assert(dns_mx_parse(longer, &arena, &mx) == ERR_SYNTAX);
    (void)!dns_address_parse(bytes, DNS_A, &address);
    (void)!dns_address_parse(bytes, DNS_AAAA, &address);
    arena_reset(&arena);
    return 0;
}
