/* Laws: what was read is printed, and then read as the same. */
#include "smtp/extensions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool are_equal(const struct smtp_extensions *a, const struct smtp_extensions *b)
{
    return a->pipelining == b->pipelining && a->eight_bit_mime == b->eight_bit_mime &&
           a->binary_mime == b->binary_mime && a->smtputf8 == b->smtputf8 &&
           a->chunking == b->chunking && a->starttls == b->starttls && a->dsn == b->dsn &&
           a->enhanced_status_codes == b->enhanced_status_codes && a->requiretls == b->requiretls &&
           a->xclient == b->xclient && a->has_size == b->has_size && a->size == b->size &&
           a->auth == b->auth && a->rcpt_max == b->rcpt_max && a->mail_max == b->mail_max &&
           a->rcpt_domain_max == b->rcpt_domain_max && str_eq(a->home, b->home);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_reply reply;
    size_t used;
    if (smtp_reply_parse(str_make((const char *)data, size), &reply, &used))
        return 0;
    struct smtp_extensions found = smtp_extensions_parse(&reply), again;
    struct buf buf = buf_make(8192);
    enum err err = smtp_extensions_print(&buf, &found, STR("mx.example.org"));
    assert(!err);
    err = smtp_reply_parse(buf_str(&buf), &reply, &used);
    assert(!err && used == buf.len);
    again = smtp_extensions_parse(&reply);
    assert(are_equal(&found, &again));
    buf_free(&buf);
    return 0;
}
