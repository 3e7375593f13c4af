/* The heads of MESSAGE and STATUS records: what their fields hold. */
#include "base/arena.h"
#include "spool/record.h"
#include "spool/wire.h"

#define CHANGE_BYTES        18
#define CONTENT_BYTES       12
#define RECIPIENT_MIN_BYTES 5
#define ADDRESS_MAX_BYTES   UINT32_MAX

enum option_flags { OPTION_SMTPUTF8 = 1, OPTION_8BIT = 2, OPTION_REQUIRE_TLS = 4 };
/* In the byte that begins with the bits of enum spool_notify. */
enum recipient_flags { RECIPIENT_NOTIFY = 0x0f, RECIPIENT_JUNK = 0x10, RECIPIENT_LOOPS = 0x20 };
enum change_flags { CHANGE_HELD = 1, CHANGE_WARNED = 2 };

/* The fields that are a plain string of the envelope. */
static const struct {
    uint16_t tag;
    size_t offset;
} texts[] = {
    {FIELD_SENDER, offsetof(struct spool_envelope, sender)},
    {FIELD_ENVELOPE_ID, offsetof(struct spool_envelope, envelope_id)},
    {FIELD_CLIENT_ADDRESS, offsetof(struct spool_envelope, client_address)},
    {FIELD_CLIENT_HELO, offsetof(struct spool_envelope, client_helo)},
    {FIELD_ACCOUNT, offsetof(struct spool_envelope, account)},
    {FIELD_SERVICE, offsetof(struct spool_envelope, service)},
};

static struct str *text_of(struct spool_envelope *envelope, size_t i)
{
    return (struct str *)(void *)((char *)envelope + texts[i].offset);
}

static const struct str *const_text_of(const struct spool_envelope *envelope, size_t i)
{
    return (const struct str *)(const void *)((const char *)envelope + texts[i].offset);
}

/* ---- writing ---- */

static enum err texts_write(struct buf *out, const struct spool_envelope *envelope)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str text = *const_text_of(envelope, i);
        enum err err = text.len ? field_add(out, texts[i].tag, text) : OK;
        if (err)
            return err;
    }
    return OK;
}

static enum err recipient_write(struct buf *out, const struct spool_recipient *recipient)
{
    char prefix[6 + RECIPIENT_MIN_BYTES];
    size_t len = RECIPIENT_MIN_BYTES + recipient->address.len + recipient->original.len;
    if (len > ADDRESS_MAX_BYTES)
        return ERR_LIMIT;
    wire_put(prefix, FIELD_RECIPIENT, 2);
    wire_put(prefix + 2, len, 4);
    wire_put(prefix + 6,
             (recipient->notify & RECIPIENT_NOTIFY) | (recipient->junk ? RECIPIENT_JUNK : 0) |
                 (recipient->loops ? RECIPIENT_LOOPS : 0),
             1);
    wire_put(prefix + 7, recipient->address.len, 4);
    enum err err = buf_reserve(out, sizeof prefix + len);
    if (!err)
        err = buf_add(out, str_make(prefix, sizeof prefix));
    if (!err)
        err = buf_add(out, recipient->address);
    if (!err)
        err = buf_add(out, recipient->original);
    if (!err && recipient->forwarded_by.len)
        err = field_add(out, FIELD_FORWARDED, recipient->forwarded_by);
    return err;
}

static enum err numbers_write(struct buf *out, const struct message_head *head)
{
    const struct spool_envelope *envelope = &head->envelope;
    char options[2], received[8], content[CONTENT_BYTES];
    options[0] = (char)envelope->returns;
    options[1] = (char)((envelope->smtputf8 ? OPTION_SMTPUTF8 : 0) |
                        (envelope->body_8bit ? OPTION_8BIT : 0) |
                        (envelope->require_tls ? OPTION_REQUIRE_TLS : 0));
    wire_put(received, (uint64_t)envelope->received_us, 8);
    wire_put(content, head->content_size, 8);
    wire_put(content + 8, head->content_crc, 4);
    enum err err = field_add(out, FIELD_OPTIONS, str_make(options, sizeof options));
    if (!err)
        err = field_add(out, FIELD_RECEIVED, str_make(received, sizeof received));
    return err ? err : field_add(out, FIELD_CONTENT, str_make(content, sizeof content));
}

enum err message_head_write(struct buf *out, const struct message_head *head)
{
    enum err err = texts_write(out, &head->envelope);
    if (!err)
        err = numbers_write(out, head);
    for (uint32_t i = 0; i < head->envelope.recipient_count && !err; i++)
        err = recipient_write(out, &head->envelope.recipients[i]);
    for (uint32_t i = 0; i < head->envelope.recipient_count && head->statuses && !err; i++)
        err = changes_write(out,
                            &(struct spool_change){.recipient = i, .status = head->statuses[i]}, 1);
    return err ? err : field_add(out, FIELD_PREFIX, head->prefix);
}

enum err changes_write(struct buf *out, const struct spool_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct spool_status *status = &changes[i].status;
        char value[CHANGE_BYTES] = {0};
        wire_put(value, changes[i].recipient, 4);
        wire_put(value + 4, status->state, 1);
        wire_put(value + 5, status->reason, 1);
        wire_put(value + 6, (status->held ? CHANGE_HELD : 0) | (status->warned ? CHANGE_WARNED : 0),
                 1);
        wire_put(value + 8, status->attempts, 2);
        wire_put(value + 10, (uint64_t)status->due_s, 8);
        enum err err = field_add(out, FIELD_CHANGE, str_make(value, sizeof value));
        if (err)
            return err;
    }
    return OK;
}

