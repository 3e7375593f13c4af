/* Asking people for a password. */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include "base/err.h"
#include "receive/accounts.h"

struct password {
    char at[ACCOUNT_PASSWORD_MAX_BYTES + 1]; /* terminated */
    size_t len;
};

static inline struct str password_str(const struct password *password)
{
    return str_make(password->at, password->len);
}
void password_wipe(struct password *password);

/* Both write *out_password only on success, never empty, and else set *out_problem to what is wrong
 * and what to do. */

/* Asks twice on the terminal, without echo. Ctrl-C ends the process with the terminal restored. */
MUST_CHECK enum err password_ask(struct password *out_password, const char **out_problem);
/* The first line of standard input, without its line end. */
MUST_CHECK enum err password_read_stdin(struct password *out_password, const char **out_problem);

#endif
