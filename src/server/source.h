/* Where a server's configuration comes from: a file, or the sandbox's own. */
#ifndef SERVER_SOURCE_H
#define SERVER_SOURCE_H

#include "server/config.h"

struct server_source {
    const char *config_file;       /* `serve -c FILE` */
    const char *sandbox_directory; /* or a sandbox */
};

/* Reads and checks it; every problem goes to standard error as one line. ERR_SYNTAX when there are
 * mistakes. For a sandbox, makes its directory, certificate and account first. */
MUST_CHECK enum err server_source_load(const struct server_source *source, struct arena *arena,
                                       struct config **out_config);

#endif
