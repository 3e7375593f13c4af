#include "queue/words.h"

#include "base/mem.h"

#define TEXTS_MAX 32768

struct queue_words_entry {
    uint32_t uses; /* 0: free, and next_free counts */
    uint32_t handle;
    uint32_t next_free;
    uint32_t len;
    char text[];
};

/* At most `max` bytes, without half a character of UTF-8 at the end. */
static struct str cut(struct str text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max && ((unsigned char)text.at[max] & 0xc0) == 0x80)
        max--;
    return str_first(text, max);
}

static struct queue_words_entry *entry_of(const struct queue_words *words, uint32_t handle)
{
    assert(handle && handle <= words->count && words->entries[handle - 1]);
    return words->entries[handle - 1];
}

void queue_words_done(struct queue_words *words)
{
    for (uint32_t i = 0; i < words->count; i++)
        mem_free(words->entries[i]);
    mem_free(words->entries);
    map_done(&words->by_text);
    *words = (struct queue_words){0};
}

/* A slot of the table for a new entry; 0 when it is full. */
static uint32_t take_handle(struct queue_words *words)
{
    uint32_t handle = words->free_handle;
    if (handle) {
        struct queue_words_entry *entry = entry_of(words, handle);
        words->free_handle = entry->next_free;
        words->memory_bytes -= sizeof *entry;
        mem_free(entry);
        return handle;
    }
    if (words->count == TEXTS_MAX)
        return 0;
    if (words->count == words->cap) {
        words->cap = words->cap ? words->cap * 2 : 64;
        words->entries = mem_grow(words->entries, words->cap * sizeof(struct queue_words_entry *));
    }
    return ++words->count;
}

uint32_t queue_words_take(struct queue_words *words, struct str text)
{
    text = cut(text, QUEUE_WORDS_BYTES_MAX);
    if (text.len == 0)
        return 0;
    struct queue_words_entry *entry = map_get(&words->by_text, text);
    if (entry) {
        entry->uses++;
        return entry->handle;
    }
    uint32_t handle = take_handle(words);
    if (!handle)
        return 0;
    entry = mem_alloc(sizeof *entry + text.len);
    *entry = (struct queue_words_entry){.uses = 1, .handle = handle, .len = (uint32_t)text.len};
    memcpy(entry->text, text.at, text.len);
    words->entries[handle - 1] = entry;
    words->memory_bytes += sizeof *entry + text.len;
    map_set(&words->by_text, str_make(entry->text, entry->len), entry);
    return handle;
}

uint32_t queue_words_share(struct queue_words *words, uint32_t handle)
{
    if (handle)
        entry_of(words, handle)->uses++;
    return handle;
}

void queue_words_drop(struct queue_words *words, uint32_t handle)
{
    if (!handle)
        return;
    struct queue_words_entry *entry = entry_of(words, handle);
    assert(entry->uses);
    if (--entry->uses)
        return;
    map_remove(&words->by_text, str_make(entry->text, entry->len));
    words->memory_bytes -= entry->len;
    entry = words->entries[handle - 1] = mem_grow(entry, sizeof *entry);
    entry->next_free = words->free_handle;
    words->free_handle = handle;
}

struct str queue_words_text(const struct queue_words *words, uint32_t handle)
{
    if (!handle)
        return STR_EMPTY;
    const struct queue_words_entry *entry = entry_of(words, handle);
    return str_make(entry->text, entry->len);
}
