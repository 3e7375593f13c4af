/* The parent: holds the lock, the listening sockets and the control socket, reads configuration and
 * keys, and keeps one engine running.
 *
 *            fork              killed, crashed
 *   start ─────────▶ engine ─────────────────────▶ back off 1 s … 60 s ──▶ fork again
 *                     │  ▲
 *             SIGHUP  │  │ the old one has ended: fork with the new configuration
 *                     ▼  │
 *                   draining ──SIGTERM──▶ exit 0
 *
 * It is small, has one thread, and never reads what a peer wrote. */
#ifndef SERVER_PARENT_H
#define SERVER_PARENT_H

#include "server/source.h"

/* Runs the server until it is told to stop. Returns the exit status: 0 after SIGTERM or SIGINT, 1
 * when it could not start, 2 when the configuration has mistakes. */
int parent_run(const struct server_source *source);

#endif
