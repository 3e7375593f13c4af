#include "server/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

enum err privileges_find(const char *user, struct privileges *out_privileges)
{
    *out_privileges = (struct privileges){.uid = geteuid(), .gid = getegid()};
    if (geteuid() != 0)
        return OK;
    const struct passwd *entry = getpwnam(user);
    if (!entry)
        return ERR_NOT_FOUND;
    out_privileges->uid = entry->pw_uid;
    out_privileges->gid = entry->pw_gid;
    out_privileges->change = entry->pw_uid != 0;
    return OK;
}

enum err privileges_drop(const struct privileges *privileges)
{
    if (privileges->change) {
        if (setgroups(0, NULL) != 0 ||
            setresgid(privileges->gid, privileges->gid, privileges->gid) != 0 ||
            setresuid(privileges->uid, privileges->uid, privileges->uid) != 0)
            return err_from_errno(errno);
        assert(setuid(0) != 0); /* there is no way back */
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_from_errno(errno);
    return OK;
}
