/* The operator's log: one line per event on standard error, for journald and people. An event is
 * logged once, where it is handled; libraries return errors and stay silent. What peers wrote is
 * escaped, so that no line can be forged. The level is set once, before threads start. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Default LOG_INFO. `out_fd` is standard error unless tests redirect it. */
void log_init(enum log_level level, int out_fd);
bool log_wants(enum log_level level);

/* Writes "TIME level area: text". `area` is the room: "spool", "deliver". At most 1,000 bytes of
 * text, one write(2). Control bytes, C1 controls in UTF-8 and 8-bit bytes that are not UTF-8 become
 * \xNN. */
void log_event(enum log_level level, const char *area, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
