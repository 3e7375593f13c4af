#include "net/stream.h"

#include "base/mem.h"
#include "net/stream_internal.h"

#define INPUT_START_BYTES  4096
#define OUTPUT_START_BYTES 512
#define OUTPUT_MAX_BYTES   16384 /* one TLS record */

void stream_init(struct stream *stream, const struct stream_transport *transport)
{
    *stream = (struct stream){.transport = transport};
}

const struct net_address *stream_peer(const struct stream *stream) { return &stream->peer; }
const struct net_address *stream_local(const struct stream *stream) { return &stream->local; }

void stream_set_peer(struct stream *stream, const struct net_address *peer)
{
    stream->peer = *peer;
}

const struct tls_info *stream_tls(const struct stream *stream)
{
    return stream->tls ? tls_describe(stream->tls) : NULL;
}

/* ---- input ---- */
static size_t input_len(const struct stream *stream)
{
    return stream->input_end - stream->input_start;
}

struct str stream_input(const struct stream *stream)
{
    if (!stream->input)
        return STR_EMPTY;
    return str_make(stream->input + stream->input_start, input_len(stream));
}

void stream_consume(struct stream *stream, size_t len)
{
    assert(len <= input_len(stream));
    stream->input_start += (uint32_t)len;
}

static void resize_input(struct stream *stream, size_t cap)
{
    stream->input = mem_grow(stream->input, cap);
    stream->input_cap = (uint32_t)cap;
}

static void move_input_to_front(struct stream *stream)
{
    size_t len = input_len(stream);
    if (len && stream->input_start)
        memmove(stream->input, stream->input + stream->input_start, len);
    stream->input_start = 0;
    stream->input_end = (uint32_t)len;
}

/* Grows only for a peer that fills what there is, so that a slow dialogue stays small. */
static void make_room_for_input(struct stream *stream)
{
    move_input_to_front(stream);
    if (!stream->input)
        resize_input(stream, INPUT_START_BYTES);
    bool wants_more = stream->input_was_filled || stream->input_end == stream->input_cap;
    if (wants_more && stream->input_cap < INPUT_MAX_BYTES)
        resize_input(stream, (size_t)stream->input_cap * 2);
    stream->input_was_filled = false;
}

static void drop_input(struct stream *stream)
{
    mem_free(stream->input);
    stream->input = NULL;
    stream->input_start = stream->input_end = stream->input_cap = 0;
    stream->input_was_filled = false;
}

/* Gives back what an idle stream does not need; a half-received line stays. */
static void trim_input(struct stream *stream)
{
    if (input_len(stream) == 0) {
        drop_input(stream);
        return;
    }
    size_t enough = INPUT_START_BYTES;
    while (enough < input_len(stream))
        enough *= 2;
    move_input_to_front(stream);
    if (enough < stream->input_cap)
        resize_input(stream, enough);
}

enum err stream_read_once(struct stream *stream, char *out, size_t size, size_t *out_len,
                          enum watch_side *out_side)
{
    if (stream->tls)
        return tls_read(stream->tls, out, size, out_len, out_side);
    *out_side = WATCH_READ;
    return stream->transport->read(stream, out, size, out_len);
}

/* A peer that says nothing for a while is likely to stay silent: its memory is better used
 * elsewhere until it speaks. */
static enum err wait_for_input(struct stream *stream, enum watch_side side, uint64_t deadline_ms,
                               bool at_boundary)
{
    uint64_t trim_at_ms = loop_now_ms() + STREAM_TRIM_AFTER_MS;
    if (deadline_ms > trim_at_ms) {
        enum err err = stream->transport->wait(stream, side, trim_at_ms, at_boundary);
        if (err != ERR_TIMEOUT)
            return err;
        trim_input(stream);
        fiber_trim_stack();
    }
    return stream->transport->wait(stream, side, deadline_ms, at_boundary);
}

static enum err fill(struct stream *stream, uint64_t deadline_ms, bool at_boundary)
{
    if (input_len(stream) == INPUT_MAX_BYTES)
        return ERR_LIMIT;
    if (stream->read_error)
        return stream->read_error;
    for (;;) {
        make_room_for_input(stream);
        size_t room = stream->input_cap - stream->input_end;
        size_t len = 0;
        enum watch_side side = WATCH_READ;
        enum err err =
            stream_read_once(stream, stream->input + stream->input_end, room, &len, &side);
        if (err == OK) {
            stream->input_end += (uint32_t)len;
            stream->input_was_filled = len == room;
            return OK;
        }
        if (err != ERR_BUSY)
            return stream->read_error = err;
        err = wait_for_input(stream, side, deadline_ms, at_boundary);
        if (err)
            return err;
    }
}

enum err stream_fill(struct stream *stream, uint64_t deadline_ms)
{
    return fill(stream, deadline_ms, false);
}

enum err stream_fill_at_boundary(struct stream *stream, uint64_t deadline_ms)
{
    return fill(stream, deadline_ms, true);
}

/* Takes the line that ends with the LF at `at`. */
static struct str take_line(struct stream *stream, size_t at, bool *out_crlf)
{
    struct str line = str_first(stream_input(stream), at);
    stream_consume(stream, at + 1);
    *out_crlf = str_ends(line, STR("\r"));
    return *out_crlf ? str_first(line, line.len - 1) : line;
}

