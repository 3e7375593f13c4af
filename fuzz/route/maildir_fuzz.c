/* Laws of mailbox paths: whatever the address, the path has the shape of its template, no component
 * begins with a dot, all bytes are plain; and the name can be read back from it, so that two
 * mailboxes never share a directory. */
#include "mail/idna.h"
#include "route/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int hex_value(char c) { return char_is_digit(c) ? c - '0' : c - 'A' + 10; }

static struct str decode(struct arena *arena, struct str name)
{
    char *plain = arena_alloc(arena, name.len);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        bool is_escape = name.at[i] == '%';
        assert(!is_escape || i + 2 < name.len);
        plain[len++] = is_escape
                           ? (char)(hex_value(name.at[i + 1]) * 16 + hex_value(name.at[i + 2]))
                           : name.at[i];
        i += is_escape ? 2 : 0;
    }
    return str_make(plain, len);
}

static void check_component(struct str name)
{
    assert(name.len > 0 && name.at[0] != '.');
    for (size_t i = 0; i < name.len; i++)
        assert(char_is_alnum(name.at[i]) || memchr("._+=-%", name.at[i], 6));
}

static void check_path(struct arena *arena, struct str path, const struct mail_address *address)
{
    struct str domain, user;
    assert(str_starts(path, STR("/m/")) && str_find(path, '\0') == SIZE_MAX);
    assert(str_cut(str_from(path, 3), '/', &domain, &user));
    check_component(domain);
    check_component(user);
    assert(str_eq(decode(arena, domain), mail_domain_canonical(arena, address->domain)));

    struct str whole = mail_domain_lower(arena, address->local);
    struct str name = decode(arena, user);
    assert(str_starts(whole, name));
    assert(name.len == whole.len || whole.at[name.len] == '+');
    assert(str_find(str_from(name, 1), '+') == SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct str text = str_make((const char *)data, size);
    struct route_way way = {
        .via = ROUTE_MAILDIR, .maildir = STR("/m/%{domain}/%{user}"), .separator = '+'};
    struct mail_address address;
    struct str path;
    bool is_address = mail_address_parse(&arena, text, MAIL_ADDRESS_UTF8, &address) == OK;
    bool has_path = route_maildir_path(&way, text, &arena, &path) == OK;
    assert(is_address == has_path);
    if (has_path)
        check_path(&arena, path, &address);
    arena_reset(&arena);
    return 0;
}
