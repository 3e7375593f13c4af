#include "queue/filter.h"

bool queue_address_matches(struct str address, struct str pattern)
{
    size_t at = str_find_last(address, '@');
    size_t pattern_at = str_find_last(pattern, '@');
    if (at == SIZE_MAX || pattern_at == SIZE_MAX)
        return str_eq_nocase(address, pattern); /* postmaster */
    if (!str_eq_nocase(str_from(address, at), str_from(pattern, pattern_at)))
        return false;
    return pattern_at == 0 || str_eq(str_first(address, at), str_first(pattern, pattern_at));
}

bool queue_filter_takes_message(const struct queue_filter *filter,
                                const struct queue_message *message, int64_t now_s)
{
    struct str sender = queue_message_sender(message);
    if (filter->by_id && filter->id != message->id)
        return false;
    if (filter->sender_is_null && sender.len)
        return false;
    if (filter->sender.len && !queue_address_matches(sender, filter->sender))
        return false;
    return now_s - message->arrived_s >= filter->older_than_s;
}

/* READY, as far as the recipient itself is concerned. */
static enum queue_view_state view_of_ready(const struct queue_destination *destination)
{
    if (!destination->exit->is_blocked)
        return QUEUE_VIEW_READY;
    return destination->way->via == ROUTE_HOLD ? QUEUE_VIEW_HELD : QUEUE_VIEW_WAITING;
}

enum queue_view_state queue_recipient_view_state(const struct queue_recipient *recipient)
{
    switch ((enum queue_recipient_state)recipient->state) {
    case RECIPIENT_READY:
        return view_of_ready(recipient->destination);
    case RECIPIENT_ACTIVE:
        return QUEUE_VIEW_ACTIVE;
    case RECIPIENT_HELD:
        return QUEUE_VIEW_HELD;
    case RECIPIENT_WAITING:
    case RECIPIENT_FINAL:
    case RECIPIENT_STATES:
        break;
    }
    return QUEUE_VIEW_WAITING;
}

bool queue_filter_takes_recipient(const struct queue_filter *filter,
                                  const struct queue_recipient *recipient)
{
    struct str address = queue_recipient_address(recipient);
    if (recipient->state == RECIPIENT_FINAL)
        return false;
    if (filter->by_id && filter->by_recipient && filter->recipient != recipient->index + 1)
        return false;
    if (filter->address.len && !queue_address_matches(address, filter->address))
        return false;
    if (filter->domain.len && !str_eq_nocase(queue_domain_of(address), filter->domain))
        return false;
    return filter->state < 0 || (int)queue_recipient_view_state(recipient) == filter->state;
}
