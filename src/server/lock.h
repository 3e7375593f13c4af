/* `state/lock`: one server for one state directory. Taken before anything else is touched; held, by
 * the open descriptor, as long as the parent or its engine lives. */
#ifndef SERVER_LOCK_H
#define SERVER_LOCK_H

#include "base/err.h"

#include <sys/types.h>

/* OK: *out_fd keeps the lock until it is closed in all processes. ERR_BUSY: *out_holder is the pid
 * of the server that has it. When that process is gone and only its engine still ends, waits for
 * it, up to 5 s. */
MUST_CHECK enum err server_lock_take(const char *state_directory, int *out_fd, pid_t *out_holder);

#endif
