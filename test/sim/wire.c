#include "wire.h"

#include "base/mem.h"
#include "fiber/loop.h"
#include "net/stream_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* A stream that is looked through at one end of a wire. */
struct tap {
    struct stream stream; /* first */
    struct stream *inner;
    struct wires *wires;
    struct wire *wire;
    bool is_server;
    struct list in_limbo;
};

static const struct stream_transport tap_transport;

static struct tap *tap_of(struct stream *stream)
{
    assert(stream->transport == &tap_transport);
    return (struct tap *)stream;
}

/* ---- the story ---- */

/* As FNV-1a; it has to be the same in every process. */
static uint64_t mix(uint64_t state, uint64_t value)
{
    return (state ^ value) * UINT64_C(0x100000001b3);
}

static void tell(const struct tap *tap, char direction, const char *bytes, size_t len)
{
    struct wires *wires = tap->wires;
    unsigned long long ms = loop_now_ms(), number = tap->wire->number;
    wires->moment++;
    wires->story = mix(mix(mix(wires->story, ms), number), (unsigned char)direction);
    for (size_t i = 0; i < len; i++)
        wires->story = mix(wires->story, (unsigned char)bytes[i]);
    if (wires->is_shown)
        fprintf(stderr, "%llu.%03llu wire %llu %c %.*s\n", ms / 1000, ms % 1000, number, direction,
                (int)len, bytes);
}

/* ---- the tap as a transport ---- */

static bool is_cut(const struct tap *tap)
{
    return tap->is_server && tap->wires->state != WIRES_UP;
}

static enum err tap_read(struct stream *stream, char *out, size_t size, size_t *out_len)
{
    struct tap *tap = tap_of(stream);
    if (is_cut(tap))
        return ERR_RESET;
    enum err err = tap->inner->transport->read(tap->inner, out, size, out_len);
    if (err)
        return err;
    if (tap->is_server) {
        tap->wire->server_read += *out_len;
        tell(tap, '<', out, *out_len);
        tap->wires->arrived(tap->wires->context, tap->wire);
    } else {
        tap->wire->other_read += *out_len;
    }
    return OK;
}

uint64_t wire_said_bytes(const struct wire *wire)
{
    return wire->said_count ? wire->said[wire->said_count - 1].end : 0;
}

static void mark_said(struct wire *wire, size_t len, uint64_t moment)
{
    uint64_t end = wire_said_bytes(wire) + len;
    wire->said = mem_grow(wire->said, (wire->said_count + 1) * sizeof *wire->said);
    wire->said[wire->said_count++] = (struct wire_mark){end, moment};
}

uint64_t wire_said_at(const struct wire *wire, uint64_t offset)
{
    size_t i = 0;
    while (i < wire->said_count && wire->said[i].end <= offset)
        i++;
    assert(i < wire->said_count);
    return wire->said[i].moment;
}

static enum err tap_write(struct stream *stream, struct str bytes, size_t *out_len)
{
    struct tap *tap = tap_of(stream);
    if (is_cut(tap))
        return ERR_RESET;
    enum err err = tap->inner->transport->write(tap->inner, bytes, out_len);
    if (err)
        return err;
    if (tap->is_server) {
        tell(tap, '>', bytes.at, *out_len);
        mark_said(tap->wire, *out_len, tap->wires->moment);
    } else {
        tap->wire->other_wrote += *out_len;
    }
    return OK;
}

static enum err tap_wait(struct stream *stream, enum watch_side side, uint64_t deadline_ms,
                         bool at_boundary)
{
    struct tap *tap = tap_of(stream);
    return tap->inner->transport->wait(tap->inner, side, deadline_ms, at_boundary);
}

static void tap_close(struct stream *stream, bool reset)
{
    struct tap *tap = tap_of(stream);
    if (is_cut(tap) && tap->wires->state == WIRES_SILENT) {
        list_push_back(&tap->wires->limbo, &tap->in_limbo);
        return;
    }
    tap->inner->transport->close(tap->inner, reset || is_cut(tap));
    mem_free(tap);
}

static const struct stream_transport tap_transport = {
    .read = tap_read,
    .write = tap_write,
    .wait = tap_wait,
    .close = tap_close,
};

static struct stream *tap_new(struct wires *wires, struct wire *wire, struct stream *inner,
                              bool is_server)
{
    struct tap *tap = NEW(struct tap);
    stream_init(&tap->stream, &tap_transport);
    tap->stream.peer = inner->peer;
    tap->stream.local = inner->local;
    tap->inner = inner;
    tap->wires = wires;
    tap->wire = wire;
    tap->is_server = is_server;
    list_init(&tap->in_limbo);
    return &tap->stream;
}

/* ---- connections ---- */

static struct wire *wire_new(struct wires *wires, const struct stream *end)
{
    struct wire *wire = ARENA_NEW(wires->arena, struct wire);
    wire->number = ++wires->count;
    wire->server = end->local;
    wire->other = end->peer;
    list_init(&wire->expecting);
    list_push_front(&wires->all, &wire->in_wires);
    return wire;
}

struct stream *wires_accepted(struct wires *wires, struct stream *stream)
{
    return tap_new(wires, wire_new(wires, stream), stream, true);
}

static enum err wires_connect(struct network *network, const struct net_address *to,
                              const struct net_address *source, uint64_t deadline_ms,
                              struct stream **out_stream)
{
    struct wires *wires = (struct wires *)network;
    if (wires->state != WIRES_UP)
        return ERR_UNREACHABLE;
    struct stream *stream;
    enum err err = network_connect(wires->memory, to, source, deadline_ms, &stream);
    if (!err)
        *out_stream = tap_new(wires, wire_new(wires, stream), stream, true);
    return err;
}

struct stream *wires_received(struct wires *wires, struct stream *stream, struct wire **out_wire)
{
    LIST_EACH (&wires->all, link) {
        struct wire *wire = CONTAINER_OF(link, struct wire, in_wires);
        if (!net_address_eq(&wire->server, &stream->peer) ||
            !net_address_eq(&wire->other, &stream->local))
            continue;
        *out_wire = wire;
        return tap_new(wires, wire, stream, false);
    }
    abort(); /* whoever connects to a sink is the server */
}

/* ---- life ---- */

void wires_init(struct wires *wires, struct network *memory, struct arena *arena)
{
    static const struct network_methods methods = {.connect = wires_connect};
    *wires = (struct wires){
        .network = {&methods},
        .memory = memory,
        .arena = arena,
        .story = UINT64_C(0xcbf29ce484222325),
    };
    list_init(&wires->all);
    list_init(&wires->limbo);
}

void wires_cut(struct wires *wires, enum wires_state state) { wires->state = state; }

void wires_mend(struct wires *wires)
{
    struct list *link;
    while ((link = list_pop_front(&wires->limbo))) {
        struct tap *tap = CONTAINER_OF(link, struct tap, in_limbo);
        tap->inner->transport->close(tap->inner, true);
        mem_free(tap);
    }
    wires->state = WIRES_UP;
}

void wires_done(struct wires *wires)
{
    wires_mend(wires);
    LIST_EACH (&wires->all, link)
        mem_free(CONTAINER_OF(link, struct wire, in_wires)->said);
}
