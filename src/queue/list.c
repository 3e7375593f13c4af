/* What is queued, as people see it. Walks the table of ids in pieces, so that a filter that
 * matches little in a large queue does not keep the lock. */
#include "queue/filter.h"

#include "base/mem.h"

#define MESSAGES_AT_ONCE 1000

static const char *const reasons[] = {
    [SPOOL_REASON_NONE] = "",
    [SPOOL_REASON_REPLY] = "the other server asked to try again later",
    [SPOOL_REASON_CONNECTION] = "no connection to the other server, or it was lost",
    [SPOOL_REASON_DNS] = "the name servers gave no answer",
    [SPOOL_REASON_TLS] = "no secure connection",
    [SPOOL_REASON_LOCAL] = "a fault of this server",
    [SPOOL_REASON_CRASH] = "it was being worked on when the engine crashed, twice",
    [SPOOL_REASON_ADMIN] = "held by hand",
    [SPOOL_REASON_ROUTE] = "its route says hold",
};

struct listing {
    const struct queue_filter *filter;
    int64_t now_s;
    size_t limit;
    struct arena *arena;
    struct queue_view *views; /* of the heap while it grows */
    size_t count, cap;
};

static struct str words_of(const struct queue *queue, const struct queue_recipient *recipient,
                           uint8_t reason, bool of_exit)
{
    uint32_t handle = of_exit ? recipient->destination->exit->words : recipient->words;
    struct str words = queue_words_text(&queue->words, handle);
    if (words.len == 0 && reason < ARRAY_LEN(reasons))
        words = str_of(reasons[reason]);
    return words;
}

static struct queue_view view_of(const struct queue *queue, const struct queue_message *message,
                                 const struct queue_recipient *recipient, struct arena *arena)
{
    const struct queue_destination *destination = recipient->destination;
    bool is_behind = recipient->state == RECIPIENT_READY && destination->exit->is_blocked;
    struct queue_view view = {
        .id = message->id,
        .recipient = recipient->index + 1,
        .state = queue_recipient_view_state(recipient),
        .sender = arena_copy(arena, queue_message_sender(message)),
        .address = arena_copy(arena, queue_recipient_address(recipient)),
        .destination = arena_copy(arena, destination->name),
        .status = queue_recipient_status(recipient),
        .size_bytes = message->size_bytes,
        .arrived_s = message->arrived_s,
    };
    if (is_behind)
        view.status.reason = destination->exit->reason;
    view.words = arena_copy(arena, words_of(queue, recipient, view.status.reason, is_behind));
    return view;
}

static void add_view(struct listing *listing, const struct queue *queue,
                     const struct queue_message *message, const struct queue_recipient *recipient)
{
    if (listing->count == listing->cap) {
        listing->cap = max_size(listing->cap * 2, 64);
        listing->views = mem_grow(listing->views, listing->cap * sizeof *listing->views);
    }
    listing->views[listing->count++] = view_of(queue, message, recipient, listing->arena);
}

/* Recipients from index `from` on. */
static void add_message(struct listing *listing, const struct queue *queue,
                        const struct queue_message *message, uint32_t from)
{
    if (!queue_filter_takes_message(listing->filter, message, listing->now_s))
        return;
    for (uint32_t i = from; i < message->recipient_count && listing->count < listing->limit; i++)
        if (queue_filter_takes_recipient(listing->filter, &message->recipients[i]))
            add_view(listing, queue, message, &message->recipients[i]);
}

/* The next piece; returns the id to go on from, 0 at the end. */
static spool_id add_piece(struct listing *listing, struct queue *queue, spool_id from_id,
                          const struct queue_page *page)
{
    struct tree_node *node = tree_at_least(queue->messages, from_id, queue_message_key);
    for (unsigned i = 0; node && i < MESSAGES_AT_ONCE; i++) {
        const struct queue_message *message = queue_message_of_node(node);
        add_message(listing, queue, message,
                    message->id == page->after_id ? page->after_recipient : 0);
        if (listing->count == listing->limit || message->id == UINT64_MAX)
            return 0;
        node = tree_at_least(queue->messages, message->id + 1, queue_message_key);
    }
    return node ? queue_message_key(node) : 0;
}

void queue_list(struct queue *queue, const struct queue_filter *filter,
                const struct queue_page *page, struct arena *arena, struct queue_view **out_views,
                size_t *out_count)
{
    struct listing listing = {
        .filter = filter,
        .now_s = queue_now(queue).s,
        .limit = page->limit,
        .arena = arena,
    };
    spool_id from_id = filter->by_id && filter->id > page->after_id ? filter->id : page->after_id;
    do {
        pthread_mutex_lock(&queue->lock);
        from_id = page->limit ? add_piece(&listing, queue, from_id, page) : 0;
        pthread_mutex_unlock(&queue->lock);
    } while (from_id && !(filter->by_id && from_id > filter->id));
    *out_views = ARENA_ARRAY(arena, struct queue_view, listing.count);
    if (listing.count)
        memcpy(*out_views, listing.views, listing.count * sizeof **out_views);
    *out_count = listing.count;
    mem_free(listing.views);
}
