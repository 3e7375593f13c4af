#include "deliver/content.h"

#include "base/mem.h"
#include "fiber/loop.h"
#include "smtp/data.h"

#define PIECE_MAX_BYTES (32 * 1024)

/* ---- sources ---- */
static enum err read_message(void *context, uint64_t offset, void *out, size_t len, size_t *out_len)
{
    return spool_message_read(context, offset, out, len, out_len);
}

struct content_source content_of_message(struct spool_message *message)
{
    return (struct content_source){read_message, message, message->size_bytes};
}

static enum err read_text(void *context, uint64_t offset, void *out, size_t len, size_t *out_len)
{
    const struct str *text = context;
    struct str piece = str_first(str_from(*text, (size_t)offset), len);
    if (piece.len)
        memcpy(out, piece.at, piece.len);
    *out_len = piece.len;
    return OK;
}

struct content_source content_of_text(const struct str *text)
{
    return (struct content_source){read_text, (void *)(uintptr_t)text, text->len};
}

/* ---- pieces ---- */

/* Takes a piece onto the wire; ERR_SYNTAX is the message's fault, everything else the stream's. */
typedef enum err send_piece(struct content_sender *sender, void *state, struct str piece);

static enum err read_piece(struct content_sender *sender, uint64_t offset, char *out, size_t len,
                           struct str *out_piece)
{
    size_t got = 0;
    enum err err = sender->source->read(sender->source->context, offset, out, len, &got);
    if (!err && got == 0)
        err = ERR_CORRUPT; /* it is shorter than it said */
    if (err)
        return sender->source_err = err;
    *out_piece = str_make(out, got);
    return OK;
}

static enum err send_range(struct content_sender *sender, uint64_t offset, uint64_t len,
                           send_piece *send, void *state)
{
    size_t size = len < PIECE_MAX_BYTES ? (size_t)len : PIECE_MAX_BYTES;
    char *piece_bytes = size ? mem_alloc(size) : NULL;
    enum err err = OK;
    while (len && !err) {
        struct str piece;
        err = read_piece(sender, offset, piece_bytes, len < size ? (size_t)len : size, &piece);
        if (err)
            break;
        offset += piece.len;
        len -= piece.len;
        err = send(sender, state, piece);
        if (err == ERR_SYNTAX)
            sender->source_err = err;
    }
    mem_free(piece_bytes);
    return err;
}

static enum err put(struct content_sender *sender, struct str bytes)
{
    if (bytes.len == 0)
        return OK;
    return stream_write(sender->stream, bytes, loop_now_ms() + sender->block_timeout_ms);
}

/* ---- DATA ---- */
static enum err send_stuffed(struct content_sender *sender, void *state, struct str piece)
{
    while (piece.len) {
        size_t used = 0;
        struct str run = STR_EMPTY;
        enum err err = smtp_data_write(state, piece, &used, &run);
        if (!err)
            err = put(sender, run);
        if (err)
            return err;
        piece = str_from(piece, used);
    }
    return OK;
}

/* The checksum of a message in the spool is proved by reading beyond its last byte: before the dot,
 * not after it. */
static enum err prove_end(struct content_sender *sender)
{
    char beyond;
    size_t len = 0;
    const struct content_source *source = sender->source;
    enum err err = source->read(source->context, source->size_bytes, &beyond, 1, &len);
    if (!err && len)
        err = ERR_CORRUPT;
    if (err)
        sender->source_err = err;
    return err;
}

enum err content_send_data(struct content_sender *sender)
{
    struct smtp_data_writer writer = smtp_data_writer_make();
    struct str end;
    enum err err = send_range(sender, 0, sender->source->size_bytes, send_stuffed, &writer);
    if (!err)
        err = prove_end(sender);
    if (err)
        return err;
    err = smtp_data_write_end(&writer, &end);
    if (err)
        return sender->source_err = err;
    err = put(sender, end);
    return err ? err : stream_flush(sender->stream, loop_now_ms() + sender->block_timeout_ms);
}

/* ---- BDAT ---- */
static enum err send_as_it_is(struct content_sender *sender, void *state, struct str piece)
{
    UNUSED(state);
    smtp_content_add(&sender->facts, piece);
    if (sender->facts.bytes == sender->source->size_bytes) {
        smtp_content_end(&sender->facts);
        enum err err = prove_end(sender);
        if (err)
            return err;
    }
    if (sender->facts.bare_cr || sender->facts.bare_lf)
        return ERR_SYNTAX;
    return put(sender, piece);
}

enum err content_send_chunk(struct content_sender *sender, uint64_t offset, uint64_t len)
{
    enum err err = send_range(sender, offset, len, send_as_it_is, NULL);
    return err ? err : stream_flush(sender->stream, loop_now_ms() + sender->block_timeout_ms);
}
