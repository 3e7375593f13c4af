/* The first byte chooses the type asked; the rest is a message, whose first question, if it can be
 * read, is the name asked. Laws: the canonical name is a name; "found" means records. */
#include "dns/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = {DNS_A,  DNS_NS,  DNS_CNAME, DNS_SOA,    DNS_PTR,
                                      DNS_MX, DNS_TXT, DNS_AAAA,  DNS_DNSKEY, DNS_TLSA};

static void check_record(struct arena *arena, enum dns_type type, struct str data)
{
    struct dns_mx mx;
    struct str name;
    if (type == DNS_MX)
        assert(dns_mx_parse(data, arena, &mx) == OK); /* it was expanded, so it is well-formed */
    if (type == DNS_PTR || type == DNS_NS || type == DNS_CNAME)
        assert(dns_name_parse(data, arena, &name) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum dns_type type = types[data[0] % ARRAY_LEN(types)];
    struct str message = str_make((const char *)data + 1, size - 1);
    struct arena arena = arena_make();
    struct dns_name name = {.len = 1};
    struct dns_name canonical;
    struct dns_answer answer;
    size_t next;
    if (dns_name_read(message, 12, true, &canonical, &next) == OK)
        name = canonical;
    if (dns_message_read_answer(message, &name, type, &arena, &answer) == OK) {
        assert(dns_name_from_text(answer.canonical_name, &canonical) == OK);
        assert((answer.result == DNS_FOUND) == (answer.count > 0));
        for (size_t i = 0; i < answer.count; i++)
            check_record(&arena, type, answer.records[i].data);
    }
    arena_reset(&arena);
    return 0;
}
