#include "net/memory_stream.h"

#include "base/mem.h"
#include "net/stream_internal.h"

#define PIPE_MAX_BYTES 65536 /* then the writer waits, as it would for a full socket */

/* Bytes on their way. They arrive in order, each piece by one read. */
struct piece {
    struct piece *next;
    uint64_t due_ms;
    size_t start;
    size_t end;
    char bytes[];
};

/* One direction. */
struct pipe {
    struct piece *first;
    struct piece **last;
    size_t len;
    uint64_t last_due_ms;
    bool has_ended; /* its writer has closed: what is in it still arrives */
    struct fiber *reader;
    struct fiber *writer;
};

enum link_state {
    LINK_UP,
    LINK_RESET, /* both ends learn of it; what was still on its way is lost */
    LINK_SILENT /* nobody learns of it; nothing arrives any more */
};

struct link {
    struct pipe pipes[2]; /* pipes[i] is read by end i */
    enum link_state state;
    bool is_closed[2];
    uint64_t carried;
    struct network_faults faults;
    struct random *random;
};

struct memory_stream {
    struct stream stream; /* first */
    struct link *link;
    int end;
};

static const struct stream_transport memory_transport;

static struct memory_stream *memory_of(struct stream *stream)
{
    assert(stream->transport == &memory_transport);
    return (struct memory_stream *)stream;
}

static void wake(struct fiber *fiber)
{
    if (fiber)
        fiber_wake(fiber);
}

static void wake_all(struct link *link)
{
    for (size_t i = 0; i < ARRAY_LEN(link->pipes); i++) {
        wake(link->pipes[i].reader);
        wake(link->pipes[i].writer);
    }
}

/* ---- the sending end ---- */
static void add_piece(struct link *link, struct pipe *pipe, struct str bytes)
{
    uint64_t delay_max_ms = link->faults.delay_max_ms;
    uint64_t due_ms =
        loop_now_ms() + (delay_max_ms ? random_below(link->random, delay_max_ms + 1) : 0);
    if (due_ms < pipe->last_due_ms)
        due_ms = pipe->last_due_ms;
    pipe->last_due_ms = due_ms;

    struct piece *piece = mem_alloc(sizeof *piece + bytes.len);
    *piece = (struct piece){.due_ms = due_ms, .end = bytes.len};
    memcpy(piece->bytes, bytes.at, bytes.len);
    *pipe->last = piece;
    pipe->last = &piece->next;
    pipe->len += bytes.len;
}

static void add_in_pieces(struct link *link, struct pipe *pipe, struct str bytes)
{
    size_t piece_max = link->faults.piece_max_bytes;
    while (bytes.len) {
        size_t len = piece_max ? (size_t)random_below(link->random, piece_max) + 1 : bytes.len;
        add_piece(link, pipe, str_first(bytes, len));
        bytes = str_from(bytes, len);
    }
}

static void break_if_due(struct link *link)
{
    if (link->state != LINK_UP || link->carried < link->faults.break_after_bytes)
        return;
    link->state = link->faults.break_is_silent ? LINK_SILENT : LINK_RESET;
    wake_all(link);
}

static enum err memory_write(struct stream *stream, struct str bytes, size_t *out_len)
{
    struct memory_stream *self = memory_of(stream);
    struct link *link = self->link;
    struct pipe *pipe = &link->pipes[!self->end];
    if (link->state == LINK_RESET || (link->state == LINK_UP && link->is_closed[!self->end]))
        return ERR_RESET;
    if (pipe->len >= PIPE_MAX_BYTES)
        return ERR_BUSY;
    bytes = str_first(bytes, PIPE_MAX_BYTES - pipe->len);
    if (link->state == LINK_SILENT) {
        pipe->len += bytes.len; /* fills the socket's buffer, which nobody empties */
    } else {
        uint64_t left = link->faults.break_after_bytes - link->carried;
        if (bytes.len > left)
            bytes.len = (size_t)left;
        add_in_pieces(link, pipe, bytes);
        link->carried += bytes.len;
        break_if_due(link);
        wake(pipe->reader);
    }
    *out_len = bytes.len;
    return OK;
}

