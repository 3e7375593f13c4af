/* Laws: any split gives the same plan and the same bytes; what needs nothing comes out as it is.
 * What is converted has no byte above 127, needs nothing further, and has the outline of the
 * original: the same parts, frames and fields, but for encodings and what is added at the end of
 * headers; and each body, decoded, is the original's. The first byte says how large the pieces are.
 */
#include "decode.h"
#include "mail/seven_bit.h"
#include "outline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct seven_bit_plan *make_plan(struct str message, size_t piece)
{
    struct seven_bit_plan *plan = NEW(struct seven_bit_plan);
    struct seven_bit_planner *planner = NEW(struct seven_bit_planner);
    seven_bit_plan_begin(planner, plan);
    for (; message.len; message = str_from(message, piece))
        seven_bit_plan_add(planner, str_first(message, piece));
    seven_bit_plan_end(planner);
    mem_free(planner);
    return plan;
}

static struct buf convert(const struct seven_bit_plan *plan, struct str message, size_t piece)
{
    struct seven_bit_converter *converter = NEW(struct seven_bit_converter);
    struct buf out = buf_make(1 << 24);
    enum err err = OK;
    seven_bit_convert_begin(converter, plan, &out);
    for (; message.len && !err; message = str_from(message, piece))
        err = seven_bit_convert(converter, str_first(message, piece));
    if (!err)
        err = seven_bit_convert_end(converter);
    assert(!err);
    mem_free(converter);
    return out;
}

static void check_body(const struct outline_part *was, const struct outline_part *is)
{
    struct buf decoded = buf_make(1 << 24);
    assert(mime_encoding_is_identity(was->part.encoding));
    if (is->part.encoding == MIME_BASE64)
        decode_base64(buf_str(&is->body), &decoded);
    else
        decode_quoted(buf_str(&is->body), &decoded);
    assert(str_eq(buf_str(&decoded), buf_str(&was->body)));
    buf_free(&decoded);
}

static void check_part(const struct outline_part *was, const struct outline_part *is,
                       enum seven_bit_action action)
{
    assert(outline_part_eq(&was->part, &is->part));
    assert(str_starts(buf_str(&is->fields), buf_str(&was->fields)));
    if (action >= SEVEN_BIT_QUOTE) {
        check_body(was, is);
        return;
    }
    assert(str_eq(buf_str(&is->body), buf_str(&was->body)));
    if (action == SEVEN_BIT_RELABEL) {
        assert(is->part.encoding == MIME_7BIT);
        return;
    }
    assert(str_eq(buf_str(&is->encoding), buf_str(&was->encoding)));
    assert(str_eq(buf_str(&is->fields), buf_str(&was->fields)));
}

static void check_converted(struct str message, struct str converted,
                            const struct seven_bit_plan *plan)
{
    struct outline *was = outline_read(message, SIZE_MAX);
    struct outline *is = outline_read(converted, SIZE_MAX);
    struct seven_bit_plan *again = make_plan(converted, SIZE_MAX);
    assert(!str_has_8bit(converted) && again->answer == SEVEN_BIT_ALREADY);
    assert(was->count == is->count && !is->reader.is_doubtful);
    assert(str_eq(buf_str(&was->frame), buf_str(&is->frame)));
    for (size_t i = 0; i < was->count; i++)
        check_part(&was->parts[i], &is->parts[i],
                   i < MIME_PARTS_MAX ? (enum seven_bit_action)plan->actions[i] : SEVEN_BIT_KEEP);
    mem_free(again);
    outline_free(was);
    outline_free(is);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str message = str_make((const char *)data + 1, size - 1);
    size_t piece = (size_t)data[0] + 1;
    struct seven_bit_plan *plan = make_plan(message, SIZE_MAX), *same = make_plan(message, piece);
    assert(memcmp(plan, same, sizeof *plan) == 0);
    assert(str_has_8bit(message) == (plan->answer != SEVEN_BIT_ALREADY));
    if (plan->answer <= SEVEN_BIT_POSSIBLE) {
        struct buf whole = convert(plan, message, SIZE_MAX);
        struct buf pieces = convert(plan, message, piece);
        assert(str_eq(buf_str(&whole), buf_str(&pieces)));
        if (plan->answer == SEVEN_BIT_ALREADY)
            assert(str_eq(buf_str(&whole), message));
        else
            check_converted(message, buf_str(&whole), plan);
        buf_free(&whole);
        buf_free(&pieces);
    }
    mem_free(plan);
    mem_free(same);
    return 0;
}
