/* What may be kept of a client's line in logs and traces. */
#ifndef SMTP_REDACT_H
#define SMTP_REDACT_H

#include "base/arena.h"

/* The line (without CRLF) as it may be kept: the argument of AUTH behind a mechanism we know is
 * `<redacted>`, and so is a line that is no command at all, since clients send their password as
 * the next "command" when AUTH was refused. Controls and bytes that are not UTF-8 become `?`.
 * AUTH's continuation lines must not come here; the session keeps them out. */
struct str smtp_command_redact(struct arena *arena, struct str line);

#endif
