#include "verify/dmarc_author.h"

#include "mail/address_list.h"
#include "verify/domain.h"

#define ADDRESSES_MAX 100 /* in one field */

static bool is_known(const struct dmarc_authors *authors, struct str domain)
{
    for (size_t i = 0; i < authors->count; i++)
        if (str_eq(authors->domains[i], domain))
            return true;
    return false;
}

static void add_address(struct dmarc_authors *authors, struct arena *arena,
                        const struct mail_address *address)
{
    struct str ascii;
    authors->addresses++;
    if (address->is_literal || domain_to_ascii(arena, address->domain, &ascii)) {
        authors->is_unclear = true;
        return;
    }
    struct str domain = mail_domain_lower(arena, ascii);
    if (authors->count < DMARC_AUTHORS_MAX && !is_known(authors, domain))
        authors->domains[authors->count++] = domain;
}

void dmarc_authors_add(struct dmarc_authors *authors, struct arena *arena, struct str value)
{
    struct mail_address_list list;
    authors->fields++;
    if (mail_address_list_parse(arena, value, ADDRESSES_MAX, &list)) {
        authors->is_unclear = true;
        return;
    }
    authors->is_unclear |= list.is_ambiguous;
    for (size_t i = 0; i < list.count; i++)
        add_address(authors, arena, &list.items[i]);
}

bool dmarc_authors_are_clear(const struct dmarc_authors *authors)
{
    return authors->fields == 1 && authors->addresses == 1 && !authors->is_unclear;
}
