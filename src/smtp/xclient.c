#include "smtp/xclient.h"

#include "mail/address.h"
#include "mail/text.h"
#include "smtp/xtext.h"

/* Each gets a value that is neither empty nor unavailable, decoded. */
typedef bool parse_value(struct str value, struct smtp_xclient *xclient);

static bool parse_ip(struct str value, struct net_address *out_address)
{
    if (str_starts_nocase(value, STR("IPV6:")))
        value = str_from(value, strlen("IPV6:"));
    return net_address_parse_ip(value, out_address) == OK;
}

static bool parse_number(struct str value, uint16_t *out_port)
{
    uint64_t port;
    if (value.len > 5 || !str_to_u64(value, UINT16_MAX, &port))
        return false;
    *out_port = (uint16_t)port;
    return true;
}

static bool parse_name(struct str value, struct smtp_xclient *xclient)
{
    UNUSED(xclient);
    return value.len <= MAIL_DOMAIN_MAX_BYTES;
}

static bool parse_addr(struct str value, struct smtp_xclient *xclient)
{
    return xclient->has_address = parse_ip(value, &xclient->address);
}

static bool parse_port(struct str value, struct smtp_xclient *xclient)
{
    return xclient->has_port = parse_number(value, &xclient->port);
}

static bool parse_proto(struct str value, struct smtp_xclient *xclient)
{
    xclient->is_smtp = str_eq_nocase(value, STR("SMTP"));
    return xclient->is_smtp || str_eq_nocase(value, STR("ESMTP"));
}

/* As behind EHLO. */
static bool parse_helo(struct str value, struct smtp_xclient *xclient)
{
    xclient->helo = value;
    return value.len <= MAIL_DOMAIN_MAX_BYTES && str_find(value, ' ') == SIZE_MAX;
}

static bool parse_login(struct str value, struct smtp_xclient *xclient)
{
    xclient->login = value;
    return true;
}

static bool parse_destaddr(struct str value, struct smtp_xclient *xclient)
{
    UNUSED(xclient);
    struct net_address ignored;
    return parse_ip(value, &ignored);
}

static bool parse_destport(struct str value, struct smtp_xclient *xclient)
{
    UNUSED(xclient);
    uint16_t ignored;
    return parse_number(value, &ignored);
}

static const struct attribute {
    const char *name;
    parse_value *parse;
} attributes[] = {
    {"NAME", parse_name},   {"REVERSE_NAME", parse_name}, {"ADDR", parse_addr},
    {"PORT", parse_port},   {"PROTO", parse_proto},       {"HELO", parse_helo},
    {"LOGIN", parse_login}, {"DESTADDR", parse_destaddr}, {"DESTPORT", parse_destport},
};

static bool is_unavailable(struct str value)
{
    return str_eq_nocase(value, STR("[UNAVAILABLE]")) || str_eq_nocase(value, STR("[TEMPUNAVAIL]"));
}

static bool take_value(struct arena *arena, const struct attribute *attribute, struct str value,
                       struct smtp_xclient *xclient)
{
    struct str decoded;
    if (value.len == 0 || smtp_xtext_decode(arena, value, &decoded))
        return false;
    if (!is_unavailable(decoded))
        return attribute->parse(decoded, xclient);
    xclient->is_address_unknown |= attribute->parse == parse_addr;
    return true;
}

static enum err refuse(struct str subject, const char *text, struct smtp_fault *fault)
{
    bool is_printable = !str_has_8bit(subject) && mail_text_is_clean(subject);
    *fault =
        (struct smtp_fault){501, MAIL_STATUS(5, 5, 4), text, is_printable ? subject : STR_EMPTY};
    return ERR_SYNTAX;
}

static enum err take_attribute(struct arena *arena, struct str word, unsigned *seen,
                               struct smtp_xclient *xclient, struct smtp_fault *fault)
{
    struct str name = word, value = STR_EMPTY;
    str_cut(word, '=', &name, &value);
    size_t i = 0;
    while (i < ARRAY_LEN(attributes) && !str_eq_nocase(name, str_of(attributes[i].name)))
        i++;
    if (i == ARRAY_LEN(attributes))
        return refuse(name, "Attribute not supported", fault);
    if (*seen & 1u << i)
        return refuse(name, "Attribute given twice", fault);
    if (!take_value(arena, &attributes[i], value, xclient))
        return refuse(name, "Bad attribute value", fault);
    *seen |= 1u << i;
    return OK;
}

enum err smtp_xclient_parse(struct arena *arena, struct str text, struct smtp_xclient *out_xclient,
                            struct smtp_fault *fault)
{
    struct smtp_xclient xclient = {.helo = STR_EMPTY, .login = STR_EMPTY};
    unsigned seen = 0;
    for (struct str rest = str_trim(text); rest.len; rest = str_trim(rest)) {
        struct str word = rest, behind = STR_EMPTY;
        str_cut(rest, ' ', &word, &behind);
        rest = behind;
        enum err err = take_attribute(arena, word, &seen, &xclient, fault);
        if (err)
            return err;
    }
    if (!seen)
        return refuse(STR_EMPTY, "Syntax: XCLIENT attribute=value", fault);
    *out_xclient = xclient;
    return OK;
}
