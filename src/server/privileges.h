/* Who the engine is: started as root it becomes another user before its threads start; started as
 * anyone else it stays who it is. */
#ifndef SERVER_PRIVILEGES_H
#define SERVER_PRIVILEGES_H

#include "base/err.h"

#include <sys/types.h>

struct privileges {
    uid_t uid;
    gid_t gid;
    bool change; /* we are root and this is somebody else */
};

/* ERR_NOT_FOUND: we are root and there is no such user. "root" means to stay root. */
MUST_CHECK enum err privileges_find(const char *user, struct privileges *out_privileges);
/* For good: group, supplementary groups, user; no new privileges ever after. */
MUST_CHECK enum err privileges_drop(const struct privileges *privileges);

#endif
