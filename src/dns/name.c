#include "dns/name.h"

#define LABEL_MAX    63
#define POINTER_BITS 0xc0
#define ESCAPED_MAX  4 /* "\255" */

/* ---- from text ---- */

/* Takes one byte of a label off `text`. */
static enum err take_byte(struct str *text, uint8_t *out_byte)
{
    uint64_t value;
    if (text->at[0] != '\\') {
        *out_byte = (uint8_t)text->at[0];
        *text = str_from(*text, 1);
        return OK;
    }
    if (text->len < 2)
        return ERR_SYNTAX;
    if (!char_is_digit(text->at[1])) {
        *out_byte = (uint8_t)text->at[1];
        *text = str_from(*text, 2);
        return OK;
    }
    if (text->len < 4 || !str_to_u64(str_first(str_from(*text, 1), 3), UINT8_MAX, &value))
        return ERR_SYNTAX;
    *out_byte = (uint8_t)value;
    *text = str_from(*text, 4);
    return OK;
}

/* Appends one label with its length, up to a dot or the end. One byte stays free for the root. */
static enum err take_label(struct str *text, struct dns_name *name)
{
    if (name->len + 1 >= DNS_NAME_MAX)
        return ERR_SYNTAX;
    uint8_t *count = &name->bytes[name->len++];
    *count = 0;
    while (text->len && text->at[0] != '.') {
        uint8_t byte;
        if (*count == LABEL_MAX || name->len + 1 >= DNS_NAME_MAX || take_byte(text, &byte))
            return ERR_SYNTAX;
        name->bytes[name->len++] = byte;
        ++*count;
    }
    return *count ? OK : ERR_SYNTAX;
}

enum err dns_name_from_text(struct str text, struct dns_name *out_name)
{
    struct dns_name name = {0};
    bool more = text.len > 0;
    while (more) {
        enum err err = take_label(&text, &name);
        if (err)
            return err;
        more = text.len > 0; /* at a dot: another label must follow */
        text = str_from(text, 1);
    }
    name.bytes[name.len++] = 0;
    *out_name = name;
    return OK;
}

/* ---- to text ---- */
static size_t print_byte(char *out, uint8_t byte)
{
    if (byte == '.' || byte == '\\') {
        out[0] = '\\';
        out[1] = (char)byte;
        return 2;
    }
    if (byte > ' ' && byte < 0x7f) {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = (char)('0' + byte / 100);
    out[2] = (char)('0' + byte / 10 % 10);
    out[3] = (char)('0' + byte % 10);
    return 4;
}

struct str dns_name_print(struct arena *arena, const struct dns_name *name)
{
    char text[DNS_NAME_MAX * ESCAPED_MAX];
    size_t len = 0;
    for (size_t at = 0; name->bytes[at]; at += name->bytes[at] + 1u) {
        if (at)
            text[len++] = '.';
        for (size_t i = 1; i <= name->bytes[at]; i++)
            len += print_byte(text + len, name->bytes[at + i]);
    }
    return arena_copy(arena, str_make(text, len));
}

/* ---- on the wire ---- */
static uint8_t byte_at(struct str message, size_t at) { return (uint8_t)message.at[at]; }

/* Follows pointers to where a label stands. *out_next is set at the first. Each pointer must lead
 * before `*limit`, the start of what was read last, so there is no loop. */
static enum err follow(struct str message, size_t *at, size_t *limit, size_t *out_next)
{
    while (*at < message.len && (byte_at(message, *at) & POINTER_BITS) == POINTER_BITS) {
        if (*at + 1 >= message.len)
            return ERR_SYNTAX;
        size_t target =
            (size_t)(byte_at(message, *at) & ~POINTER_BITS) << 8 | byte_at(message, *at + 1);
        if (target >= *limit)
            return ERR_SYNTAX;
        if (*out_next == SIZE_MAX)
            *out_next = *at + 2;
        *at = *limit = target;
    }
    return OK;
}

enum err dns_name_read(struct str message, size_t at, bool may_point, struct dns_name *out_name,
                       size_t *out_next)
{
    struct dns_name name = {0};
    size_t limit = at;
    size_t next = SIZE_MAX;
    uint8_t count;
    do {
        if (may_point && follow(message, &at, &limit, &next))
            return ERR_SYNTAX;
        if (at >= message.len)
            return ERR_SYNTAX;
        count = byte_at(message, at);
        size_t len = (size_t)count + 1;
        if (count > LABEL_MAX || len > message.len - at || len > (size_t)(DNS_NAME_MAX - name.len))
            return ERR_SYNTAX;
        memcpy(name.bytes + name.len, message.at + at, len);
        name.len = (uint8_t)(name.len + len);
        at += len;
    } while (count);
    *out_name = name;
    *out_next = next == SIZE_MAX ? at : next;
    return OK;
}

/* A length byte is at most 63, below all letters: folding the case of everything is right. */
bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
    return str_eq_nocase(dns_name_wire(a), dns_name_wire(b));
}
