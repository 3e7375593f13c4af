/* Text that came from elsewhere and goes into replies, logs, traces and reports. */
#ifndef MAIL_TEXT_H
#define MAIL_TEXT_H

#include "base/arena.h"

/* True when it holds no control character (US-ASCII, DEL, or C1 in UTF-8) and is UTF-8. */
bool mail_text_is_clean(struct str text);

/* A copy of the same length in which each byte that makes it unclean is `?`: controls, and in text
 * that is not UTF-8 every 8-bit byte. */
struct str mail_text_clean(struct arena *arena, struct str text);

#endif
