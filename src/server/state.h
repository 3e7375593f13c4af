/* The state directory: made by the parent, owned by the engine's user.
 *
 *   lock            one server at a time
 *   control.sock    commands, mode 0600
 *   submit.sock     mail from programs of this host, open to all
 *   spool/          messages and envelopes
 *   trace/          their stories
 *   srs.key         the secret of rewritten senders (server/secret.h), mode 0600
 *   in-flight       what was being worked on, for the next engine after a crash */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include "base/arena.h"
#include "base/err.h"
#include "server/privileges.h"

/* Makes the directory, 0711 so that everybody finds submit.sock, and those in it, 0700, and gives
 * them to the engine's user. Logs what fails. */
MUST_CHECK enum err state_prepare(const char *directory, const struct privileges *privileges);
/* Listens on control.sock; a socket left behind by a dead server is replaced (the lock is ours). */
MUST_CHECK enum err state_open_control(const char *directory, const struct privileges *privileges,
                                       int *out_fd);
/* The sockets of `sendmail`, at most two: submit.sock; and STATE_RUN_SUBMIT where its directory is
 * there (made by who starts the server) and no other server has it. */
#define STATE_RUN_SUBMIT   "/run/postrider/submit"
#define STATE_SUBMIT_COUNT 2
MUST_CHECK enum err state_open_submit(const char *directory, int out_fds[STATE_SUBMIT_COUNT],
                                      size_t *out_count);
/* The control socket, and so many of the submit sockets. */
void state_remove_sockets(const char *directory, size_t submit_count);
/* "DIRECTORY/name" */
struct str state_path(struct arena *arena, struct str directory, const char *name);

#endif
