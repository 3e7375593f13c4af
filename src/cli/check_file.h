/* What `check dkim` and `check arc` share: a message in a file, or on standard input, goes once
 * past an observer, which then judges it with the signers' keys. */
#ifndef CLI_CHECK_FILE_H
#define CLI_CHECK_FILE_H

#include "verify/dkim_keys.h"
#include "verify/message.h"

struct check_file {
    const char *command; /* "check dkim" */
    const char *help;
    /* Before the message is read; what it returns is given to `judge`. */
    void *(*observe)(struct verify_message *message);
    /* After the message's end: prints the verdict. Errors: ERR_CANCELLED. */
    MAY_YIELD enum err (*judge)(void *observer, struct dkim_keys *keys, int64_t now_s,
                                struct arena *arena, bool as_json);
};

/* The whole command; returns its exit status. */
int check_file_run(const struct check_file *check, int argc, char **argv);

#endif
