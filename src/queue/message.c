#include "queue/message.h"

#include "base/mem.h"

#include <malloc.h>

#define ADDRESS_BYTES_MAX 255

static_assert(sizeof(struct queue_recipient) == 48, "200 bytes per recipient, all included");
static_assert(sizeof(struct queue_message) == 48, "200 bytes per recipient, all included");

/* Addresses are at most 254 bytes (mail/address.h); of what a damaged spool might say, the end is
 * kept, where the domain stands. */
static struct str bounded(struct str address)
{
    return address.len > ADDRESS_BYTES_MAX ? str_from(address, address.len - ADDRESS_BYTES_MAX)
                                           : address;
}

static char *text_of(const struct queue_message *message)
{
    return (char *)(uintptr_t)&message->recipients[message->recipient_count];
}

static uint32_t append(struct queue_message *message, uint32_t at, struct str text)
{
    if (text.len)
        memcpy(text_of(message) + at, text.at, text.len);
    return at + (uint32_t)text.len;
}

static size_t text_len(const struct spool_envelope *envelope)
{
    size_t len = bounded(envelope->sender).len;
    for (uint32_t i = 0; i < envelope->recipient_count; i++)
        len += bounded(envelope->recipients[i].address).len;
    return len;
}

static uint8_t state_of(const struct spool_status *status)
{
    if (spool_state_is_final(status->state))
        return RECIPIENT_FINAL;
    return status->held ? RECIPIENT_HELD : RECIPIENT_WAITING;
}

static uint32_t seconds(int64_t wall_s)
{
    return wall_s < 0 ? 0 : wall_s > UINT32_MAX ? UINT32_MAX : (uint32_t)wall_s;
}

static struct queue_recipient recipient_of(const struct spool_status *status, uint32_t index)
{
    return (struct queue_recipient){
        .index = index,
        .due_s = seconds(status->due_s),
        .attempts = status->attempts,
        .reason = status->reason,
        .warned = status->warned,
        .state = state_of(status) & 7u,
    };
}

struct queue_message *queue_message_new(const struct spool_announcement *announcement)
{
    const struct spool_envelope *envelope = announcement->envelope;
    uint32_t count = envelope->recipient_count;
    size_t text = text_len(envelope);
    assert(count <= QUEUE_RECIPIENTS_MAX && text < (1 << 24));
    struct queue_message *message =
        mem_alloc(sizeof *message + count * sizeof message->recipients[0] + text);
    int64_t arrived_us =
        envelope->received_us ? envelope->received_us : spool_id_wall_us(announcement->id);
    struct str sender = bounded(envelope->sender);
    *message = (struct queue_message){
        .id = announcement->id,
        .place = announcement->place,
        .size_bytes = announcement->size_bytes & (((uint64_t)1 << 40) - 1),
        .recipient_count = count & QUEUE_RECIPIENTS_MAX,
        .arrived_s = seconds(arrived_us / 1000000),
        .sender_len = (uint8_t)sender.len,
    };
    uint32_t at = append(message, 0, sender);
    for (uint32_t i = 0; i < count; i++) {
        struct str address = bounded(envelope->recipients[i].address);
        struct queue_recipient *recipient = &message->recipients[i];
        *recipient = recipient_of(&announcement->statuses[i], i);
        recipient->address_at = at & 0xffffff;
        recipient->address_len = (uint8_t)address.len;
        at = append(message, at, address);
        if (recipient->state != RECIPIENT_FINAL)
            message->open++;
    }
    return message;
}

uint64_t queue_message_memory_bytes(const struct queue_message *message)
{
    return malloc_usable_size((void *)(uintptr_t)message) + sizeof(size_t);
}

struct str queue_message_sender(const struct queue_message *message)
{
    return str_make(text_of(message), message->sender_len);
}

struct queue_message *queue_recipient_message(const struct queue_recipient *recipient)
{
    const struct queue_recipient *first = recipient - recipient->index;
    return CONTAINER_OF((uintptr_t)first, struct queue_message, recipients);
}

struct str queue_recipient_address(const struct queue_recipient *recipient)
{
    return str_make(text_of(queue_recipient_message(recipient)) + recipient->address_at,
                    recipient->address_len);
}

struct queue_recipient *queue_recipient_next(struct queue_recipient *recipient)
{
    return recipient->next ? recipient - recipient->index + recipient->next - 1 : NULL;
}

struct spool_status queue_recipient_status(const struct queue_recipient *recipient)
{
    return (struct spool_status){
        .state = SPOOL_QUEUED,
        .reason = recipient->reason,
        .held = recipient->state == RECIPIENT_HELD,
        .warned = recipient->warned,
        .attempts = recipient->attempts,
        .due_s = recipient->due_s,
    };
}

uint64_t queue_message_key(const struct tree_node *node)
{
    return CONTAINER_OF((uintptr_t)node, struct queue_message, by_id)->id;
}

uint64_t queue_recipient_key(const struct tree_node *node)
{
    return queue_recipient_message(CONTAINER_OF((uintptr_t)node, struct queue_recipient, at.ready))
        ->id;
}

struct str queue_domain_of(struct str address)
{
    size_t at = str_find_last(address, '@');
    return at == SIZE_MAX ? STR_EMPTY : str_from(address, at + 1);
}
