/* Laws: the attributes are understood, or a fault with a printable text says why not; what is kept
 * is printable ASCII, and an address is that of an IP host. */
#include "smtp/xclient.h"

#include "mail/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct str text) { assert(mail_text_is_clean(text) && !str_has_8bit(text)); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make();
    struct smtp_xclient xclient;
    struct smtp_fault fault;
    if (smtp_xclient_parse(&arena, str_make((const char *)data, size), &xclient, &fault) == OK) {
        check_text(xclient.helo);
        check_text(xclient.login);
        assert(!xclient.has_address || !xclient.is_address_unknown);
        assert(!xclient.has_address || net_address_client_key(&xclient.address).len != 5);
    } else {
        assert(fault.code == 501 && fault.text[0] != '\0');
        check_text(fault.subject);
    }
    arena_reset(&arena);
    return 0;
}
