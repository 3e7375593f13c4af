#include "verify/spf_record.h"

#include "verify/spf_macro.h"

#include <arpa/inet.h>

#define BITS4_MAX 32
#define BITS6_MAX 128

static const struct str version = STR("v=spf1");

bool spf_record_is_one(struct str txt)
{
    return str_starts_nocase(txt, version) &&
           (txt.len == version.len || txt.at[version.len] == ' ');
}

/* ---- Prefix lengths ------------------------------------------------------------------------ */

/* "0" or digits without a leading zero. */
static enum err parse_bits(struct str digits, uint8_t max, uint8_t *out_bits)
{
    uint64_t value;
    bool has_zero_in_front = digits.len > 1 && digits.at[0] == '0';
    if (has_zero_in_front || !str_to_u64(digits, max, &value))
        return ERR_SYNTAX;
    *out_bits = (uint8_t)value;
    return OK;
}

/* Takes "/" and digits off the end of `rest`, if it ends so. */
static bool take_bits(struct str *rest, struct str *out_digits)
{
    size_t at = rest->len;
    while (at > 0 && char_is_digit(rest->at[at - 1]))
        at--;
    if (at == 0 || at == rest->len || rest->at[at - 1] != '/')
        return false;
    *out_digits = str_from(*rest, at);
    rest->len = at - 1;
    return true;
}

/* [ "/" bits4 ] [ "//" bits6 ], taken off the end. A domain-spec cannot end in a slash and digits,
 * since a top label has no slash, so there is only one way to read it. */
static enum err take_dual_bits(struct str *rest, struct spf_directive *directive)
{
    struct str digits;
    if (!take_bits(rest, &digits))
        return OK;
    if (str_ends(*rest, STR("/"))) {
        rest->len--;
        enum err err = parse_bits(digits, BITS6_MAX, &directive->bits6);
        if (err || !take_bits(rest, &digits))
            return err;
    }
    return parse_bits(digits, BITS4_MAX, &directive->bits4);
}

/* ---- Arguments of mechanisms: what stands behind the name ---------------------------------- */

static enum err read_nothing(struct str rest, struct spf_directive *directive)
{
    UNUSED(directive);
    return rest.len == 0 ? OK : ERR_SYNTAX;
}

static enum err read_domain(struct str rest, struct spf_directive *directive)
{
    if (!str_starts(rest, STR(":")) || rest.len == 1)
        return ERR_SYNTAX;
    directive->domain_spec = str_from(rest, 1);
    return spf_macro_check(directive->domain_spec, SPF_MACRO_DOMAIN);
}

static enum err read_optional_domain(struct str rest, struct spf_directive *directive)
{
    return rest.len == 0 ? OK : read_domain(rest, directive);
}

static enum err read_optional_domain_bits(struct str rest, struct spf_directive *directive)
{
    enum err err = take_dual_bits(&rest, directive);
    return err ? err : read_optional_domain(rest, directive);
}

/* inet_pton takes exactly what RFC 4291 section 2.2 and the rule <qnum> allow. */
static enum err read_network(struct str rest, int family, uint8_t max, uint8_t *bits,
                             uint8_t *network)
{
    char text[INET6_ADDRSTRLEN];
    struct str digits;
    if (take_bits(&rest, &digits)) {
        enum err err = parse_bits(digits, max, bits);
        if (err)
            return err;
    }
    if (!str_starts(rest, STR(":")) || rest.len > sizeof text)
        return ERR_SYNTAX;
    memcpy(text, rest.at + 1, rest.len - 1);
    text[rest.len - 1] = '\0';
    return strlen(text) == rest.len - 1 && inet_pton(family, text, network) == 1 ? OK : ERR_SYNTAX;
}

static enum err read_ip4(struct str rest, struct spf_directive *directive)
{
    return read_network(rest, AF_INET, BITS4_MAX, &directive->bits4, directive->network);
}

