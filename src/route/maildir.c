/* From an address to a directory. The one place where bytes that a sender chose become part of a
 * path: what it writes can neither leave the mailbox tree nor meet another user's directory. */
#include "mail/idna.h"
#include "route/table.h"

#define PATH_MAX_BYTES 4096

static bool is_plain(char c)
{
    return char_is_alnum(c) || c == '.' || c == '_' || c == '+' || c == '=' || c == '-';
}

/* Lower case; every other byte outside the plain ones, and a leading dot, as %XX. Since `%` itself
 * is not plain, two different names never become the same. */
static enum err add_encoded(struct buf *path, struct str name)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)char_lower(name.at[i]);
        char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
        bool as_it_is = is_plain((char)c) && !(c == '.' && i == 0);
        enum err err = as_it_is ? buf_add_char(path, (char)c) : buf_add(path, str_make(escape, 3));
        if (err)
            return err;
    }
    return OK;
}

/* `a+b` has the mailbox of `a`, unless it is listed itself. */
static struct str user_of(const struct route_way *way, struct str local)
{
    struct route_key key;
    if (way->listed && map_get(way->listed, route_key_make(&key, local)))
        return local;
    return route_without_detail(local, way->separator);
}

/* Adds what stands before the next placeholder, then its value. */
static enum err add_piece(struct buf *path, struct str *rest, struct str user, struct str domain)
{
    size_t percent = min_size(str_find(*rest, '%'), rest->len);
    enum err err = buf_add(path, str_first(*rest, percent));
    *rest = str_from(*rest, percent);
    if (err || rest->len == 0)
        return err;

    bool is_user = str_starts(*rest, STR("%{user}"));
    if (!is_user && !str_starts(*rest, STR("%{domain}")))
        return ERR_SYNTAX;
    *rest = str_from(*rest, str_find(*rest, '}') + 1);
    return add_encoded(path, is_user ? user : domain);
}

enum err route_maildir_path(const struct route_way *way, struct str address, struct arena *arena,
                            struct str *out_path)
{
    assert(way->via == ROUTE_MAILDIR);
    struct mail_address parsed;
    enum err err = mail_address_parse(arena, address, MAIL_ADDRESS_UTF8, &parsed);
    if (err)
        return err;

    struct buf path = buf_make(PATH_MAX_BYTES);
    struct str rest = way->maildir;
    struct str user = user_of(way, parsed.local);
    struct str domain = mail_domain_canonical(arena, parsed.domain);
    while (!err && rest.len)
        err = add_piece(&path, &rest, user, domain);
    if (!err)
        *out_path = arena_copy(arena, buf_str(&path));
    buf_free(&path);
    return err;
}
