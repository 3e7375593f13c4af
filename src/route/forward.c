/* With which sender mail leaves that an alias sends on. */
#include "mail/idna.h"
#include "route/table.h"

#define SENDER_FLAGS (MAIL_ADDRESS_UTF8 | MAIL_ADDRESS_UNDERSCORE)

/* Nobody's domain is pretended to where this server may speak for it, or for nobody. */
static bool is_left_alone(const struct route_table *table, const struct mail_address *sender)
{
    return !sender->is_literal && route_is_local_domain(table, sender->domain);
}

struct str route_forward_sender(const struct route_table *table, struct str sender, struct str by,
                                int64_t wall_us, struct arena *arena)
{
    struct mail_address from, alias, ours;
    if (!table->srs_key || !sender.len || mail_address_parse(arena, sender, SENDER_FLAGS, &from) ||
        mail_address_parse(arena, by, SENDER_FLAGS, &alias) || is_left_alone(table, &from))
        return sender;
    struct str domain = mail_domain_canonical(arena, alias.domain);
    if (!srs_rewrite(table->srs_key, wall_us, &from, domain, arena, &ours))
        ours = (struct mail_address){STR("postmaster"), domain, false};
    return mail_address_text(arena, &ours);
}
