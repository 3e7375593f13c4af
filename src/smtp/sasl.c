#include "smtp/sasl.h"

#include "base/encode.h"
#include "mail/text.h"

enum err smtp_sasl_decode(struct arena *arena, struct str line, struct str *out_bytes)
{
    if (str_eq(line, STR("*")))
        return ERR_CANCELLED;
    if (str_eq(line, STR("="))) {
        *out_bytes = STR_EMPTY;
        return OK;
    }
    return base64_decode(arena, line, out_bytes);
}

struct str smtp_sasl_encode(struct arena *arena, struct str bytes)
{
    return bytes.len ? base64_encode(arena, bytes) : STR("=");
}

/* Identities are looked up, logged and compared: no controls in them. A password is only hashed. */
static enum err check_field(struct str field, bool is_password)
{
    if (field.len > SMTP_SASL_FIELD_MAX_BYTES)
        return ERR_LIMIT;
    bool is_good = is_password ? str_is_utf8(field) && str_find(field, '\0') == SIZE_MAX
                               : mail_text_is_clean(field);
    return is_good ? OK : ERR_SYNTAX;
}

enum err smtp_sasl_plain_decode(struct str message, struct smtp_credentials *out_credentials)
{
    struct smtp_credentials found;
    struct str rest;
    if (!str_cut(message, '\0', &found.authzid, &rest) ||
        !str_cut(rest, '\0', &found.authcid, &found.password))
        return ERR_SYNTAX;
    if (found.authcid.len == 0 || found.password.len == 0)
        return ERR_SYNTAX;
    enum err err = check_field(found.authzid, false);
    if (!err)
        err = check_field(found.authcid, false);
    if (!err)
        err = check_field(found.password, true);
    if (err)
        return err;
    *out_credentials = found;
    return OK;
}

enum err smtp_sasl_plain_encode(struct arena *arena, const struct smtp_credentials *credentials,
                                struct str *out_line)
{
    const struct str parts[] = {credentials->authzid, credentials->authcid, credentials->password};
    size_t len = 2;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (str_find(parts[i], '\0') != SIZE_MAX)
            return ERR_SYNTAX;
        len += parts[i].len;
    }
    char *message = arena_zalloc(arena, len);
    char *to = message;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].len)
            memcpy(to, parts[i].at, parts[i].len);
        to += parts[i].len + 1;
    }
    *out_line = base64_encode(arena, str_make(message, len));
    return OK;
}

enum err smtp_sasl_login_check(struct str response, bool is_password)
{
    return response.len ? check_field(response, is_password) : ERR_SYNTAX;
}
