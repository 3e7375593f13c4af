/* Laws: decoded text is printable ASCII, and encodes to what decodes to it; an original recipient
 * prints to what parses to it. */
#include "smtp/xtext.h"

#include "mail/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_xtext(struct arena *arena, struct str text)
{
    struct buf buf = buf_make(1 << 20);
    struct str bytes, again;
    if (smtp_xtext_decode(arena, text, &bytes) == OK) {
        assert(mail_text_is_clean(bytes) && !str_has_8bit(bytes));
        enum err err = smtp_xtext_encode(&buf, bytes);
        assert(!err);
        err = smtp_xtext_decode(arena, buf_str(&buf), &again);
        assert(!err && str_eq(bytes, again));
    }
    buf_free(&buf);
}

static void check_orcpt(struct arena *arena, struct str text, bool utf8)
{
    struct smtp_orcpt orcpt, again;
    if (smtp_orcpt_parse(arena, text, utf8, &orcpt))
        return;
    struct buf buf = buf_make(1 << 12);
    assert(mail_text_is_clean(orcpt.type) && mail_text_is_clean(orcpt.address));
    enum err err = smtp_orcpt_print(&buf, &orcpt);
    assert(!err && buf.len <= text.len);
    err = smtp_orcpt_parse(arena, buf_str(&buf), utf8, &again);
    assert(!err && str_eq(orcpt.type, again.type) && str_eq(orcpt.address, again.address));
    buf_free(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    struct arena arena = arena_make();
    check_xtext(&arena, text);
    check_orcpt(&arena, text, false);
    check_orcpt(&arena, text, true);
    arena_reset(&arena);
    return 0;
}
