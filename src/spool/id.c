#include "spool/envelope.h"

#define TEXT_BITS (5 * SPOOL_ID_TEXT_LEN)

static const char digits[32] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct spool_id_text spool_id_print(spool_id id)
{
    assert(id >> TEXT_BITS == 0); /* until the year 2112 */
    struct spool_id_text text = {0};
    for (size_t i = SPOOL_ID_TEXT_LEN; i-- > 0; id >>= 5)
        text.at[i] = digits[id & 31];
    return text;
}

bool spool_id_parse(struct str text, spool_id *out_id)
{
    if (text.len != SPOOL_ID_TEXT_LEN)
        return false;
    spool_id id = 0;
    for (size_t i = 0; i < text.len; i++) {
        size_t digit = str_find(str_make(digits, sizeof digits), char_upper(text.at[i]));
        if (digit == SIZE_MAX)
            return false;
        id = id << 5 | digit;
    }
    *out_id = id;
    return true;
}

int64_t spool_id_wall_us(spool_id id) { return (int64_t)(id >> 8); }