/* ---- reading ---- */

static enum err recipient_read(struct str value, struct spool_recipient *out_recipient)
{
    struct wire_reader reader = wire_reader_make(value);
    uint8_t flags = wire_read8(&reader);
    struct spool_recipient recipient = {
        .notify = flags & RECIPIENT_NOTIFY,
        .junk = flags & RECIPIENT_JUNK,
        .loops = flags & RECIPIENT_LOOPS,
        .forwarded_by = STR_EMPTY,
    };
    recipient.address = wire_read_bytes(&reader, wire_read32(&reader));
    recipient.original = reader.rest;
    if (reader.failed)
        return ERR_CORRUPT;
    *out_recipient = recipient;
    return OK;
}

static enum err change_read(struct str value, struct spool_change *out_change)
{
    struct wire_reader reader = wire_reader_make(value);
    struct spool_change change = {.recipient = wire_read32(&reader)};
    change.status.state = wire_read8(&reader);
    change.status.reason = wire_read8(&reader);
    uint8_t flags = wire_read8(&reader);
    wire_read8(&reader);
    change.status.held = flags & CHANGE_HELD;
    change.status.warned = flags & CHANGE_WARNED;
    change.status.attempts = wire_read16(&reader);
    change.status.due_s = (int64_t)wire_read64(&reader);
    if (reader.failed || change.status.state > SPOOL_DROPPED ||
        change.status.reason > SPOOL_REASON_ROUTE)
        return ERR_CORRUPT;
    *out_change = change;
    return OK;
}

enum err changes_apply(struct str head, struct spool_status *statuses, uint32_t count)
{
    struct field field;
    enum err err;
    while ((err = field_next(&head, &field)) == OK) {
        struct spool_change change;
        if (field.tag != FIELD_CHANGE) {
            if (field.tag & FIELD_CRITICAL)
                return ERR_CORRUPT;
            continue;
        }
        if (change_read(field.value, &change) || change.recipient >= count)
            return ERR_CORRUPT;
        statuses[change.recipient] = change.status;
    }
    return err == ERR_MORE ? OK : err;
}

static enum err options_read(struct str value, struct spool_envelope *envelope)
{
    struct wire_reader reader = wire_reader_make(value);
    envelope->returns = wire_read8(&reader);
    uint8_t flags = wire_read8(&reader);
    envelope->smtputf8 = flags & OPTION_SMTPUTF8;
    envelope->body_8bit = flags & OPTION_8BIT;
    envelope->require_tls = flags & OPTION_REQUIRE_TLS;
    return reader.failed || envelope->returns > SPOOL_RETURN_HEADERS ? ERR_CORRUPT : OK;
}

static enum err number_read(struct field field, struct message_head *head)
{
    struct wire_reader reader = wire_reader_make(field.value);
    if (field.tag == FIELD_RECEIVED) {
        head->envelope.received_us = (int64_t)wire_read64(&reader);
    } else {
        head->content_size = wire_read64(&reader);
        head->content_crc = wire_read32(&reader);
    }
    return reader.failed ? ERR_CORRUPT : OK;
}

/* `recipients_read` counts up to the recipient_count that was found before. */
static enum err field_read(struct field field, struct message_head *head, uint32_t *recipients_read)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (field.tag == texts[i].tag) {
            *text_of(&head->envelope, i) = field.value;
            return OK;
        }
    switch (field.tag) {
    case FIELD_RECIPIENT:
        return recipient_read(field.value, &head->envelope.recipients[(*recipients_read)++]);
    case FIELD_FORWARDED: /* of the recipient before it */
        if (*recipients_read == 0)
            return ERR_CORRUPT;
        head->envelope.recipients[*recipients_read - 1].forwarded_by = field.value;
        return OK;
    case FIELD_OPTIONS:
        return options_read(field.value, &head->envelope);
    case FIELD_RECEIVED:
    case FIELD_CONTENT:
        return number_read(field, head);
    case FIELD_PREFIX:
        head->prefix = field.value;
        return OK;
    default: /* changes come afterwards; others are of a later version */
        return field.tag & FIELD_CRITICAL ? ERR_CORRUPT : OK;
    }
}

static enum err recipients_count(struct str in, uint32_t *out_count, bool *out_has_content)
{
    struct field field;
    enum err err;
    uint32_t count = 0; /* a field has 6 bytes and a head less than 4 GiB */
    bool has_content = false;
    while ((err = field_next(&in, &field)) == OK) {
        count += field.tag == FIELD_RECIPIENT;
        has_content |= field.tag == FIELD_CONTENT;
    }
    if (err != ERR_MORE)
        return err;
    *out_count = count;
    *out_has_content = has_content;
    return OK;
}

enum err message_head_read(struct str in, struct arena *arena, struct message_head *out_head)
{
    struct message_head head = {.prefix = STR_EMPTY};
    uint32_t count, read = 0;
    bool has_content;
    enum err err = recipients_count(in, &count, &has_content);
    if (err || count == 0 || !has_content)
        return ERR_CORRUPT;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *text_of(&head.envelope, i) = STR_EMPTY;
    head.envelope.recipient_count = count;
    head.envelope.recipients = ARENA_ARRAY(arena, struct spool_recipient, count);
    head.statuses = ARENA_ARRAY(arena, struct spool_status, count);
    struct str rest = in;
    for (struct field field; !err && field_next(&rest, &field) == OK;)
        err = field_read(field, &head, &read);
    if (!err)
        err = changes_apply(in, head.statuses, count);
    if (err)
        return err;
    *out_head = head;
    return OK;
}
