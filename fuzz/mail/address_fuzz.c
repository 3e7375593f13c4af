/* Laws: print then parse is the same address; the print is never longer than what was parsed and
 * is its own print; a path takes no more than there is. A domain has one ASCII form, which is its
 * own and that of a domain too. */
#include "mail/idna.h"

#include "mail/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_domain(struct arena *arena, const struct mail_address *address)
{
    struct str ascii, again;
    enum err err = mail_domain_to_ascii(arena, address->domain, &ascii);
    assert(!err && !str_has_8bit(ascii));
    assert(address->is_literal || mail_domain_is_valid(ascii, MAIL_ADDRESS_UNDERSCORE));
    err = mail_domain_to_ascii(arena, ascii, &again);
    assert(!err && str_eq(ascii, again));
}

static void check_address(struct arena *arena, struct str text, enum mail_address_flags flags)
{
    struct mail_address address, again;
    if (mail_address_parse(arena, text, flags, &address))
        return;
    assert(address.local.len > 0 && mail_text_is_clean(address.local));
    assert(address.domain.len > 0 && mail_text_is_clean(address.domain));
    assert((flags & MAIL_ADDRESS_UTF8) || !mail_address_is_utf8(&address));
    check_domain(arena, &address);
    struct str printed = mail_address_text(arena, &address);
    assert(printed.len <= text.len && printed.len <= MAIL_ADDRESS_MAX_BYTES);
    enum err err = mail_address_parse(arena, printed, flags, &again);
    assert(!err && mail_address_eq(&address, &again));
    assert(str_eq(printed, mail_address_text(arena, &again)));
}

static void check_path(struct arena *arena, struct str text, enum mail_address_flags flags)
{
    struct mail_path path, again;
    size_t used;
    if (mail_path_parse(arena, text, flags, &path, &used))
        return;
    assert(used <= text.len && text.at[used - 1] == '>');
    struct buf buf = buf_make(512);
    enum err err = mail_path_print(&buf, &path);
    assert(!err);
    err = mail_path_parse(arena, buf_str(&buf), flags, &again, &used);
    assert(!err && used == buf.len && again.is_null == path.is_null);
    assert(path.is_null || mail_address_eq(&path.address, &again.address));
    buf_free(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    struct arena arena = arena_make();
    check_address(&arena, text, 0);
    check_address(&arena, text, MAIL_ADDRESS_UTF8);
    check_path(&arena, text, 0);
    check_path(&arena, text, MAIL_ADDRESS_UTF8 | MAIL_ADDRESS_NULL | MAIL_ADDRESS_POSTMASTER);
    arena_reset(&arena);
    return 0;
}
