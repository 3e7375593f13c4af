/* The content of a message on its way out, in pieces of at most 32 KiB: dot-stuffed behind DATA, or
 * as it is in the chunks of BDAT (RFC 3030). Whatever its way, no bare CR or LF is ever sent. */
#ifndef DELIVER_CONTENT_H
#define DELIVER_CONTENT_H

#include "net/stream.h"
#include "smtp/content.h"
#include "spool/spool.h"

/* Where content comes from. */
struct content_source {
    /* Up to `len` bytes at `offset`; *out_len = 0 only at the end. */
    MAY_YIELD enum err (*read)(void *context, uint64_t offset, void *out, size_t len,
                               size_t *out_len);
    void *context;
    uint64_t size_bytes;
};

/* Of a message in the spool, which outlives it. */
struct content_source content_of_message(struct spool_message *message);
/* Of text in memory, which outlives it. */
struct content_source content_of_text(const struct str *text);

struct content_sender {
    const struct content_source *source;
    struct stream *stream;
    uint32_t block_timeout_ms; /* for each write */
    /* Why sending ended when it was not the stream's fault: what the source said; ERR_CORRUPT: it
     * had another size; ERR_SYNTAX: it holds a bare CR or LF. What was sent is then half a message,
     * and the connection has to be broken off. */
    enum err source_err;
    struct smtp_content facts; /* private: of the chunks so far */
};

/* Sends all of it and the final dot. */
MUST_CHECK MAY_YIELD enum err content_send_data(struct content_sender *sender);
/* Sends the bytes [offset, offset + len) of it, after a BDAT command that announced them. */
MUST_CHECK MAY_YIELD enum err content_send_chunk(struct content_sender *sender, uint64_t offset,
                                                 uint64_t len);

#endif
