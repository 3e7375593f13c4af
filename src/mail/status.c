#include "mail/status.h"

/* Takes ".ddd": one to three digits without a leading zero (RFC 3463 section 2). */
static bool take_number(struct str *rest, uint16_t *out_number)
{
    if (rest->len == 0 || rest->at[0] != '.')
        return false;
    size_t end = 1;
    while (end < rest->len && char_is_digit(rest->at[end]))
        end++;
    struct str digits = str_from(str_first(*rest, end), 1);
    uint64_t value;
    if (!str_to_u64(digits, 999, &value) || (digits.at[0] == '0' && digits.len > 1))
        return false;
    *rest = str_from(*rest, end);
    *out_number = (uint16_t)value;
    return true;
}

enum err mail_status_parse(struct str text, struct mail_status *out_status, size_t *out_used)
{
    if (text.len == 0 || (text.at[0] != '2' && text.at[0] != '4' && text.at[0] != '5'))
        return ERR_SYNTAX;
    struct mail_status status = {.class = (uint8_t)(text.at[0] - '0')};
    struct str rest = str_from(text, 1);
    if (!take_number(&rest, &status.subject) || !take_number(&rest, &status.detail))
        return ERR_SYNTAX;
    if (rest.len && !char_is_wsp(rest.at[0]))
        return ERR_SYNTAX;
    *out_status = status;
    *out_used = text.len - rest.len;
    return OK;
}

enum err mail_status_print(struct buf *buf, struct mail_status status)
{
    assert(mail_status_is_set(status));
    return buf_printf(buf, "%u.%u.%u", status.class, status.subject, status.detail);
}
