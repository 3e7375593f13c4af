#include "mail/address.h"

#include "mail/idna.h"
#include "mail/lexer.h"
#include "mail/text.h"

#include <arpa/inet.h>

/* ---- Domains ------------------------------------------------------------------------------- */

static bool is_label_char(char c, enum mail_address_flags flags)
{
    return char_is_alnum(c) || c == '-' || (c == '_' && (flags & MAIL_ADDRESS_UNDERSCORE)) ||
           (char_is_8bit(c) && (flags & MAIL_ADDRESS_UTF8));
}

static bool label_is_valid(struct str label, enum mail_address_flags flags)
{
    if (label.len == 0 || label.at[0] == '-' || label.at[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!is_label_char(label.at[i], flags))
            return false;
    /* How long a U-label is in the DNS shows only when it is converted. */
    return label.len <= 63 || str_has_8bit(label);
}

static bool labels_are_valid(struct str domain, enum mail_address_flags flags)
{
    struct str label, rest = domain;
    while (str_cut(rest, '.', &label, &rest))
        if (!label_is_valid(label, flags))
            return false;
    return label_is_valid(rest, flags);
}

/* The full stops that IDNA takes for a dot (U+3002, U+FF0E, U+FF61): with one of them a domain
 * would be another to the resolver than it was to us. */
static bool has_foreign_dot(struct str domain)
{
    static const char dots[][4] = {"\xe3\x80\x82", "\xef\xbc\x8e", "\xef\xbd\xa1"};
    for (size_t i = 0; i < ARRAY_LEN(dots); i++)
        if (str_search(domain, str_of(dots[i])) != SIZE_MAX)
            return true;
    return false;
}

/* What has U-labels is the name of a domain only if there is such a name in the DNS. One that is
 * too long is not looked at: that is another fault. */
static bool has_ascii_form(struct str domain)
{
    char bytes[MAIL_DOMAIN_MAX_BYTES];
    struct str ascii;
    return domain.len > MAIL_DOMAIN_MAX_BYTES || !str_has_8bit(domain) ||
           (mail_domain_write_ascii(domain, bytes, &ascii) == OK &&
            labels_are_valid(ascii, MAIL_ADDRESS_UNDERSCORE));
}

bool mail_domain_is_valid(struct str domain, enum mail_address_flags flags)
{
    return domain.len <= MAIL_DOMAIN_MAX_BYTES && labels_are_valid(domain, flags) &&
           mail_text_is_clean(domain) && !has_foreign_dot(domain) && has_ascii_form(domain);
}

bool mail_domain_is_literal(struct str domain)
{
    if (domain.len < 2 || domain.at[0] != '[' || domain.at[domain.len - 1] != ']')
        return false;
    struct str inner = str_from(str_first(domain, domain.len - 1), 1);
    bool is_ipv6 = str_starts_nocase(inner, STR("IPv6:"));
    if (is_ipv6)
        inner = str_from(inner, 5);
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address; /* large enough for either */
    if (inner.len >= sizeof text || str_find(inner, '\0') != SIZE_MAX)
        return false;
    memcpy(text, inner.at, inner.len);
    text[inner.len] = '\0';
    return inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, &address) == 1;
}

struct str mail_domain_lower(struct arena *arena, struct str domain)
{
    char *lower = arena_alloc(arena, domain.len);
    for (size_t i = 0; i < domain.len; i++)
        lower[i] = char_lower(domain.at[i]);
    return str_make(lower, domain.len);
}

/* ---- Parsing: each `take` removes what it reads from the front of *rest ---------------------- */

static bool take_char(struct str *rest, char c)
{
    if (rest->len == 0 || rest->at[0] != c)
        return false;
    *rest = str_from(*rest, 1);
    return true;
}

static bool is_dot_string(struct str local)
{
    bool after_dot = true;
    for (size_t i = 0; i < local.len; i++) {
        bool is_dot = local.at[i] == '.';
        if (is_dot ? after_dot : !mail_char_is_atext(local.at[i]) && !char_is_8bit(local.at[i]))
            return false;
        after_dot = is_dot;
    }
    return !after_dot;
}

