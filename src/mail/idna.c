#include "mail/idna.h"

#include <idn2.h>

/* libidn2 speaks of NUL-terminated text and gives memory of its own. */
static enum err convert(struct str domain, char *bytes, size_t *out_len)
{
    char text[MAIL_DOMAIN_MAX_BYTES + 1];
    char *ascii = NULL;
    memcpy(text, domain.at, domain.len);
    text[domain.len] = '\0';
    if (strlen(text) != domain.len || !str_is_utf8(domain))
        return ERR_SYNTAX;
    if (idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return ERR_SYNTAX;
    size_t len = strlen(ascii);
    if (len <= MAIL_DOMAIN_MAX_BYTES)
        memcpy(bytes, ascii, len);
    idn2_free(ascii);
    *out_len = len;
    return len <= MAIL_DOMAIN_MAX_BYTES ? OK : ERR_SYNTAX;
}

enum err mail_domain_write_ascii(struct str domain, char *bytes, struct str *out_ascii)
{
    size_t len = domain.len;
    if (len > MAIL_DOMAIN_MAX_BYTES)
        return ERR_SYNTAX;
    enum err err = OK;
    if (str_has_8bit(domain))
        err = convert(domain, bytes, &len);
    else if (len)
        memcpy(bytes, domain.at, len);
    if (err)
        return err;
    for (size_t i = 0; i < len; i++)
        bytes[i] = char_lower(bytes[i]);
    *out_ascii = str_make(bytes, len);
    return OK;
}

enum err mail_domain_to_ascii(struct arena *arena, struct str domain, struct str *out_ascii)
{
    char bytes[MAIL_DOMAIN_MAX_BYTES];
    struct str ascii;
    enum err err = mail_domain_write_ascii(domain, bytes, &ascii);
    if (!err)
        *out_ascii = arena_copy(arena, ascii);
    return err;
}

struct str mail_domain_canonical(struct arena *arena, struct str domain)
{
    struct str ascii;
    return mail_domain_to_ascii(arena, domain, &ascii) ? mail_domain_lower(arena, domain) : ascii;
}

struct mail_address mail_address_with_a_labels(struct arena *arena,
                                               const struct mail_address *address)
{
    struct mail_address copy = *address;
    if (str_has_8bit(address->domain))
        copy.domain = mail_domain_canonical(arena, address->domain);
    return copy;
}
