/* Content in 7 bit, for a server that does not offer 8BITMIME: converted (mail/seven_bit.h) while
 * it is read, with memory for a few pieces of it whatever its size. The original is read three
 * times: to plan, to know the size, which is said before the content, and to send. */
#ifndef DELIVER_SEVEN_BIT_CONTENT_H
#define DELIVER_SEVEN_BIT_CONTENT_H

#include "deliver/content.h"
#include "mail/seven_bit.h"

struct seven_bit_content {
    struct content_source source; /* what is to be sent. To go back is to begin anew */
    /* private: */
    const struct content_source *original;
    struct seven_bit_plan *plan;
    struct seven_bit_converter *converter;
    char *piece; /* of the original */
    uint64_t original_at;
    struct buf out; /* converted; its first byte is that at `at` */
    uint64_t at;
    bool is_ended; /* all of the original is converted */
    size_t unyielded_bytes;
};

/* Looks through the original, which outlives it. On OK *out_answer says whether it can be done; if
 * it is SEVEN_BIT_POSSIBLE, `source` is ready. Memory is the arena's, but for what
 * seven_bit_content_done gives back, whatever came of it. */
MUST_CHECK MAY_YIELD enum err seven_bit_content_begin(struct seven_bit_content *content,
                                                      const struct content_source *original,
                                                      struct arena *arena,
                                                      enum seven_bit_answer *out_answer);
void seven_bit_content_done(struct seven_bit_content *content);

#endif
