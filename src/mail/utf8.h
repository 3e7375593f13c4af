/* Whether bytes that come in pieces are UTF-8 (RFC 3629).
 *
 * Law: whatever the pieces, the answer is that of str_is_utf8 on the whole. */
#ifndef MAIL_UTF8_H
#define MAIL_UTF8_H

#include "base/str.h"

struct mail_utf8 {
    /* private: */
    uint8_t missing;   /* bytes of the character under way */
    uint8_t low, high; /* what the next of them may be */
    bool is_broken;
};

static inline struct mail_utf8 mail_utf8_make(void) { return (struct mail_utf8){0}; }
void mail_utf8_add(struct mail_utf8 *utf8, struct str bytes);
/* Of all bytes so far. */
static inline bool mail_utf8_holds(const struct mail_utf8 *utf8)
{
    return !utf8->is_broken && utf8->missing == 0;
}

#endif
