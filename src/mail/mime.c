#include "mail/mime.h"

#define COMMENT_DEPTH_MAX 20

/* ---- words ---- */
static bool is_blank(char c) { return char_is_wsp(c) || c == '\r' || c == '\n'; }

static bool is_token(char c)
{
    return !char_is_control(c) && !char_is_8bit(c) && c != ' ' && !strchr("()<>@,;:\\\"/[]?=", c);
}

/* The length of the comment at the front, 0 when it does not end. */
static size_t comment_len(struct str s)
{
    size_t depth = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '\\')
            i++;
        else if (s.at[i] == '(' && ++depth > COMMENT_DEPTH_MAX)
            return 0;
        else if (s.at[i] == ')' && --depth == 0)
            return i + 1;
    }
    return 0;
}

static void skip_blanks(struct str *rest)
{
    for (;;) {
        size_t len = rest->len && is_blank(rest->at[0]) ? 1
                     : str_starts(*rest, STR("("))      ? comment_len(*rest)
                                                        : 0;
        if (len == 0)
            return;
        *rest = str_from(*rest, len);
    }
}

static bool take_char(struct str *rest, char c)
{
    skip_blanks(rest);
    if (!rest->len || rest->at[0] != c)
        return false;
    *rest = str_from(*rest, 1);
    return true;
}

static struct str take_token(struct str *rest)
{
    skip_blanks(rest);
    size_t len = 0;
    while (len < rest->len && is_token(rest->at[len]))
        len++;
    struct str token = str_first(*rest, len);
    *rest = str_from(*rest, len);
    return token;
}

/* ---- values of parameters ---- */

/* A value without its quotes; false when it is longer than any boundary. */
static bool put(struct mime_boundary *value, char c)
{
    if (value->len == sizeof value->at)
        return false;
    value->at[value->len++] = c;
    return true;
}

/* Behind the first quote, up to the last. */
static bool take_quoted(struct str *rest, struct mime_boundary *out_value)
{
    bool fits = true;
    size_t i = 0;
    for (; i < rest->len && rest->at[i] != '"'; i++) {
        if (rest->at[i] == '\r' || rest->at[i] == '\n')
            continue;
        if (rest->at[i] == '\\' && i + 1 < rest->len)
            i++;
        fits = put(out_value, rest->at[i]) && fits;
    }
    bool is_ended = i < rest->len;
    *rest = str_from(*rest, i + 1);
    return is_ended && fits;
}

/* Without quotes: up to a blank or the semicolon, whatever stands there. */
static bool take_bare(struct str *rest, struct mime_boundary *out_value)
{
    bool fits = true;
    size_t i = 0;
    for (; i < rest->len && rest->at[i] != ';' && !is_blank(rest->at[i]); i++)
        fits = put(out_value, rest->at[i]) && fits;
    *rest = str_from(*rest, i);
    return fits;
}

static bool take_value(struct str *rest, struct mime_boundary *out_value)
{
    *out_value = (struct mime_boundary){.len = 0};
    return take_char(rest, '"') ? take_quoted(rest, out_value) : take_bare(rest, out_value);
}

/* ---- the boundary ---- */

/* RFC 2046 section 5.1.1: the last byte is no blank; one that is can be no boundary. */
static bool is_boundary(const struct mime_boundary *boundary)
{
    for (size_t i = 0; i < boundary->len; i++)
        if (char_is_control(boundary->at[i]) || char_is_8bit(boundary->at[i]))
            return false;
    return boundary->len > 0 && boundary->at[boundary->len - 1] != ' ';
}

/* The parameter "boundary", once. What RFC 2231 would make of several pieces ("boundary*0=") is
 * none that everybody reads. */
static bool find_boundary(struct str rest, struct mime_boundary *out_boundary)
{
    size_t found = 0;
    bool is_fit = false;
    while (take_char(&rest, ';')) {
        struct str name = take_token(&rest);
        struct mime_boundary value;
        if (!name.len || !take_char(&rest, '='))
            continue;
        bool is_whole = take_value(&rest, &value);
        if (!str_starts_nocase(name, STR("boundary")))
            continue;
        is_fit = is_whole && is_boundary(&value) && str_eq_nocase(name, STR("boundary"));
        if (found++ == 0)
            *out_boundary = value;
    }
    skip_blanks(&rest);
    return found == 1 && is_fit && rest.len == 0;
}

/* ---- the type ---- */

/* The first that fits; an empty subtype fits all. RFC 6532 section 3.7, RFC 6533 section 6: of
 * messages, those with UTF-8 in them may be encoded. */
static const struct {
    const char *type, *subtype;
    enum mime_kind kind;
} kinds[] = {
    {"text", "", MIME_TEXT},
    {"multipart", "signed", MIME_SEALED},
    {"multipart", "encrypted", MIME_SEALED},
    {"multipart", "", MIME_MULTIPART},
    {"message", "rfc822", MIME_MESSAGE},
    {"message", "global", MIME_TEXT},
    {"message", "global-headers", MIME_TEXT},
    {"message", "global-delivery-status", MIME_TEXT},
    {"message", "global-disposition-notification", MIME_TEXT},
    {"message", "", MIME_UNENCODABLE},
    {"application", "pkcs7-mime", MIME_SEALED},
    {"application", "x-pkcs7-mime", MIME_SEALED},
    {"application", "pkcs7-signature", MIME_SEALED},
    {"application", "x-pkcs7-signature", MIME_SEALED},
    {"application", "pgp", MIME_SEALED},
    {"application", "pgp-encrypted", MIME_SEALED},
    {"application", "pgp-signature", MIME_SEALED},
};

static enum mime_kind kind_of(struct str type, struct str subtype)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq_nocase(type, str_of(kinds[i].type)) &&
            (!*kinds[i].subtype || str_eq_nocase(subtype, str_of(kinds[i].subtype))))
            return kinds[i].kind;
    return MIME_DATA;
}

struct mime_type mime_type_parse(struct str value)
{
    struct mime_type result = {.kind = MIME_TEXT};
    struct str type = take_token(&value);
    bool has_slash = take_char(&value, '/');
    struct str subtype = take_token(&value);
    if (!type.len || !has_slash || !subtype.len)
        return result;
    result.kind = kind_of(type, subtype);
    result.is_digest = result.kind == MIME_MULTIPART && str_eq_nocase(subtype, STR("digest"));
    if (result.kind == MIME_MULTIPART && !find_boundary(value, &result.boundary))
        result.kind = MIME_UNKNOWN;
    return result;
}

/* ---- the encoding ---- */
enum mime_encoding mime_encoding_parse(struct str value)
{
    static const char *const names[] = {
        [MIME_7BIT] = "7bit",     [MIME_8BIT] = "8bit",
        [MIME_BINARY] = "binary", [MIME_QUOTED_PRINTABLE] = "quoted-printable",
        [MIME_BASE64] = "base64",
    };
    struct str token = take_token(&value);
    skip_blanks(&value);
    for (size_t i = 0; i < ARRAY_LEN(names) && !value.len; i++)
        if (str_eq_nocase(token, str_of(names[i])))
            return (enum mime_encoding)i;
    return MIME_OTHER_ENCODING;
}
