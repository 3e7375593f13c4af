/* A message that is in memory, given to a server. */
#ifndef CLI_CLIENT_MESSAGE_H
#define CLI_CLIENT_MESSAGE_H

#include "deliver/client.h"

/* Behind a 354: gathers the message, which has CRLF line ends, and the dot that ends it. ERR_SYNTAX
 * when it has others; then the conversation cannot go on. */
MUST_CHECK MAY_YIELD enum err client_write_message(struct smtp_client *client, struct str message);

#endif
