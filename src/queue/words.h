/* Why recipients wait, in words: replies of remote servers, cut at 200 bytes. Many recipients wait
 * for the same reason, so each text is kept once and counted; when there are too many different
 * ones, further ones are not kept, and only the class of the reason is known. */
#ifndef QUEUE_WORDS_H
#define QUEUE_WORDS_H

#include "base/map.h"

#define QUEUE_WORDS_BYTES_MAX 200

struct queue_words {
    struct map by_text;
    struct queue_words_entry **entries; /* by handle - 1; NULL: free */
    uint32_t count;                     /* of entries, free ones included */
    uint32_t cap;
    uint32_t free_handle; /* 0: none */
    uint64_t memory_bytes;
};

void queue_words_done(struct queue_words *words);
/* A handle to keep until queue_words_drop; 0 for no words. */
uint32_t queue_words_take(struct queue_words *words, struct str text);
uint32_t queue_words_share(struct queue_words *words, uint32_t handle);
/* 0 is harmless. */
void queue_words_drop(struct queue_words *words, uint32_t handle);
/* Valid until the handle is dropped. */
struct str queue_words_text(const struct queue_words *words, uint32_t handle);

#endif
