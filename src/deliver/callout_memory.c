#include "deliver/callout_memory.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>

#define KEPT_MAX 5000
#define SECOND   1000u
#define VERDICTS (CALLOUT_UNKNOWN + 1)

static const uint32_t keep_ms[VERDICTS] = {
    [CALLOUT_YES] = 3600 * SECOND,
    [CALLOUT_NO] = 300 * SECOND,
    [CALLOUT_LATER] = 10 * SECOND,
    [CALLOUT_UNKNOWN] = 10 * SECOND,
};

/* Its texts stand behind it. */
struct kept {
    struct list link; /* on the shelf of its verdict */
    struct str key;
    struct callout_answer answer;
    uint64_t until_ms;
};

struct callout_memory {
    pthread_mutex_t lock; /* of all that follows */
    struct map answers;
    struct shelf {
        struct list answers; /* the oldest first */
        size_t count;
    } shelves[VERDICTS];
};

struct callout_memory *callout_memory_new(void)
{
    struct callout_memory *memory = NEW(struct callout_memory);
    pthread_mutex_init(&memory->lock, NULL);
    for (size_t i = 0; i < VERDICTS; i++)
        list_init(&memory->shelves[i].answers);
    return memory;
}

/* Neither the name of a way nor an address holds a line end. */
static struct str key_of(const struct route_way *way, struct str address, struct arena *arena)
{
    return arena_printf(arena, "%.*s\n%.*s", STR_FMT(way->name), STR_FMT(address));
}

/* ---- under the lock ---- */

static void forget(struct callout_memory *memory, struct kept *kept)
{
    map_remove(&memory->answers, kept->key);
    list_remove(&kept->link);
    memory->shelves[kept->answer.verdict].count--;
    mem_free(kept);
}

static struct kept *oldest(const struct shelf *shelf)
{
    return CONTAINER_OF(shelf->answers.next, struct kept, link);
}

/* All on one shelf are kept for the same time, so that they end in the order of the shelf. */
static void shelve(struct callout_memory *memory, struct kept *kept, uint64_t now_ms)
{
    struct shelf *shelf = &memory->shelves[kept->answer.verdict];
    map_set(&memory->answers, kept->key, kept);
    list_push_back(&shelf->answers, &kept->link);
    shelf->count++;
    while (shelf->count > KEPT_MAX || oldest(shelf)->until_ms <= now_ms)
        forget(memory, oldest(shelf));
}

static struct kept *find(struct callout_memory *memory, struct str key, uint64_t now_ms)
{
    struct kept *kept = map_get(&memory->answers, key);
    return kept && kept->until_ms > now_ms ? kept : NULL;
}

/* ---- outside ---- */

void callout_memory_free(struct callout_memory *memory)
{
    for (size_t i = 0; i < VERDICTS; i++)
        while (memory->shelves[i].count)
            forget(memory, oldest(&memory->shelves[i]));
    map_done(&memory->answers);
    pthread_mutex_destroy(&memory->lock);
    mem_free(memory);
}

bool callout_memory_find(struct callout_memory *memory, const struct route_way *way,
                         struct str address, uint64_t now_ms, struct arena *arena,
                         struct callout_answer *out_answer)
{
    struct str key = key_of(way, address, arena);
    pthread_mutex_lock(&memory->lock);
    const struct kept *kept = find(memory, key, now_ms);
    if (kept) {
        *out_answer = kept->answer;
        out_answer->words = arena_copy(arena, kept->answer.words);
    }
    pthread_mutex_unlock(&memory->lock);
    return kept;
}

static struct kept *kept_new(struct str key, const struct callout_answer *answer, uint64_t now_ms)
{
    struct str words = str_first(answer->words, CALLOUT_WORDS_MAX_BYTES);
    struct kept *kept = mem_alloc(sizeof *kept + key.len + words.len);
    char *text = (char *)(kept + 1);
    memcpy(text, key.at, key.len);
    if (words.len)
        memcpy(text + key.len, words.at, words.len);
    *kept = (struct kept){
        .key = str_make(text, key.len),
        .answer = {answer->verdict, answer->status, str_make(text + key.len, words.len)},
        .until_ms = now_ms + keep_ms[answer->verdict],
    };
    return kept;
}

void callout_memory_keep(struct callout_memory *memory, const struct route_way *way,
                         struct str address, uint64_t now_ms, const struct callout_answer *answer)
{
    struct arena arena = arena_make();
    struct str key = key_of(way, address, &arena);
    struct kept *kept = kept_new(key, answer, now_ms);
    pthread_mutex_lock(&memory->lock);
    struct kept *before = map_get(&memory->answers, key);
    if (before)
        forget(memory, before);
    shelve(memory, kept, now_ms);
    pthread_mutex_unlock(&memory->lock);
    arena_reset(&arena);
}