static struct str unescape(struct arena *arena, struct str quoted)
{
    if (str_find(quoted, '\\') == SIZE_MAX)
        return quoted;
    char *plain = arena_alloc(arena, quoted.len);
    size_t len = 0;
    for (size_t i = 0; i < quoted.len; i++) {
        if (quoted.at[i] == '\\')
            i++;
        plain[len++] = quoted.at[i];
    }
    return str_make(plain, len);
}

/* Quoted-string, RFC 5321 section 4.1.2. That no control stands in it is checked later. */
static bool take_quoted(struct arena *arena, struct str *rest, struct str *out_local)
{
    size_t end = 1;
    while (end < rest->len && rest->at[end] != '"') {
        if (rest->at[end] == '\\' && (++end == rest->len || char_is_8bit(rest->at[end])))
            return false;
        end++;
    }
    if (end >= rest->len || end == 1)
        return false;
    *out_local = unescape(arena, str_from(str_first(*rest, end), 1));
    *rest = str_from(*rest, end + 1);
    return true;
}

static bool take_local(struct arena *arena, struct str *rest, struct str *out_local)
{
    if (rest->len && rest->at[0] == '"')
        return take_quoted(arena, rest, out_local);
    size_t end = 0;
    while (end < rest->len && (mail_char_is_atext(rest->at[end]) || rest->at[end] == '.' ||
                               char_is_8bit(rest->at[end])))
        end++;
    *out_local = str_first(*rest, end);
    *rest = str_from(*rest, end);
    return is_dot_string(*out_local);
}

/* The extent of a domain or literal; UTF-8 is let through here and judged with the whole. */
static bool take_domain(struct str *rest, struct str *out_domain, bool *out_is_literal)
{
    bool is_literal = rest->len && rest->at[0] == '[';
    size_t end = 0;
    if (is_literal)
        end = min_size(str_find(*rest, ']'), rest->len - 1) + 1;
    else
        while (end < rest->len &&
               (rest->at[end] == '.' || is_label_char(rest->at[end], MAIL_ADDRESS_UTF8)))
            end++;
    *out_domain = str_first(*rest, end);
    *out_is_literal = is_literal;
    *rest = str_from(*rest, end);
    return is_literal ? mail_domain_is_literal(*out_domain)
                      : labels_are_valid(*out_domain, MAIL_ADDRESS_UTF8) &&
                            !has_foreign_dot(*out_domain) && has_ascii_form(*out_domain);
}

static enum err take_address(struct arena *arena, struct str *rest, enum mail_address_flags flags,
                             struct mail_address *out_address)
{
    struct mail_address address;
    struct str start = *rest;
    if (!take_local(arena, rest, &address.local))
        return ERR_SYNTAX;
    size_t local_len = start.len - rest->len;
    if (!take_char(rest, '@') || !take_domain(rest, &address.domain, &address.is_literal))
        return ERR_SYNTAX;
    struct str written = str_first(start, start.len - rest->len);
    if (!mail_text_is_clean(written) || !mail_text_is_clean(address.local))
        return ERR_SYNTAX;
    if (local_len > MAIL_LOCAL_MAX_BYTES || address.domain.len > MAIL_DOMAIN_MAX_BYTES ||
        written.len > MAIL_ADDRESS_MAX_BYTES)
        return ERR_LIMIT;
    if (str_has_8bit(written) && !(flags & MAIL_ADDRESS_UTF8))
        return ERR_UNSUPPORTED;
    *out_address = address;
    return OK;
}

enum err mail_address_parse(struct arena *arena, struct str text, enum mail_address_flags flags,
                            struct mail_address *out_address)
{
    struct mail_address address;
    enum err err = take_address(arena, &text, flags, &address);
    if (err)
        return err;
    if (text.len)
        return ERR_SYNTAX;
    *out_address = address;
    return OK;
}

/* A-d-l, RFC 5321 section 4.1.2: `@a,@b:`. Absent is fine, half of one is not. */
static bool take_route(struct str *rest, bool *out_has_route)
{
    *out_has_route = false;
    if (rest->len == 0 || rest->at[0] != '@')
        return true;
    do {
        struct str domain;
        bool is_literal;
        if (!take_char(rest, '@') || !take_domain(rest, &domain, &is_literal))
            return false;
    } while (take_char(rest, ','));
    *out_has_route = true;
    return take_char(rest, ':');
}

