/* Each line of an SMTP conversation in plain words, for those who learn. Pure. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "base/arena.h"

/* What the client's command, or the server's reply (with `from_server`), means. Empty: nothing to
 * say. */
struct str explain_line(struct arena *arena, bool from_server, struct str line);

#endif
