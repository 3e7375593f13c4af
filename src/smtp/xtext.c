#include "smtp/xtext.h"

#include "mail/lexer.h"
#include "mail/text.h"

/* Of one byte as \x{…}; a code point of several bytes takes less for each. */
#define ENCODED_BYTES_MAX (sizeof "\\x{2B}")

static bool is_xchar(char c) { return c > ' ' && c < 0x7f && c != '+' && c != '='; }

static int hex_value(char c)
{
    c = char_upper(c);
    return char_is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "+41": one printable byte, SP included; 0 when it is none. */
static char decode_hexchar(struct str text)
{
    if (text.len < 3)
        return 0;
    int high = hex_value(text.at[1]), low = hex_value(text.at[2]);
    int byte = high < 0 || low < 0 ? 0 : high * 16 + low;
    return byte >= ' ' && byte < 0x7f ? (char)byte : 0;
}

enum err smtp_xtext_decode(struct arena *arena, struct str text, struct str *out_bytes)
{
    bool is_plain = str_find(text, '+') == SIZE_MAX;
    char *decoded = is_plain ? NULL : arena_alloc(arena, text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '+') {
            c = decode_hexchar(str_from(text, i));
            i += 2;
            if (!c)
                return ERR_SYNTAX;
        } else if (!is_xchar(c)) {
            return ERR_SYNTAX;
        }
        if (decoded)
            decoded[len++] = c;
    }
    *out_bytes = is_plain ? text : str_make(decoded, len);
    return OK;
}

enum err smtp_xtext_encode(struct buf *buf, struct str bytes)
{
    size_t before = buf->len;
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.at[i];
        enum err err = is_xchar(c) ? buf_add_char(buf, c) : buf_printf(buf, "+%02X", (uint8_t)c);
        if (err) {
            buf->len = before;
            return err;
        }
    }
    return OK;
}

enum err smtp_envid_parse(struct arena *arena, struct str text, struct str *out_envid)
{
    return text.len > SMTP_ENVID_MAX_BYTES ? ERR_LIMIT : smtp_xtext_decode(arena, text, out_envid);
}

static bool is_atom(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!mail_char_is_atext(text.at[i]))
            return false;
    return text.len > 0;
}

/* An address of type utf-8 keeps its own encoding, in which `+` has no meaning. */
static enum err parse_utf8_address(struct str text, bool utf8, struct str *out_address)
{
    bool is_allowed = mail_text_is_clean(text) && str_find(text, ' ') == SIZE_MAX &&
                      (utf8 || !str_has_8bit(text));
    if (!is_allowed)
        return ERR_SYNTAX;
    *out_address = text;
    return OK;
}

static bool is_utf8_type(struct str type) { return str_eq_nocase(type, STR("utf-8")); }

enum err smtp_orcpt_parse(struct arena *arena, struct str text, bool utf8,
                          struct smtp_orcpt *out_orcpt)
{
    struct smtp_orcpt orcpt;
    struct str address;
    if (text.len > SMTP_ORCPT_MAX_BYTES)
        return ERR_LIMIT;
    if (!str_cut(text, ';', &orcpt.type, &address) || !is_atom(orcpt.type))
        return ERR_SYNTAX;
    enum err err = is_utf8_type(orcpt.type) ? parse_utf8_address(address, utf8, &orcpt.address)
                                            : smtp_xtext_decode(arena, address, &orcpt.address);
    if (err)
        return err;
    if (orcpt.address.len == 0)
        return ERR_SYNTAX;
    *out_orcpt = orcpt;
    return OK;
}

enum err smtp_orcpt_print(struct buf *buf, const struct smtp_orcpt *orcpt)
{
    size_t before = buf->len;
    enum err err = buf_add(buf, orcpt->type);
    if (!err)
        err = buf_add_char(buf, ';');
    if (!err)
        err = is_utf8_type(orcpt->type) ? buf_add(buf, orcpt->address)
                                        : smtp_xtext_encode(buf, orcpt->address);
    if (err)
        buf->len = before;
    return err;
}

/* ---- utf-8-addr-xtext ---- */

/* What may stand for itself. */
static bool is_qchar(char c) { return c > ' ' && c < 0x7f && !strchr("+=\\", c); }

/* The code point at the start of well-formed UTF-8. */
static uint32_t take_code_point(struct str *rest)
{
    unsigned char first = (unsigned char)rest->at[0];
    size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t point = more == 0 ? first : first & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++)
        point = point << 6 | ((unsigned char)rest->at[i] & 0x3f);
    *rest = str_from(*rest, more + 1);
    return point;
}

struct str smtp_utf8_address_encode(struct arena *arena, struct str address)
{
    assert(str_is_utf8(address));
    struct buf out = buf_make(address.len * ENCODED_BYTES_MAX);
    struct str rest = address;
    enum err err = OK;
    while (rest.len && !err) {
        if (is_qchar(rest.at[0])) {
            err = buf_add_char(&out, rest.at[0]);
            rest = str_from(rest, 1);
        } else {
            err = buf_printf(&out, "\\x{%02X}", take_code_point(&rest));
        }
    }
    assert(!err);
    struct str text = arena_copy(arena, buf_str(&out));
    buf_free(&out);
    return text;
}