static bool take_postmaster(struct str *rest, struct mail_path *path)
{
    if (!str_starts_nocase(*rest, STR("postmaster>")))
        return false;
    path->is_postmaster = true;
    path->address.local = str_first(*rest, strlen("postmaster"));
    path->address.domain = STR_EMPTY;
    *rest = str_from(*rest, path->address.local.len);
    return true;
}

enum err mail_path_parse(struct arena *arena, struct str text, enum mail_address_flags flags,
                         struct mail_path *out_path, size_t *out_used)
{
    struct mail_path path = {.address = {.local = STR_EMPTY, .domain = STR_EMPTY}};
    struct str rest = text;
    if (!take_char(&rest, '<'))
        return ERR_SYNTAX;
    if ((flags & MAIL_ADDRESS_NULL) && rest.len && rest.at[0] == '>') {
        path.is_null = true;
    } else if (!(flags & MAIL_ADDRESS_POSTMASTER) || !take_postmaster(&rest, &path)) {
        if (!take_route(&rest, &path.has_route))
            return ERR_SYNTAX;
        enum err err = take_address(arena, &rest, flags, &path.address);
        if (err)
            return err;
    }
    if (!take_char(&rest, '>'))
        return ERR_SYNTAX;
    *out_path = path;
    *out_used = text.len - rest.len;
    return OK;
}

/* ---- Printing ------------------------------------------------------------------------------- */

static bool needs_escape(char c) { return c == '"' || c == '\\'; }

static size_t printed_len(const struct mail_address *address)
{
    size_t len = address->local.len;
    if (!is_dot_string(address->local)) {
        len += 2;
        for (size_t i = 0; i < address->local.len; i++)
            len += needs_escape(address->local.at[i]);
    }
    return address->domain.len ? len + 1 + address->domain.len : len;
}

static char *write_bytes(char *to, struct str bytes)
{
    return bytes.len ? (char *)memcpy(to, bytes.at, bytes.len) + bytes.len : to;
}

static char *write_quoted(char *to, struct str local)
{
    *to++ = '"';
    for (size_t i = 0; i < local.len; i++) {
        if (needs_escape(local.at[i]))
            *to++ = '\\';
        *to++ = local.at[i];
    }
    *to++ = '"';
    return to;
}

/* Writes printed_len bytes. */
static void write_address(char *to, const struct mail_address *address)
{
    to = is_dot_string(address->local) ? write_bytes(to, address->local)
                                       : write_quoted(to, address->local);
    if (address->domain.len == 0)
        return;
    *to++ = '@';
    write_bytes(to, address->domain);
}

enum err mail_address_print(struct buf *buf, const struct mail_address *address)
{
    size_t len = printed_len(address);
    enum err err = buf_reserve(buf, len);
    if (err)
        return err;
    write_address(buf->at + buf->len, address);
    buf->len += len;
    return OK;
}

struct str mail_address_text(struct arena *arena, const struct mail_address *address)
{
    size_t len = printed_len(address);
    char *text = arena_alloc(arena, len);
    write_address(text, address);
    return str_make(text, len);
}

enum err mail_path_print(struct buf *buf, const struct mail_path *path)
{
    if (path->is_null)
        return buf_add(buf, STR("<>"));
    size_t len = printed_len(&path->address);
    enum err err = buf_reserve(buf, len + 2);
    if (err)
        return err;
    buf->at[buf->len] = '<';
    write_address(buf->at + buf->len + 1, &path->address);
    buf->at[buf->len + 1 + len] = '>';
    buf->len += len + 2;
    return OK;
}

/* ---- Values --------------------------------------------------------------------------------- */

struct mail_address mail_address_copy(struct arena *arena, const struct mail_address *address)
{
    return (struct mail_address){.local = arena_copy(arena, address->local),
                                 .domain = arena_copy(arena, address->domain),
                                 .is_literal = address->is_literal};
}

bool mail_address_eq(const struct mail_address *a, const struct mail_address *b)
{
    return str_eq(a->local, b->local) && str_eq_nocase(a->domain, b->domain);
}

bool mail_address_is_utf8(const struct mail_address *address)
{
    return str_has_8bit(address->local) || str_has_8bit(address->domain);
}
