/* Failed logins, by whom: a table that forgets. Within ten minutes somebody has twenty, which
 * leaves room for the forgotten telephones of an office behind one address, and little for
 * guessing. Not for several threads: the gate has a lock for it. Internal to receive/. */
#ifndef RECEIVE_FAILURES_H
#define RECEIVE_FAILURES_H

#include "base/list.h"
#include "base/map.h"

#define FAILURES_MAX       20
#define FAILURES_FOR_MS    (10 * 60 * 1000)
#define FAILURES_TABLE_MAX 20000 /* then the oldest are forgotten sooner */

struct failures {
    struct map by_key;  /* struct failure */
    struct list oldest; /* the same, by the time they began */
};

void failures_init(struct failures *failures);
void failures_done(struct failures *failures);
/* `key`: at most 16 bytes. */
void failures_add(struct failures *failures, struct str key, uint64_t now_ms);
bool failures_are_too_many(const struct failures *failures, struct str key, uint64_t now_ms);

#endif
