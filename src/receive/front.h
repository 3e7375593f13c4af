/* Who the client is when somebody stands before it: a load balancer that begins with a PROXY header
 * (net/proxy.h), or a proxy that says XCLIENT (smtp/xclient.h). Internal to receive/.
 *
 * Only whom the service names is believed. From then on the client is who it was said to be, for
 * everything: the limits, the right to relay, traces, Received fields, SPF. */
#ifndef RECEIVE_FRONT_H
#define RECEIVE_FRONT_H

#include "receive/session.h"

/* As whose a new connection counts. Who stands before others is not limited by the connections of
 * one address, nor is a user of this host by those of another. */
struct gate_key front_key_of(const struct receive_service *service, const struct stream *stream);

/* The first act of a session: waits for the PROXY header where one must come, and finds out whether
 * XCLIENT may. ERR_CLOSED: there is nothing to say, or it was said. */
MUST_CHECK MAY_YIELD enum err front_meet(struct session *session);

#endif
