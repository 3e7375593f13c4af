/* A two-way stream of bytes: a TCP or UNIX socket, TLS over one, or a pipe of the simulation. All
 * conversations see only this.
 *
 * Reading: the stream has an input buffer, borrowed from memory only while it holds bytes or
 * somebody waits briefly; a stream that idles costs no buffer. stream_fill waits for more bytes,
 * stream_input shows what is there, stream_consume drops what was used. Writing: stream_write
 * gathers, stream_flush sends. Reading never flushes by itself.
 *
 * Starting TLS drops whatever was received and not consumed (RFC 3207 section 4.2); callers that
 * want to refuse pipelined plaintext look at stream_input first. The end of TLS is the end of the
 * stream: nothing is ever read in clear behind it. */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/err.h"
#include "base/str.h"
#include "fiber/fiber.h"
#include "net/address.h"

struct stream;
struct tls_context;

/* Idle longer than this, a stream gives back its buffer and the fiber its unused stack. */
#define STREAM_TRIM_AFTER_MS 2000

/* What is buffered and not consumed. Valid until the next call on the stream. */
struct str stream_input(const struct stream *stream);
void stream_consume(struct stream *stream, size_t len);
/* Waits until at least one byte more is in the buffer. ERR_LIMIT: the buffer is full (64 KiB);
 * ERR_CLOSED: orderly end; ERR_RESET, ERR_TIMEOUT, ERR_CANCELLED, ERR_TLS. */
MUST_CHECK MAY_YIELD enum err stream_fill(struct stream *stream, uint64_t deadline_ms);
/* The same at a boundary of the conversation: ERR_STOPPING when the group drains. */
MUST_CHECK MAY_YIELD enum err stream_fill_at_boundary(struct stream *stream, uint64_t deadline_ms);
/* Waits for a whole line and takes it: *out_line without its LF (and CR, if `*out_crlf`), valid
 * until the next call. `max` counts the line with its end. ERR_LIMIT: `max` bytes came without LF
 * and are unread still: see stream_input. `at_boundary` as above, for the wait for its first
 * byte. */
MUST_CHECK MAY_YIELD enum err stream_read_line(struct stream *stream, size_t max, bool at_boundary,
                                               uint64_t deadline_ms, struct str *out_line,
                                               bool *out_crlf);

/* Gathers; sends when 16 KiB are gathered. After an error bytes are lost, and every later write
 * fails alike. */
MUST_CHECK MAY_YIELD enum err stream_write(struct stream *stream, struct str bytes,
                                           uint64_t deadline_ms);
/* After ERR_TIMEOUT and ERR_CANCELLED what is unsent is still gathered: a later flush goes on. */
MUST_CHECK MAY_YIELD enum err stream_flush(struct stream *stream, uint64_t deadline_ms);

/* Sends what is gathered if that needs no wait, ends TLS, closes the descriptor, frees. */
void stream_close(struct stream *stream);
/* Closes without a word and makes the peer see a reset. */
void stream_abort(struct stream *stream);

const struct net_address *stream_peer(const struct stream *stream);
const struct net_address *stream_local(const struct stream *stream);
/* From now on the peer is said to be this one: whoever stands before it told us, and is believed.
 */
void stream_set_peer(struct stream *stream, const struct net_address *peer);

/* ---- TLS ---- */
struct tls_info {        /* of an encrypted stream; text is static or lives with the stream */
    const char *version; /* "TLSv1.3" */
    const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
    int bits;
    bool verified;       /* the peer's certificate matched what was asked */
    const char *problem; /* why not, or NULL */
};
/* NULL on a stream in clear. After a failed handshake it tells the `problem`. */
const struct tls_info *stream_tls(const struct stream *stream);

MUST_CHECK MAY_YIELD enum err stream_tls_accept(struct stream *stream, struct tls_context *context,
                                                uint64_t deadline_ms);
/* The same where TLS begins with the connection: what was received and not consumed, as behind a
 * PROXY header, is the beginning of the handshake. */
MUST_CHECK MAY_YIELD enum err
stream_tls_accept_first(struct stream *stream, struct tls_context *context, uint64_t deadline_ms);
/* `host`: for SNI and, when `verify`, for the certificate (RFC 6125, and RFC 2818 for IP
 * literals). Without verify any certificate is taken; tls_info.verified still tells. */
MUST_CHECK MAY_YIELD enum err stream_tls_connect(struct stream *stream, struct tls_context *context,
                                                 struct str host, bool verify,
                                                 uint64_t deadline_ms);

#endif
