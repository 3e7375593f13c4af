/* What servers said of recipients: a yes is kept for an hour, a no for five minutes, everything
 * else for ten seconds; at most 5,000 answers of each kind, the oldest go first. Shared by all
 * loops behind a lock, held for a look into a table, so that a recipient is known on all of them or
 * on none. */
#ifndef DELIVER_CALLOUT_MEMORY_H
#define DELIVER_CALLOUT_MEMORY_H

#include "base/arena.h"
#include "mail/status.h"
#include "route/route.h"

#define CALLOUT_WORDS_MAX_BYTES 300

enum callout_verdict {
    CALLOUT_YES,
    CALLOUT_NO,      /* RCPT was refused for good */
    CALLOUT_LATER,   /* RCPT was refused for now */
    CALLOUT_UNKNOWN, /* the server could not be asked */
};

struct callout_answer {
    enum callout_verdict verdict;
    struct mail_status status; /* the server's, to RCPT; or none */
    struct str words;          /* what it said, "550 5.1.1 who?", or why it could not be asked; at
                                  most CALLOUT_WORDS_MAX_BYTES */
};

struct callout_memory;
struct callout_memory *callout_memory_new(void);
void callout_memory_free(struct callout_memory *memory);

/* An empty address stands for the server itself. The words live in `arena`. */
bool callout_memory_find(struct callout_memory *memory, const struct route_way *way,
                         struct str address, uint64_t now_ms, struct arena *arena,
                         struct callout_answer *out_answer);
/* Replaces what was kept of it. */
void callout_memory_keep(struct callout_memory *memory, const struct route_way *way,
                         struct str address, uint64_t now_ms, const struct callout_answer *answer);

#endif
