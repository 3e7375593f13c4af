#include "dns/message.h"

#define HEADER_BYTES     12
#define RECORD_MIN_BYTES 11 /* root name, type, class, TTL, length */
#define CLASS_IN         1
#define TTL_MAX_S        0x7fffffffu /* RFC 2181 section 8 */

enum rcode { RCODE_NO_ERROR = 0, RCODE_NO_NAME = 3 };

struct str dns_rcode_text(unsigned rcode)
{
    static const char *const texts[] = {
        [1] = "the server did not understand the question",
        [2] = "the server failed",
        [4] = "the server does not know this kind of question",
        [5] = "the server refused",
    };
    bool is_known = rcode < ARRAY_LEN(texts) && texts[rcode];
    return str_of(is_known ? texts[rcode] : "the server gave an error");
}

/* ---- a cursor over a message; callers check that there is room ---- */
struct message {
    struct str bytes;
    size_t at;
};

static size_t room_in(const struct message *message) { return message->bytes.len - message->at; }

static uint16_t take_u16(struct message *message)
{
    const uint8_t *at = (const uint8_t *)message->bytes.at + message->at;
    message->at += 2;
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t take_u32(struct message *message)
{
    uint32_t high = take_u16(message);
    return high << 16 | take_u16(message);
}

struct record {
    struct dns_name owner;
    uint16_t type;
    uint16_t class;
    uint32_t ttl_s;
    size_t data_at;
    size_t data_len;
};

static enum err take_record(struct message *message, struct record *out_record)
{
    if (dns_name_read(message->bytes, message->at, true, &out_record->owner, &message->at) ||
        room_in(message) < 10)
        return ERR_SYNTAX;
    out_record->type = take_u16(message);
    out_record->class = take_u16(message);
    uint32_t ttl_s = take_u32(message);
    out_record->ttl_s = ttl_s <= TTL_MAX_S ? ttl_s : 0;
    out_record->data_len = take_u16(message);
    out_record->data_at = message->at;
    if (out_record->data_len > room_in(message))
        return ERR_SYNTAX;
    message->at += out_record->data_len;
    return OK;
}

static enum err skip_questions(struct message *message, size_t count)
{
    for (; count; count--) {
        struct dns_name ignored;
        if (dns_name_read(message->bytes, message->at, true, &ignored, &message->at) ||
            room_in(message) < 4)
            return ERR_SYNTAX;
        message->at += 4;
    }
    return OK;
}

/* ---- record data ---- */

/* Where names stand in the data of those types that may be compressed (RFC 3597 section 4). */
static const struct {
    enum dns_type type;
    size_t bytes_before;
    size_t names;
    size_t bytes_behind;
} layouts[] = {
    {DNS_NS, 0, 1, 0}, {DNS_CNAME, 0, 1, 0}, {DNS_PTR, 0, 1, 0},
    {DNS_MX, 2, 1, 0}, {DNS_SOA, 0, 2, 20},
};

static enum err expand(struct str message, const struct record *record, size_t layout,
                       struct arena *arena, struct str *out_data)
{
    char data[2 * DNS_NAME_MAX + 20];
    size_t end = record->data_at + record->data_len;
    size_t at = record->data_at;
    size_t len = layouts[layout].bytes_before;
    if (len > record->data_len)
        return ERR_SYNTAX;
    memcpy(data, message.at + at, len);
    at += len;
    for (size_t i = 0; i < layouts[layout].names; i++) {
        struct dns_name name;
        if (dns_name_read(str_first(message, end), at, true, &name, &at))
            return ERR_SYNTAX;
        memcpy(data + len, name.bytes, name.len);
        len += name.len;
    }
    size_t behind = layouts[layout].bytes_behind;
    if (end - at != behind)
        return ERR_SYNTAX;
    memcpy(data + len, message.at + at, behind);
    *out_data = arena_copy(arena, str_make(data, len + behind));
    return OK;
}

static enum err read_data(struct str message, const struct record *record, struct arena *arena,
                          struct str *out_data)
{
    for (size_t i = 0; i < ARRAY_LEN(layouts); i++)
        if (layouts[i].type == record->type)
            return expand(message, record, i, arena, out_data);
    *out_data = arena_copy(arena, str_first(str_from(message, record->data_at), record->data_len));
    return OK;
}

/* ---- the answer ---- */
static void lower_ttl(struct dns_answer *answer, uint32_t ttl_s)
{
    if (ttl_s < answer->ttl_s)
        answer->ttl_s = ttl_s;
}

static enum err read_answers(struct message *message, size_t count, enum dns_type type,
                             struct arena *arena, struct dns_name *current,
                             struct dns_answer *answer)
{
    size_t room = min_size(count, room_in(message) / RECORD_MIN_BYTES);
    answer->records = ARENA_ARRAY(arena, struct dns_record, room);
    for (; count; count--) {
        struct record record;
        if (take_record(message, &record))
            return ERR_SYNTAX;
        if (record.class != CLASS_IN || !dns_name_eq(&record.owner, current))
            continue;
        if (record.type == type) {
            struct dns_record *found = &answer->records[answer->count];
            if (read_data(message->bytes, &record, arena, &found->data))
                return ERR_SYNTAX;
            answer->count++;
            lower_ttl(answer, record.ttl_s);
        } else if (record.type == DNS_CNAME) {
            size_t next;
            struct str whole = str_first(message->bytes, record.data_at + record.data_len);
            if (dns_name_read(whole, record.data_at, true, current, &next) || next != whole.len)
                return ERR_SYNTAX;
            lower_ttl(answer, record.ttl_s);
        }
    }
    return OK;
}

/* How long "no" holds: the SOA's TTL or its last field, whichever is less (RFC 2308 section 5). */
static enum err read_negative_ttl(struct message *message, size_t count, struct dns_answer *answer)
{
    for (; count; count--) {
        struct record record;
        if (take_record(message, &record))
            return ERR_SYNTAX;
        if (record.type != DNS_SOA || record.data_len < 4)
            continue;
        struct message tail = {message->bytes, record.data_at + record.data_len - 4};
        lower_ttl(answer, record.ttl_s);
        lower_ttl(answer, take_u32(&tail));
        return OK;
    }
    answer->ttl_s = 0;
    return OK;
}

enum err dns_message_read_answer(struct str message, const struct dns_name *name,
                                 enum dns_type type, struct arena *arena,
                                 struct dns_answer *out_answer)
{
    if (message.len < HEADER_BYTES || message.len > UINT16_MAX)
        return ERR_SYNTAX;
    struct message cursor = {message, 2};
    unsigned rcode = take_u16(&cursor) & 0xf;
    size_t questions = take_u16(&cursor);
    size_t answers = take_u16(&cursor);
    size_t authorities = take_u16(&cursor);
    cursor.at = HEADER_BYTES;

    struct dns_name current = *name;
    struct dns_answer answer = {.ttl_s = TTL_MAX_S, .problem = STR_EMPTY};
    if (skip_questions(&cursor, questions) ||
        read_answers(&cursor, answers, type, arena, &current, &answer))
        return ERR_SYNTAX;
    if (answer.count == 0 && read_negative_ttl(&cursor, authorities, &answer))
        return ERR_SYNTAX;

    answer.canonical_name = dns_name_print(arena, &current);
    if (rcode != RCODE_NO_ERROR && rcode != RCODE_NO_NAME) {
        answer.result = DNS_FAILED;
        answer.problem = dns_rcode_text(rcode);
        answer.count = 0;
    } else if (answer.count == 0) {
        answer.result = rcode == RCODE_NO_NAME ? DNS_NO_NAME : DNS_NO_DATA;
    }
    *out_answer = answer;
    return OK;
}
