/* `sendmail -bs`: the conversation on standard input and output, by the server behind the submit
 * socket. */
#ifndef CLI_BRIDGE_H
#define CLI_BRIDGE_H

#include "base/defs.h"

/* Carries bytes between standard input and output and `fd`, a connected socket that it closes,
 * until the server ends. LF alone becomes CRLF on the way to the server, since what speaks on a
 * pipe often writes lines that way. False when the connection broke. */
bool bridge_run(int fd);

#endif