static enum err read_ip6(struct str rest, struct spf_directive *directive)
{
    return read_network(rest, AF_INET6, BITS6_MAX, &directive->bits6, directive->network);
}

static const struct {
    const char *name;
    enum spf_mechanism mechanism;
    enum err (*read)(struct str rest, struct spf_directive *directive);
} mechanisms[] = {
    {"all", SPF_ALL, read_nothing},
    {"include", SPF_INCLUDE, read_domain},
    {"a", SPF_A, read_optional_domain_bits},
    {"mx", SPF_MX, read_optional_domain_bits},
    {"ptr", SPF_PTR, read_optional_domain},
    {"ip4", SPF_IP4, read_ip4},
    {"ip6", SPF_IP6, read_ip6},
    {"exists", SPF_EXISTS, read_domain},
};

/* ---- Terms --------------------------------------------------------------------------------- */

/* The length of the name a term begins with: name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static size_t name_len(struct str term)
{
    size_t len = 0;
    if (term.len == 0 || !char_is_alpha(term.at[0]))
        return 0;
    while (len < term.len &&
           (char_is_alnum(term.at[len]) || (term.at[len] && strchr("-_.", term.at[len]))))
        len++;
    return len;
}

static enum err parse_directive(struct str term, struct spf_directive *out_directive)
{
    struct spf_directive directive = {term, SPF_PLUS, .bits4 = BITS4_MAX, .bits6 = BITS6_MAX};
    if (term.at[0] && strchr("+-~?", term.at[0])) {
        directive.qualifier = (enum spf_qualifier)term.at[0];
        term = str_from(term, 1);
    }
    struct str name = str_first(term, name_len(term));
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
        if (!str_eq_nocase(name, str_of(mechanisms[i].name)))
            continue;
        directive.mechanism = mechanisms[i].mechanism;
        enum err err = mechanisms[i].read(str_from(term, name.len), &directive);
        if (!err)
            *out_directive = directive;
        return err;
    }
    return ERR_SYNTAX;
}

/* redirect= and exp= may stand once each; others are nobody's business, but must be well formed. */
static enum err parse_modifier(struct str name, struct str value, struct spf_record *record)
{
    struct str *known = str_eq_nocase(name, STR("redirect")) ? &record->redirect
                        : str_eq_nocase(name, STR("exp"))    ? &record->explanation
                                                             : NULL;
    if (!known)
        return spf_macro_check(value, SPF_MACRO_STRING);
    if (known->len || value.len == 0)
        return ERR_SYNTAX;
    *known = value;
    return spf_macro_check(value, SPF_MACRO_DOMAIN);
}

static enum err parse_term(struct str term, struct spf_record *record)
{
    size_t len = name_len(term);
    if (len > 0 && len < term.len && term.at[len] == '=')
        return parse_modifier(str_first(term, len), str_from(term, len + 1), record);
    enum err err = parse_directive(term, &record->directives[record->count]);
    record->count += !err;
    return err;
}

static size_t term_count(struct str terms)
{
    size_t count = 0;
    for (size_t i = 1; i < terms.len; i++)
        count += terms.at[i - 1] == ' ' && terms.at[i] != ' ';
    return count;
}

enum err spf_record_parse(struct arena *arena, struct str txt, struct spf_record *out_record,
                          struct str *out_fault)
{
    assert(spf_record_is_one(txt));
    struct str rest = str_from(txt, version.len);
    struct spf_record record = {.redirect = STR_EMPTY, .explanation = STR_EMPTY};
    record.directives = ARENA_ARRAY(arena, struct spf_directive, term_count(rest));
    while (rest.len) {
        struct str term = rest;
        if (!str_cut(rest, ' ', &term, &rest))
            rest = STR_EMPTY;
        if (term.len && parse_term(term, &record)) {
            *out_fault = term;
            return ERR_SYNTAX;
        }
    }
    *out_record = record;
    return OK;
}
