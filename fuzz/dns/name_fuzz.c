/* Laws: a name printed and read again is the same bytes, from text and from the wire; its text has
 * no byte that could forge a line; a name on the wire alone is what it was read from. */
#include "dns/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct arena *arena, const struct dns_name *name)
{
    struct str text = dns_name_print(arena, name);
    struct dns_name again;
    size_t next;
    for (size_t i = 0; i < text.len; i++)
        assert(text.at[i] > ' ' && text.at[i] < 0x7f);
    assert(dns_name_from_text(text, &again) == OK);
    assert(str_eq(dns_name_wire(name), dns_name_wire(&again)));
    assert(dns_name_read(dns_name_wire(name), 0, false, &again, &next) == OK && next == name->len);
    assert(dns_name_eq(name, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_make((const char *)data, size);
    struct arena arena = arena_make();
    struct dns_name name;
    size_t next;
    if (dns_name_from_text(bytes, &name) == OK)
        check_name(&arena, &name);
    for (size_t at = 0; at < size && at < 64; at++)
        if (dns_name_read(bytes, at, true, &name, &next) == OK) {
            assert(next > at && next <= size);
            check_name(&arena, &name);
        }
    arena_reset(&arena);
    return 0;
}
