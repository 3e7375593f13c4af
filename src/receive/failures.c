#include "receive/failures.h"

#include "base/mem.h"

struct failure {
    struct list in_oldest;
    uint64_t began_ms; /* with the first of `count` */
    uint32_t count;
    uint8_t key_len;
    char key[16];
};

void failures_init(struct failures *failures)
{
    failures->by_key = map_make();
    list_init(&failures->oldest);
}

static void forget(struct failures *failures, struct failure *failure)
{
    map_remove(&failures->by_key, str_make(failure->key, failure->key_len));
    list_remove(&failure->in_oldest);
    mem_free(failure);
}

static struct failure *oldest(const struct failures *failures)
{
    return list_is_empty(&failures->oldest)
               ? NULL
               : CONTAINER_OF(failures->oldest.next, struct failure, in_oldest);
}

void failures_done(struct failures *failures)
{
    struct failure *failure;
    while ((failure = oldest(failures)))
        forget(failures, failure);
    map_done(&failures->by_key);
}

static bool is_over(const struct failure *failure, uint64_t now_ms)
{
    return now_ms - failure->began_ms >= FAILURES_FOR_MS;
}

static void make_room(struct failures *failures, uint64_t now_ms)
{
    struct failure *failure;
    while ((failure = oldest(failures)) &&
           (is_over(failure, now_ms) || failures->by_key.count >= FAILURES_TABLE_MAX))
        forget(failures, failure);
}

static struct failure *begin(struct failures *failures, struct str key, uint64_t now_ms)
{
    struct failure *failure = NEW(struct failure);
    assert(key.len <= sizeof failure->key);
    failure->began_ms = now_ms;
    failure->key_len = (uint8_t)key.len;
    memcpy(failure->key, key.at, key.len);
    map_set(&failures->by_key, str_make(failure->key, failure->key_len), failure);
    list_push_back(&failures->oldest, &failure->in_oldest);
    return failure;
}

void failures_add(struct failures *failures, struct str key, uint64_t now_ms)
{
    make_room(failures, now_ms);
    struct failure *failure = map_get(&failures->by_key, key);
    if (!failure)
        failure = begin(failures, key, now_ms);
    failure->count++;
}

bool failures_are_too_many(const struct failures *failures, struct str key, uint64_t now_ms)
{
    const struct failure *failure = map_get(&failures->by_key, key);
    return failure && !is_over(failure, now_ms) && failure->count >= FAILURES_MAX;
}
