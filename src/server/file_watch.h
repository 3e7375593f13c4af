/* Notices that files have changed, by looking: replaced, renamed, reached through another symbolic
 * link, on whatever file system. */
#ifndef SERVER_FILE_WATCH_H
#define SERVER_FILE_WATCH_H

#include "base/str.h"

struct file_watch {
    const struct str *paths; /* borrowed; each followed by a NUL */
    size_t count;
    uint64_t seen;  /* what the last look saw, in a number */
    uint64_t taken; /* what was reported last; 0: nothing yet */
};

/* The first change is reported whatever there is: who has read the files before need not know when
 * exactly. */
struct file_watch file_watch_make(const struct str *paths, size_t count);
/* True once for each change, when two looks have seen the same: what is written in several steps,
 * or in several files, is likely to be whole by then. */
bool file_watch_look(struct file_watch *watch);

#endif
