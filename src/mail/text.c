#include "mail/text.h"

/* U+0080 to U+009F are C2 80 to C2 9F. */
static bool is_c1_at(struct str text, size_t i)
{
    return i + 1 < text.len && (unsigned char)text.at[i] == 0xc2 &&
           (unsigned char)text.at[i + 1] < 0xa0;
}

bool mail_text_is_clean(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (char_is_control(text.at[i]) || is_c1_at(text, i))
            return false;
    return str_is_utf8(text);
}

struct str mail_text_clean(struct arena *arena, struct str text)
{
    bool is_utf8 = str_is_utf8(text);
    char *clean = arena_alloc(arena, text.len);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_bad = char_is_control(c) || (char_is_8bit(c) && !is_utf8) || is_c1_at(text, i) ||
                      (i > 0 && is_c1_at(text, i - 1));
        clean[i] = is_bad ? '?' : c;
    }
    return str_make(clean, text.len);
}
