#include "mail/utf8.h"

/* By its first byte: how many follow, and what the second may be, which is where overlong forms,
 * surrogates and what lies beyond U+10FFFF are told apart. */
static const struct {
    uint8_t first, last;
    uint8_t more;
    uint8_t low, high;
} starts[] = {
    {0x00, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

static void start(struct mail_utf8 *utf8, uint8_t byte)
{
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        if (byte < starts[i].first || byte > starts[i].last)
            continue;
        utf8->missing = starts[i].more;
        utf8->low = starts[i].low;
        utf8->high = starts[i].high;
        return;
    }
    utf8->is_broken = true;
}

static void go_on(struct mail_utf8 *utf8, uint8_t byte)
{
    utf8->is_broken = byte < utf8->low || byte > utf8->high;
    utf8->missing--;
    utf8->low = 0x80;
    utf8->high = 0xbf;
}

void mail_utf8_add(struct mail_utf8 *utf8, struct str bytes)
{
    for (size_t i = 0; i < bytes.len && !utf8->is_broken; i++) {
        uint8_t byte = (uint8_t)bytes.at[i];
        if (utf8->missing)
            go_on(utf8, byte);
        else
            start(utf8, byte);
    }
}
