/* The addresses in a From, To, Cc or Bcc field: RFC 5322 sections 3.4 and 4.4.
 *
 * Who may send and who is protected is decided by what this finds, so it never finds less than a
 * reader might. What it cannot read to the end is ERR_SYNTAX, not a shorter list; where programs
 * are known to disagree, every address that one of them might show is in the list, and
 * `is_ambiguous` is set:
 *   - an address where the display name should be: `admin@bank.example <x@evil.example>`, unless
 *     it is the same one
 *   - a source route: `<@evil.example:admin@bank.example>` (the route is not listed)
 *   - white space or a comment within an address: `admin (x) @ bank.example`
 * Groups may be empty, so a list may be. Several fields of one name are the caller's to see. */
#ifndef MAIL_ADDRESS_LIST_H
#define MAIL_ADDRESS_LIST_H

#include "mail/address.h"

struct mail_address_list {
    struct mail_address *items;
    size_t count;
    bool is_ambiguous;
};

/* Parses a field's value, folded or not. The list and what it holds live in `arena`. Local parts
 * may be longer than SMTP allows; domains may hold underscores and UTF-8. ERR_SYNTAX; ERR_LIMIT
 * when there are more than `max` addresses. */
MUST_CHECK enum err mail_address_list_parse(struct arena *arena, struct str value, size_t max,
                                            struct mail_address_list *out_list);

/* The same for what programs of this host write, where `root` is short for root@HOME: such
 * addresses are in the list with the domain `home`, and *out_value is `value` with `@HOME` behind
 * each of them; it parses to the same list. */
MUST_CHECK enum err mail_address_list_complete(struct arena *arena, struct str value, size_t max,
                                               struct str home, struct mail_address_list *out_list,
                                               struct str *out_value);

#endif
