#include "receive/loops.h"

#define DELIVERED_MAX 100 /* fields that are looked at: the newest, which stand on top */

static const struct answer all_loop = {
    554, {5, 4, 6}, "A mail loop: the message was delivered to this address before"};

/* "<a@b>" of others is "a@b". */
static struct str address_in(struct str value)
{
    value = str_trim(value);
    bool has_brackets = value.len >= 2 && value.at[0] == '<' && value.at[value.len - 1] == '>';
    return has_brackets ? str_from(str_first(value, value.len - 1), 1) : value;
}

/* The address that is left in the header when the message passes; empty when none is: the
 * mailbox's, or that of an alias which leads outside. */
static struct str trace_of(const struct session *session, const struct spool_recipient *recipient)
{
    if (recipient->forwarded_by.len)
        return recipient->forwarded_by;
    const struct route_way *way = route_way_of(session->service->routes, recipient->address);
    return way->via == ROUTE_MAILDIR ? recipient->address : STR_EMPTY;
}

static bool is_among(struct str address, const struct str *values, size_t count)
{
    for (size_t i = 0; i < count && address.len; i++)
        if (str_eq_nocase(address, address_in(values[i])))
            return true;
    return false;
}

const struct answer *loops_mark(struct session *session, const struct header_watch *header)
{
    struct spool_envelope *envelope = &session->transaction.envelope;
    struct str values[DELIVERED_MAX];
    size_t count = header_watch_values(header, STR("Delivered-To"), values, DELIVERED_MAX);
    uint32_t loops = 0;
    for (uint32_t i = 0; i < envelope->recipient_count && count; i++) {
        struct spool_recipient *recipient = &envelope->recipients[i];
        recipient->loops = is_among(trace_of(session, recipient), values, count);
        loops += recipient->loops;
    }
    return loops && loops == envelope->recipient_count ? &all_loop : NULL;
}
