/* Laws: credentials that were decoded encode to a line that decodes to the same message; identities
 * are clean. The input is taken as a line, and as a message. */
#include "smtp/sasl.h"

#include "mail/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(struct arena *arena, struct str message)
{
    struct smtp_credentials found;
    struct str line, again;
    if (smtp_sasl_plain_decode(message, &found))
        return;
    assert(found.authcid.len && found.password.len);
    assert(mail_text_is_clean(found.authcid) && mail_text_is_clean(found.authzid));
    enum err err = smtp_sasl_plain_encode(arena, &found, &line);
    assert(!err);
    err = smtp_sasl_decode(arena, line, &again);
    assert(!err && str_eq(message, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_make((const char *)data, size), bytes, again;
    struct arena arena = arena_make();
    check_message(&arena, in);
    if (smtp_sasl_decode(&arena, in, &bytes) == OK)
        check_message(&arena, bytes);
    enum err err = smtp_sasl_decode(&arena, smtp_sasl_encode(&arena, in), &again);
    assert(!err && str_eq(in, again));
    arena_reset(&arena);
    return 0;
}
