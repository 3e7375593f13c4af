#include "verify/domain.h"

#include "mail/idna.h"

#define LABEL_MAX_BYTES 63

bool domain_is_name(struct str domain)
{
    size_t label = 0;
    if (domain.len > DOMAIN_MAX_BYTES)
        return false;
    for (size_t i = 0; i < domain.len; i++) {
        bool is_dot = domain.at[i] == '.';
        if (is_dot ? label == 0 : label == LABEL_MAX_BYTES)
            return false;
        label = is_dot ? 0 : label + 1;
    }
    return label > 0;
}

size_t domain_label_count(struct str domain)
{
    size_t count = domain.len > 0;
    for (size_t i = 0; i < domain.len; i++)
        count += domain.at[i] == '.';
    return count;
}

struct str domain_last_labels(struct str domain, size_t count)
{
    if (count == 0)
        return STR_EMPTY;
    for (size_t at = domain.len; at > 0; at--)
        if (domain.at[at - 1] == '.' && --count == 0)
            return str_from(domain, at);
    return domain;
}

bool domain_is_within(struct str domain, struct str ancestor)
{
    if (!str_ends_nocase(domain, ancestor))
        return false;
    size_t more = domain.len - ancestor.len;
    return more == 0 || domain.at[more - 1] == '.';
}

enum err domain_to_ascii(struct arena *arena, struct str domain, struct str *out_ascii)
{
    struct str ascii = domain;
    if (str_has_8bit(domain) && mail_domain_to_ascii(arena, domain, &ascii))
        return ERR_SYNTAX;
    if (str_ends(ascii, STR(".")))
        ascii.len--;
    if (!domain_is_name(ascii))
        return ERR_SYNTAX;
    *out_ascii = ascii;
    return OK;
}

enum err domain_normalize(struct arena *arena, struct str domain, struct str *out_name)
{
    struct str ascii;
    enum err err = domain_to_ascii(arena, domain, &ascii);
    if (!err)
        *out_name = mail_domain_lower(arena, ascii);
    return err;
}
