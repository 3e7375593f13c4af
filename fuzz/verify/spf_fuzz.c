/* A whole evaluation in a zone of the input's making. Its first line is the reverse-path, the
 * others "name type data", where the type is one letter: T(XT), A, 6 (AAAA), M(X), P(TR), C(NAME),
 * F(ailing TXT). Laws: the RFC's limits hold whatever is published, there is always a reason, only
 * a fail is explained, and explanations are printable ASCII. */
#include "dns/name.h"
#include "mail/text.h"
#include "on_fiber.h"
#include "verify/spf.h"
#include "verify/spf_lookup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 64

static const struct {
    char letter;
    enum dns_type type;
} types[] = {{'T', DNS_TXT}, {'A', DNS_A},   {'6', DNS_AAAA},
             {'M', DNS_MX},  {'P', DNS_PTR}, {'C', DNS_CNAME}};

static bool is_address(struct str text, int family)
{
    struct net_address address;
    return net_address_parse_ip(text, &address) == OK && address.socket.any.sa_family == family;
}

static bool is_name(struct str text)
{
    struct dns_name name;
    return dns_name_from_text(text, &name) == OK;
}

/* "preference host" */
static bool is_mx(struct str text)
{
    struct str digits, host;
    uint64_t preference;
    return str_cut(text, ' ', &digits, &host) && str_to_u64(digits, UINT16_MAX, &preference) &&
           is_name(host);
}

/* A script takes nothing that is wrong. */
static bool is_good(enum dns_type type, struct str text)
{
    return type == DNS_A      ? is_address(text, AF_INET)
           : type == DNS_AAAA ? is_address(text, AF_INET6)
           : type == DNS_MX   ? is_mx(text)
           : type == DNS_TXT  ? true
                              : is_name(text);
}

static void script_line(struct resolver *resolver, struct arena *arena, struct str line)
{
    struct str name, letter, text;
    if (!str_cut(line, ' ', &name, &line) || !str_cut(line, ' ', &letter, &text) || letter.len != 1)
        return;
    const char *owner = arena_copy(arena, name).at, *data = arena_copy(arena, text).at;
    if (!is_name(str_of(owner)))
        return;
    if (letter.at[0] == 'F')
        resolver_script_failure(resolver, owner, DNS_TXT);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].letter == letter.at[0] && is_good(types[i].type, str_of(data)))
            resolver_script(resolver, owner, types[i].type, data);
}

static void check_answer(const struct spf_answer *answer)
{
    assert(answer->lookups <= SPF_TERMS_MAX + 1 && answer->void_lookups <= SPF_VOIDS_MAX + 1);
    assert(answer->reason.len > 0);
    assert(answer->explanation.len == 0 || answer->result == SPF_RESULT_FAIL);
    assert(!str_has_8bit(answer->explanation) && mail_text_is_clean(answer->explanation));
}

static void run(void *context)
{
    struct str *input = context, sender = *input, line, rest = STR_EMPTY;
    struct arena arena = arena_make();
    struct resolver *resolver = resolver_scripted_new();
    str_cut(*input, '\n', &sender, &rest);
    for (size_t i = 0; i < LINES_MAX && str_cut(rest, '\n', &line, &rest); i++)
        script_line(resolver, &arena, line);
    struct spf_query query = {.helo = STR("mail.a.b"), .sender = sender};
    struct spf_answer answer;
    enum err err = net_address_parse_ip(STR("192.0.2.1"), &query.client);
    assert(!err);
    spf_check(resolver, &query, SPF_DEADLINE_MS, &arena, &answer);
    check_answer(&answer);
    resolver_free(resolver);
    arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size);
    on_fiber(run, &input);
    return 0;
}
