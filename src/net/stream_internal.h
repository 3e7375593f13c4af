/* What the parts of a stream know of each other: stream.c buffers, a transport moves bytes, tls
 * sits between them when there is encryption.
 *
 * A transport never waits within read and write: ERR_BUSY says that nothing can be done now, and
 * `wait` is where the fiber parks. So OpenSSL's callbacks cannot yield either. */
#ifndef NET_STREAM_INTERNAL_H
#define NET_STREAM_INTERNAL_H

#include "fiber/loop.h"
#include "net/stream.h"

#define INPUT_MAX_BYTES 65536 /* received and not consumed */

struct tls; /* the encryption of one stream; NULL in clear */

struct stream_transport {
    /* OK: at least one byte. ERR_BUSY, ERR_CLOSED, ERR_RESET, ERR_IO. */
    enum err (*read)(struct stream *stream, char *out, size_t size, size_t *out_len);
    enum err (*write)(struct stream *stream, struct str bytes, size_t *out_len);
    /* Waits until `side` may do something after ERR_BUSY. */
    enum err (*wait)(struct stream *stream, enum watch_side side, uint64_t deadline_ms,
                     bool at_boundary);
    /* Ends the connection and frees the stream itself. */
    void (*close)(struct stream *stream, bool reset);
};

/* A transport's own struct begins with this one. Some 400 bytes, of which the addresses are most:
 * an idle connection costs little more than it. */
struct stream {
    const struct stream_transport *transport;
    struct tls *tls;

    char *input; /* NULL while nothing is buffered and nobody waits */
    uint32_t input_start;
    uint32_t input_end;
    uint32_t input_cap;
    bool input_was_filled; /* the last read took all the room there was: more room pays */

    char *output; /* NULL while nothing is gathered */
    uint32_t output_len;
    uint32_t output_cap;

    enum err read_error;  /* the end was reached, in order or not: there is no way back */
    enum err write_error; /* bytes were lost: what would follow makes no sense */

    struct net_address peer;
    struct net_address local;
};

void stream_init(struct stream *stream, const struct stream_transport *transport);

/* The stream below the buffers: the transport, or TLS over it. ERR_BUSY: wait for *out_side. */
enum err stream_read_once(struct stream *stream, char *out, size_t size, size_t *out_len,
                          enum watch_side *out_side);

/* ---- TLS of one stream (tls_stream.c) ---- */
enum err tls_read(struct tls *tls, char *out, size_t size, size_t *out_len,
                  enum watch_side *out_side);
enum err tls_write(struct tls *tls, struct str bytes, size_t *out_len, enum watch_side *out_side);
/* Says goodbye if that needs no wait and `politely`, and frees. */
void tls_end(struct tls *tls, bool politely);
const struct tls_info *tls_describe(const struct tls *tls);

#endif