enum err stream_read_line(struct stream *stream, size_t max, bool at_boundary, uint64_t deadline_ms,
                          struct str *out_line, bool *out_crlf)
{
    assert(max > 0 && max <= INPUT_MAX_BYTES);
    size_t searched = 0;
    for (;;) {
        struct str input = str_first(stream_input(stream), max);
        size_t at = str_find(str_from(input, searched), '\n');
        if (at != SIZE_MAX) {
            *out_line = take_line(stream, searched + at, out_crlf);
            return OK;
        }
        searched = input.len;
        if (searched == max)
            return ERR_LIMIT;
        enum err err = fill(stream, deadline_ms, at_boundary && searched == 0);
        if (err)
            return err;
    }
}

/* ---- output ---- */
static enum err write_once(struct stream *stream, struct str bytes, size_t *out_len,
                           enum watch_side *out_side)
{
    if (stream->tls)
        return tls_write(stream->tls, bytes, out_len, out_side);
    *out_side = WATCH_WRITE;
    return stream->transport->write(stream, bytes, out_len);
}

/* Sends all of it. *out_sent counts on an error as well. */
static enum err send_all(struct stream *stream, struct str bytes, uint64_t deadline_ms,
                         size_t *out_sent)
{
    *out_sent = 0;
    while (*out_sent < bytes.len) {
        size_t len = 0;
        enum watch_side side = WATCH_WRITE;
        enum err err = write_once(stream, str_from(bytes, *out_sent), &len, &side);
        if (err == ERR_BUSY)
            err = stream->transport->wait(stream, side, deadline_ms, false);
        if (err)
            return err;
        *out_sent += len;
    }
    return OK;
}

static void drop_output(struct stream *stream)
{
    mem_free(stream->output);
    stream->output = NULL;
    stream->output_len = stream->output_cap = 0;
}

/* After a timeout or a cancellation the unsent rest is still there, and a later flush goes on. */
static enum err send_gathered(struct stream *stream, uint64_t deadline_ms)
{
    size_t sent = 0;
    enum err err =
        send_all(stream, str_make(stream->output, stream->output_len), deadline_ms, &sent);
    stream->output_len -= (uint32_t)sent;
    if (sent && stream->output_len)
        memmove(stream->output, stream->output + sent, stream->output_len);
    if (err && err != ERR_TIMEOUT && err != ERR_CANCELLED)
        stream->write_error = err;
    return err;
}

static void gather(struct stream *stream, struct str bytes)
{
    size_t len = stream->output_len + bytes.len;
    assert(len <= OUTPUT_MAX_BYTES);
    if (len > stream->output_cap) {
        size_t cap = max_size(stream->output_cap, OUTPUT_START_BYTES);
        while (cap < len)
            cap *= 2;
        stream->output = mem_grow(stream->output, cap);
        stream->output_cap = (uint32_t)cap;
    }
    memcpy(stream->output + stream->output_len, bytes.at, bytes.len);
    stream->output_len = (uint32_t)len;
}

/* Much at once needs no copy when nothing stands before it. */
static enum err write_rest(struct stream *stream, struct str bytes, uint64_t deadline_ms)
{
    while (bytes.len) {
        size_t sent = 0;
        if (stream->output_len == 0 && bytes.len >= OUTPUT_MAX_BYTES)
            return send_all(stream, bytes, deadline_ms, &sent);

        struct str piece = str_first(bytes, OUTPUT_MAX_BYTES - stream->output_len);
        gather(stream, piece);
        bytes = str_from(bytes, piece.len);
        if (stream->output_len == OUTPUT_MAX_BYTES) {
            enum err err = send_gathered(stream, deadline_ms);
            if (err)
                return err;
        }
    }
    return OK;
}

enum err stream_write(struct stream *stream, struct str bytes, uint64_t deadline_ms)
{
    if (stream->write_error)
        return stream->write_error;
    enum err err = write_rest(stream, bytes, deadline_ms);
    if (err)
        stream->write_error = err;
    return err;
}

enum err stream_flush(struct stream *stream, uint64_t deadline_ms)
{
    if (stream->write_error)
        return stream->write_error;
    if (stream->output_len == 0)
        return OK;
    enum err err = send_gathered(stream, deadline_ms);
    if (err == OK)
        drop_output(stream);
    return err;
}

/* ---- the end ---- */
static void send_without_waiting(struct stream *stream)
{
    struct str rest = str_make(stream->output, stream->output_len);
    while (rest.len) {
        size_t len = 0;
        enum watch_side side;
        if (write_once(stream, rest, &len, &side))
            return;
        rest = str_from(rest, len);
    }
    stream->output_len = 0;
}

static void end(struct stream *stream, bool reset)
{
    bool is_whole = !reset && !stream->write_error;
    if (is_whole)
        send_without_waiting(stream);
    if (stream->tls)
        tls_end(stream->tls, is_whole && stream->output_len == 0);
    drop_input(stream);
    drop_output(stream);
    stream->transport->close(stream, reset);
}

void stream_close(struct stream *stream) { end(stream, false); }
void stream_abort(struct stream *stream) { end(stream, true); }