/* ---- the receiving end ---- */
static size_t take(struct pipe *pipe, char *out, size_t size)
{
    struct piece *piece = pipe->first;
    size_t len = min_size(size, piece->end - piece->start);
    memcpy(out, piece->bytes + piece->start, len);
    piece->start += len;
    pipe->len -= len;
    if (piece->start == piece->end) {
        pipe->first = piece->next;
        if (!pipe->first)
            pipe->last = &pipe->first;
        mem_free(piece);
    }
    return len;
}

static enum err memory_read(struct stream *stream, char *out, size_t size, size_t *out_len)
{
    struct memory_stream *self = memory_of(stream);
    struct link *link = self->link;
    struct pipe *pipe = &link->pipes[self->end];
    if (pipe->first && pipe->first->due_ms <= loop_now_ms()) {
        *out_len = take(pipe, out, size);
        wake(pipe->writer);
        return OK;
    }
    if (link->state == LINK_RESET)
        return ERR_RESET;
    if (link->state == LINK_UP && !pipe->first && pipe->has_ended)
        return ERR_CLOSED;
    return ERR_BUSY;
}

static enum err park(uint64_t deadline_ms, bool at_boundary)
{
    return at_boundary ? fiber_park_at_boundary(deadline_ms) : fiber_park(deadline_ms);
}

static enum err memory_wait(struct stream *stream, enum watch_side side, uint64_t deadline_ms,
                            bool at_boundary)
{
    struct memory_stream *self = memory_of(stream);
    if (side == WATCH_WRITE) {
        struct pipe *pipe = &self->link->pipes[!self->end];
        assert(!pipe->writer);
        pipe->writer = fiber_current();
        enum err err = park(deadline_ms, at_boundary);
        pipe->writer = NULL;
        return err;
    }
    struct pipe *pipe = &self->link->pipes[self->end];
    uint64_t due_ms = pipe->first ? pipe->first->due_ms : DEADLINE_NEVER;
    assert(!pipe->reader);
    pipe->reader = fiber_current();
    enum err err = park(due_ms < deadline_ms ? due_ms : deadline_ms, at_boundary);
    pipe->reader = NULL;
    return err == ERR_TIMEOUT && due_ms <= loop_now_ms() ? OK : err;
}

/* ---- the end ---- */
static void drop_pieces(struct pipe *pipe)
{
    while (pipe->first) {
        struct piece *next = pipe->first->next;
        mem_free(pipe->first);
        pipe->first = next;
    }
    pipe->last = &pipe->first;
    pipe->len = 0;
}

static void memory_close(struct stream *stream, bool reset)
{
    struct memory_stream *self = memory_of(stream);
    struct link *link = self->link;
    link->is_closed[self->end] = true;
    link->pipes[!self->end].has_ended = true;
    if (reset && link->state == LINK_UP)
        link->state = LINK_RESET;
    drop_pieces(&link->pipes[self->end]);
    wake_all(link);
    if (link->is_closed[!self->end]) {
        drop_pieces(&link->pipes[!self->end]);
        mem_free(link);
    }
    mem_free(self);
}

static const struct stream_transport memory_transport = {
    .read = memory_read,
    .write = memory_write,
    .wait = memory_wait,
    .close = memory_close,
};

/* ---- making them ---- */
static struct stream *end_new(struct link *link, int end)
{
    struct memory_stream *self = NEW(struct memory_stream);
    stream_init(&self->stream, &memory_transport);
    self->link = link;
    self->end = end;
    return &self->stream;
}

void memory_stream_pair(struct network_faults faults, struct random *random,
                        struct stream **out_one, struct stream **out_other)
{
    struct link *link = NEW(struct link);
    link->faults = faults;
    link->random = random;
    for (size_t i = 0; i < ARRAY_LEN(link->pipes); i++)
        link->pipes[i].last = &link->pipes[i].first;
    break_if_due(link);
    *out_one = end_new(link, 0);
    *out_other = end_new(link, 1);
}

void stream_pair(struct stream **out_one, struct stream **out_other)
{
    memory_stream_pair(network_faults_none(), NULL, out_one, out_other);
}
