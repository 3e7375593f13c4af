#include "deliver/seven_bit_content.h"

#include "fiber/fiber.h"

#define PIECE_BYTES    ((size_t)16 * 1024)
#define OUT_MAX_BYTES  ((size_t)512 * 1024) /* of one piece: each byte three, some fields */
#define BYTES_PER_TURN ((size_t)256 * 1024) /* of one message in a row; then others have a turn */

/* The next piece of the original; empty at its end, which proves its checksum. */
static enum err read_original(struct seven_bit_content *content, struct str *out_piece)
{
    size_t got = 0;
    const struct content_source *original = content->original;
    enum err err =
        original->read(original->context, content->original_at, content->piece, PIECE_BYTES, &got);
    if (err)
        return err;
    content->original_at += got;
    content->unyielded_bytes += got;
    if (content->unyielded_bytes > BYTES_PER_TURN) {
        content->unyielded_bytes = 0;
        fiber_yield();
    }
    *out_piece = str_make(content->piece, got);
    return OK;
}

static enum err plan(struct seven_bit_content *content, struct arena *arena)
{
    struct seven_bit_planner *planner = ARENA_NEW(arena, struct seven_bit_planner);
    struct str piece;
    enum err err;
    seven_bit_plan_begin(planner, content->plan);
    while ((err = read_original(content, &piece)) == OK && piece.len)
        seven_bit_plan_add(planner, piece);
    seven_bit_plan_end(planner);
    return err;
}

static void rewind_content(struct seven_bit_content *content)
{
    seven_bit_convert_begin(content->converter, content->plan, &content->out);
    buf_clear(&content->out);
    content->original_at = content->at = 0;
    content->is_ended = false;
}

/* Converts what comes next; what is there must have been taken. */
static enum err advance(struct seven_bit_content *content)
{
    struct str piece;
    enum err err = read_original(content, &piece);
    if (err)
        return err;
    content->at += content->out.len;
    buf_clear(&content->out);
    content->is_ended = piece.len == 0;
    return content->is_ended ? seven_bit_convert_end(content->converter)
                             : seven_bit_convert(content->converter, piece);
}

/* Up to the piece with the byte at `offset` in it, or to the end. */
static enum err seek(struct seven_bit_content *content, uint64_t offset)
{
    if (offset < content->at)
        rewind_content(content);
    enum err err = OK;
    while (!err && !content->is_ended && offset - content->at >= content->out.len)
        err = advance(content);
    return err;
}

static enum err read_converted(void *context, uint64_t offset, void *out, size_t len,
                               size_t *out_len)
{
    struct seven_bit_content *content = context;
    enum err err = seek(content, offset);
    if (err)
        return err;
    uint64_t skip = offset - content->at;
    struct str rest =
        skip < content->out.len ? str_from(buf_str(&content->out), (size_t)skip) : STR_EMPTY;
    rest = str_first(rest, len);
    if (rest.len)
        memcpy(out, rest.at, rest.len);
    *out_len = rest.len;
    return OK;
}

enum err seven_bit_content_begin(struct seven_bit_content *content,
                                 const struct content_source *original, struct arena *arena,
                                 enum seven_bit_answer *out_answer)
{
    *content = (struct seven_bit_content){
        .source = {.read = read_converted, .context = content},
        .original = original,
        .plan = ARENA_NEW(arena, struct seven_bit_plan),
        .converter = ARENA_NEW(arena, struct seven_bit_converter),
        .piece = arena_alloc(arena, PIECE_BYTES),
        .out = buf_make(OUT_MAX_BYTES),
    };
    enum err err = plan(content, arena);
    if (!err && content->plan->answer == SEVEN_BIT_POSSIBLE) {
        rewind_content(content);
        err = seek(content, UINT64_MAX);
        content->source.size_bytes = content->at + content->out.len;
    }
    if (!err)
        *out_answer = content->plan->answer;
    return err;
}

void seven_bit_content_done(struct seven_bit_content *content) { buf_free(&content->out); }
