/* The control socket: commands of the same machine ask and steer the running server. One request,
 * one answer, each a JSON object on a line:
 *
 *   {"command": "queue.list", "domain": "example.org", "limit": 1000}
 *   {"ok": true, "recipients": [...]}          {"ok": false, "error": "no message ABC"}
 *
 * Only root and the engine's own user are heard. */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include "net/network.h"
#include "queue/queue.h"
#include "spool/spool.h"
#include "trace/trace.h"

struct control {
    struct queue *queue;
    struct spool *spool;
    struct trace *trace;
    struct blocking_pool *files; /* where stories are read */
    struct clock *clock;
};

/* Answers one request and closes the stream. */
MAY_YIELD void control_session(const struct control *control, struct stream *stream);

#endif
